/**
 * UpdateShardCount, UNIFORM_SCALING: to at most twice and at least half as many open shards. Steps on the way are
 * shards too, closed at once and listed until retention ends, as AWS has it.
 */
import { invalidArgument } from "../errors.ts";
import { streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { checkShardLimit, findReshardable, reshard } from "../reshard-rules.ts";
import { integer, oneOf, required, structure } from "../shapes.ts";
import { streamArnOf } from "../caller.ts";

const SHARDS_MAX = 10_000;

const input = structure({
  ...streamReference,
  TargetShardCount: required(integer({ min: 1 })),
  ScalingType: required(oneOf("UNIFORM_SCALING")),
});

export const updateShardCount = operation(input, async (request, context) => {
  const stream = findReshardable(context, request);
  const target = request.TargetShardCount;
  const current = stream.shards.filter((shard) => shard.closedAtMs === undefined).length;
  const counts = `Current open shard count: ${current} Target shard count: ${target}`;
  if (target > SHARDS_MAX) {
    throw invalidArgument(`UpdateShardCount cannot scale up over ${SHARDS_MAX} open shards. ${counts}`);
  }
  if (target > current * 2) {
    throw invalidArgument(
      `UpdateShardCount cannot scale up over double your current open shard count. ${counts}`,
    );
  }
  if (target < current / 2) {
    throw invalidArgument(
      `UpdateShardCount cannot scale down below half your current open shard count. ${counts}`,
    );
  }
  checkShardLimit(context, shardsMade(current, target));
  context.throttle?.takeChange("UpdateShardCount", stream, context.caller);
  await reshard(context, stream, { kind: "scale", shardCount: target });
  return {
    StreamName: stream.name,
    CurrentShardCount: current,
    TargetShardCount: target,
    StreamARN: streamArnOf(context.caller, stream.name),
  };
});

/** Steps on the way included: to go up, every open shard is halved first; then neighbours are merged. */
function shardsMade(current: number, target: number): number {
  return target > current ? 4 * current - target : current - target;
}
