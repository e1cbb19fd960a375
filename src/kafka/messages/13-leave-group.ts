/**
 * LeaveGroup: members go. Version 3 brings many at once and static members, 4 flexible fields, 5 reasons (KIP-800).
 */
import { array, int16, int32, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "4+" };

export const LeaveGroupRequest = message("LeaveGroupRequest", ranges, {
  groupId: string("0+"),
  memberId: string("0-2"),
  members: array("3+", {
    memberId: string("3+"),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    reason: string("5+", { nullable: "5+", default: null }),
  }),
});

export const LeaveGroupResponse = message("LeaveGroupResponse", ranges, {
  throttleTimeMs: int32("1+", { default: 0 }),
  errorCode: int16("0+"),
  members: array("3+", {
    memberId: string("3+"),
    groupInstanceId: string("3+", { nullable: "3+" }),
    errorCode: int16("3+"),
  }),
});

export const LeaveGroup = {
  key: 13,
  name: "LeaveGroup",
  request: LeaveGroupRequest,
  reply: LeaveGroupResponse,
};
