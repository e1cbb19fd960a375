/** DescribeProducers: the idempotent producers that partitions know, and where what they have open begins. */
import type { ShardLog } from "../../log/shard-log.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { LEADER_EPOCH, shardAt } from "../context.ts";
import { KafkaError, refusalOf } from "../errors.ts";
import type {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from "../messages/61-describe-producers.ts";

export const describeProducersHandler: Handler<
  BodyOf<typeof DescribeProducersRequest>,
  InputOf<typeof DescribeProducersResponse>
> = ({ topics }, call) => ({
  topics: topics.map(({ name, partitionIndexes }) => {
    const stream = call.context.broker.streamByName(name);
    const partitions = partitionIndexes.map((partitionIndex) => {
      const log = stream && shardAt(stream, partitionIndex)?.log;
      if (!log) return { partitionIndex, errorCode: KafkaError.unknownTopicOrPartition, activeProducers: [] };
      try {
        return { partitionIndex, errorCode: KafkaError.none, activeProducers: producersOf(log) };
      } catch (error) {
        return { partitionIndex, ...refusalOf(error), activeProducers: [] };
      }
    });
    return { name, partitions };
  }),
});

function producersOf(log: ShardLog) {
  const open = new Map(log.openTransactions().map((one) => [one.producerId, one]));
  const known = log.producers().map(({ producerId, producerEpoch, lastSequence, lastTimestampMs }) => ({
    producerId,
    producerEpoch,
    lastSequence,
    lastTimestamp: lastTimestampMs,
    coordinatorEpoch: LEADER_EPOCH,
    currentTxnStartOffset: open.get(producerId)?.firstOffset ?? -1,
  }));
  // One that has been silent for so long that it is forgotten may still have something open.
  for (const { producerId } of known) open.delete(producerId);
  const silent = [...open.values()].map(({ producerId, producerEpoch, firstOffset }) => ({
    producerId,
    producerEpoch,
    coordinatorEpoch: LEADER_EPOCH,
    currentTxnStartOffset: firstOffset,
  }));
  return [...known, ...silent];
}
