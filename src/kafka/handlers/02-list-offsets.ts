/**
 * ListOffsets: earliest, latest, the largest timestamp, or the first record of at least a timestamp. With read_committed
 * the last stable offset is the latest, and nothing from there on is found.
 */
import type { ShardLog, TimestampPosition } from "../../log/shard-log.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { epochError, LEADER_EPOCH, shardAt } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import type { ListOffsetsRequest, ListOffsetsResponse } from "../messages/02-list-offsets.ts";

const LATEST = -1;
const EARLIEST = -2;
const LARGEST_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_TO_TIER = -6;
const READ_COMMITTED = 1;

type Position = { timestamp: number; offset: number };
const NOWHERE: Position = { timestamp: -1, offset: -1 };

export const listOffsetsHandler: Handler<
  BodyOf<typeof ListOffsetsRequest>,
  InputOf<typeof ListOffsetsResponse>
> = (request, call) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitions }) => {
    const stream = call.context.broker.streamByName(name);
    return {
      name,
      partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
        const log = stream && shardAt(stream, partitionIndex)?.log;
        if (log === undefined) {
          return { partitionIndex, errorCode: KafkaError.unknownTopicOrPartition, ...NOWHERE };
        }
        const errorCode = epochError(currentLeaderEpoch);
        if (errorCode !== KafkaError.none) return { partitionIndex, errorCode, ...NOWHERE };
        try {
          const end = request.isolationLevel === READ_COMMITTED ? log.stableEnd : log.durableEnd;
          const position = positionOf(log, timestamp, end);
          return { partitionIndex, errorCode, leaderEpoch: LEADER_EPOCH, ...position };
        } catch (error) {
          return { partitionIndex, errorCode: kafkaErrorOf(error), ...NOWHERE };
        }
      }),
    };
  }),
});

function positionOf(log: ShardLog, timestamp: number, end: number): Position {
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: end };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: log.startOffset };
    case LARGEST_TIMESTAMP:
      return positionAt(log.newest, end);
    case LATEST_TIERED:
    case EARLIEST_TO_TIER:
      return NOWHERE;
    default:
      return positionAt(log.offsetForTimestamp(timestamp), end);
  }
}

function positionAt(found: TimestampPosition | undefined, end: number): Position {
  return found && found.offset < end ? { timestamp: found.timestampMs, offset: found.offset } : NOWHERE;
}
