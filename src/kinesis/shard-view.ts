/**
 * Shards as this protocol shows them: `shardId-000000000003`, ranges and sequence numbers in decimal. It knows of no
 * request, so whoever has a shard can name it.
 */
import type { Shard } from "../streams/broker.ts";
import { endingSequenceNumber, startingSequenceNumber } from "../streams/sequence-number.ts";

const SHARD_INDEX_MAX = 2 ** 31 - 1;

export function shardIdOf(index: number): string {
  return `shardId-${String(index).padStart(12, "0")}`;
}

/** The index in a shard id, read leniently as AWS does ("shardId-3", "x-3", "3"); undefined when it has none. */
export function parseShardId(text: string): number | undefined {
  const digits = /^(?:[^-]*-)?(\d{1,128})$/.exec(text)?.[1];
  const index = digits === undefined ? -1 : Number(digits);
  return index >= 0 && index <= SHARD_INDEX_MAX ? index : undefined;
}

/** A shard in DescribeStream and ListShards. */
export function shardView(shard: Shard): object {
  const [parent, adjacentParent] = shard.parents;
  return {
    ShardId: shardIdOf(shard.index),
    ParentShardId: parent === undefined ? undefined : shardIdOf(parent),
    AdjacentParentShardId: adjacentParent === undefined ? undefined : shardIdOf(adjacentParent),
    HashKeyRange: hashKeyRangeView(shard),
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequenceNumber(shard),
      EndingSequenceNumber: shard.closedAtMs === undefined ? undefined : endingSequenceNumber(shard),
    },
  };
}

/** The shards that `shard` was split or merged into, as GetRecords shows them at its end. */
export function childShardViews(shard: Shard): object[] {
  return shard.stream.shards
    .filter((candidate) => candidate.parents.includes(shard.index))
    .map((child) => ({
      ShardId: shardIdOf(child.index),
      ParentShards: child.parents.map(shardIdOf),
      HashKeyRange: hashKeyRangeView(child),
    }));
}

function hashKeyRangeView(shard: Shard): object {
  return { StartingHashKey: shard.range.start.toString(), EndingHashKey: shard.range.end.toString() };
}
