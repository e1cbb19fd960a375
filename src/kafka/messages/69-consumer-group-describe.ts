/** ConsumerGroupDescribe (KIP-848): groups with what their members have and should have. Version 1 tells members' kinds. */
import { array, bool, int16, int32, int8, string, struct, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "0+" };
const assignment = {
  topicPartitions: array("0+", {
    topicId: uuid("0+"),
    topicName: string("0+"),
    partitions: array("0+", int32()),
  }),
};
const maybe = { nullable: "0+", default: null } as const;

export const ConsumerGroupDescribeRequest = message("ConsumerGroupDescribeRequest", ranges, {
  groupIds: array("0+", string()),
  includeAuthorizedOperations: bool("0+"),
});

export const ConsumerGroupDescribeResponse = message("ConsumerGroupDescribeResponse", ranges, {
  throttleTimeMs: int32("0+"),
  groups: array("0+", {
    errorCode: int16("0+"),
    errorMessage: string("0+", maybe),
    groupId: string("0+"),
    groupState: string("0+"),
    groupEpoch: int32("0+"),
    assignmentEpoch: int32("0+"),
    assignorName: string("0+"),
    members: array("0+", {
      memberId: string("0+"),
      instanceId: string("0+", maybe),
      rackId: string("0+", maybe),
      memberEpoch: int32("0+"),
      clientId: string("0+"),
      clientHost: string("0+"),
      subscribedTopicNames: array("0+", string()),
      subscribedTopicRegex: string("0+", maybe),
      assignment: struct("0+", assignment),
      targetAssignment: struct("0+", assignment),
      memberType: int8("1+", { default: -1 }),
    }),
    authorizedOperations: int32("0+", { default: -2147483648 }),
  }),
});

export const ConsumerGroupDescribe = {
  key: 69,
  name: "ConsumerGroupDescribe",
  request: ConsumerGroupDescribeRequest,
  reply: ConsumerGroupDescribeResponse,
};
