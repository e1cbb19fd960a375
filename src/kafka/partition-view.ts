/** A shard as Metadata and DescribeTopicPartitions tell of it: one broker has it, leads it and is in sync. */
import type { Shard } from "../streams/broker.ts";
import { LEADER_EPOCH, NODE_ID } from "./context.ts";
import { KafkaError } from "./errors.ts";

const REPLICAS: readonly number[] = [NODE_ID];
const NONE: readonly number[] = [];

export function partitionOf({ index }: Shard) {
  return {
    errorCode: KafkaError.none,
    partitionIndex: index,
    leaderId: NODE_ID,
    leaderEpoch: LEADER_EPOCH,
    replicaNodes: REPLICAS,
    isrNodes: REPLICAS,
    offlineReplicas: NONE,
  };
}
