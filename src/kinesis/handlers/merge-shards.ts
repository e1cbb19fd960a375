/** MergeShards: two neighbours close and one shard opens on the keys of both. Only in the order of their keys. */
import { invalidArgument } from "../errors.ts";
import { shardId, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import {
  checkOpen,
  checkShardLimit,
  findReshardable,
  reshard,
  shardIndexOf,
  shardToReshard,
} from "../reshard-rules.ts";
import { required, structure } from "../shapes.ts";
import { shardIdOf } from "../shard-view.ts";

const input = structure({
  ...streamReference,
  ShardToMerge: required(shardId),
  AdjacentShardToMerge: required(shardId),
});

export const mergeShards = operation(input, async (request, context) => {
  const first = shardIndexOf(context, request.ShardToMerge, request);
  const second = shardIndexOf(context, request.AdjacentShardToMerge, request);
  const stream = findReshardable(context, request);
  const left = shardToReshard(context, stream, first);
  const right = shardToReshard(context, stream, second);
  checkOpen(context, left);
  checkOpen(context, right);
  if (left.range.end + 1n !== right.range.start) {
    throw invalidArgument(
      `Shards ${shardIdOf(first)} and ${shardIdOf(second)} in stream ${stream.name} under account ` +
        `${context.caller.accountId} are not an adjacent pair of shards eligible for merging`,
    );
  }
  checkShardLimit(context, 1);
  await reshard(context, stream, { kind: "merge", first, second });
  return undefined;
});
