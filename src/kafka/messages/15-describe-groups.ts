/**
 * DescribeGroups: groups with their members. Version 3 brings authorized operations, 4 static members, 5 flexible fields,
 * 6 an error for groups that are not there (KIP-1043).
 */
import { array, bool, bytes, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-6", flexible: "5+" };

export const DescribeGroupsRequest = message("DescribeGroupsRequest", ranges, {
  groups: array("0+", string()),
  includeAuthorizedOperations: bool("3+"),
});

export const DescribeGroupsResponse = message("DescribeGroupsResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  groups: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("6+", { nullable: "6+", default: null }),
    groupId: string("0+"),
    groupState: string("0+"),
    protocolType: string("0+"),
    protocolData: string("0+"),
    members: array("0+", {
      memberId: string("0+"),
      groupInstanceId: string("4+", { nullable: "4+", default: null }),
      clientId: string("0+"),
      clientHost: string("0+"),
      memberMetadata: bytes("0+"),
      memberAssignment: bytes("0+"),
    }),
    authorizedOperations: int32("3+", { default: -2147483648 }),
  }),
});

export const DescribeGroups = {
  key: 15,
  name: "DescribeGroups",
  request: DescribeGroupsRequest,
  reply: DescribeGroupsResponse,
};
