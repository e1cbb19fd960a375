/**
 * ConsumerGroupHeartbeat (KIP-848): joins, leaves, says what a member has, and tells what it may read. Null and -1 stand
 * for what has not changed. Version 1 lets clients make their own member id, and adds subscriptions by pattern.
 */
import { array, int16, int32, string, struct, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "0+" };
const topicPartitions = { topicId: uuid("0+"), partitions: array("0+", int32()) };
const kept = { nullable: "0+", default: null } as const;

export const ConsumerGroupHeartbeatRequest = message("ConsumerGroupHeartbeatRequest", ranges, {
  groupId: string("0+"),
  memberId: string("0+"),
  memberEpoch: int32("0+"),
  instanceId: string("0+", kept),
  rackId: string("0+", kept),
  rebalanceTimeoutMs: int32("0+", { default: -1 }),
  subscribedTopicNames: array("0+", string(), kept),
  subscribedTopicRegex: string("1+", { nullable: "1+", default: null }),
  serverAssignor: string("0+", kept),
  topicPartitions: array("0+", topicPartitions, kept),
});

export const ConsumerGroupHeartbeatResponse = message("ConsumerGroupHeartbeatResponse", ranges, {
  throttleTimeMs: int32("0+"),
  errorCode: int16("0+"),
  errorMessage: string("0+", kept),
  memberId: string("0+", kept),
  memberEpoch: int32("0+"),
  heartbeatIntervalMs: int32("0+"),
  assignment: struct("0+", { topicPartitions: array("0+", topicPartitions) }, kept),
});

export const ConsumerGroupHeartbeat = {
  key: 68,
  name: "ConsumerGroupHeartbeat",
  request: ConsumerGroupHeartbeatRequest,
  reply: ConsumerGroupHeartbeatResponse,
};
