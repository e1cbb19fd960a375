/** SplitShard: one shard closes and two open on its keys, the second from NewStartingHashKey on. */
import { invalidArgument } from "../errors.ts";
import { hashKeyText, shardId, streamReference } from "../members.ts";
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
  ShardToSplit: required(shardId),
  NewStartingHashKey: required(hashKeyText),
});

export const splitShard = operation(input, async (request, context) => {
  const index = shardIndexOf(context, request.ShardToSplit, request);
  const stream = findReshardable(context, request);
  const shard = shardToReshard(context, stream, index);
  checkShardLimit(context, 2);
  checkOpen(context, shard);
  const at = BigInt(request.NewStartingHashKey);
  const { start, end } = shard.range;
  if (at <= start + 1n || at >= end) {
    throw invalidArgument(
      `NewStartingHashKey ${at} used in SplitShard() on shard ${shardIdOf(index)} in stream ${stream.name} under ` +
        `account ${context.caller.accountId} is not both greater than one plus the shard's StartingHashKey ` +
        `${start} and less than the shard's EndingHashKey ${end}.`,
    );
  }
  await reshard(context, stream, { kind: "split", shard: index, at });
  return undefined;
});
