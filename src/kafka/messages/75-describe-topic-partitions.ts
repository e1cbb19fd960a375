/** DescribeTopicPartitions (KIP-966): topics and their partitions, a page at a time, in the order of the names. */
import { array, bool, int16, int32, string, struct, uuid } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "0+" };
const NO_OPERATIONS = -2147483648;
const cursor = { topicName: string("0+"), partitionIndex: int32("0+") };

export const DescribeTopicPartitionsRequest = message("DescribeTopicPartitionsRequest", ranges, {
  topics: array("0+", { name: string("0+") }),
  responsePartitionLimit: int32("0+", { default: 2000 }),
  cursor: struct("0+", cursor, { nullable: "0+", default: null }),
});

export const DescribeTopicPartitionsResponse = message("DescribeTopicPartitionsResponse", ranges, {
  throttleTimeMs: int32("0+"),
  topics: array("0+", {
    errorCode: int16("0+"),
    name: string("0+", { nullable: "0+" }),
    topicId: uuid("0+"),
    isInternal: bool("0+", { default: false }),
    partitions: array("0+", {
      errorCode: int16("0+"),
      partitionIndex: int32("0+"),
      leaderId: int32("0+"),
      leaderEpoch: int32("0+", { default: -1 }),
      replicaNodes: array("0+", int32()),
      isrNodes: array("0+", int32()),
      eligibleLeaderReplicas: array("0+", int32(), { nullable: "0+", default: null }),
      lastKnownElr: array("0+", int32(), { nullable: "0+", default: null }),
      offlineReplicas: array("0+", int32()),
    }),
    topicAuthorizedOperations: int32("0+", { default: NO_OPERATIONS }),
  }),
  nextCursor: struct("0+", cursor, { nullable: "0+", default: null }),
});

export const DescribeTopicPartitions = {
  key: 75,
  name: "DescribeTopicPartitions",
  request: DescribeTopicPartitionsRequest,
  reply: DescribeTopicPartitionsResponse,
};
