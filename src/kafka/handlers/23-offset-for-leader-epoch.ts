/** OffsetForLeaderEpoch: there is one epoch, 0, and it ends where the partition does. A consumer that asks has lost nothing. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { epochError, LEADER_EPOCH, shardAt } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from "../messages/23-offset-for-leader-epoch.ts";

export const offsetForLeaderEpochHandler: Handler<
  BodyOf<typeof OffsetForLeaderEpochRequest>,
  InputOf<typeof OffsetForLeaderEpochResponse>
> = ({ topics }, { context }) => ({
  throttleTimeMs: 0,
  topics: topics.map(({ topic, partitions }) => {
    const stream = context.broker.streamByName(topic);
    return {
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const log = stream && shardAt(stream, partition)?.log;
        if (!log) return { partition, errorCode: KafkaError.unknownTopicOrPartition };
        const errorCode = epochError(currentLeaderEpoch);
        if (errorCode !== KafkaError.none) return { partition, errorCode };
        const known = leaderEpoch === LEADER_EPOCH;
        return {
          partition,
          errorCode,
          leaderEpoch: known ? LEADER_EPOCH : -1,
          endOffset: known ? log.durableEnd : -1,
        };
      }),
    };
  }),
});
