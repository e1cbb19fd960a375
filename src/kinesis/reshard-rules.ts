/** What SplitShard, MergeShards and UpdateShardCount share: AWS's checks, in its order, and the change itself. */
import { VoikError } from "../base/errors.ts";
import type { ReshardRequest, Shard, Stream } from "../streams/broker.ts";
import { invalidArgument, KinesisError, notFound } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { modeOf } from "./stream-settings.ts";
import { parseShardId, shardIdOf } from "./shard-view.ts";
import { findActive, notActive, streamNotFound, type StreamReference } from "./stream-view.ts";
import { validationError } from "./validation.ts";

/** The index in a shard id that must be well formed before the stream is looked for. */
export function shardIndexOf(context: RequestContext, text: string, reference: StreamReference): number {
  const index = parseShardId(text);
  if (index !== undefined) return index;
  const name = reference.StreamName ?? reference.StreamARN ?? "";
  throw notFound(`Could not find shard ${text} in stream ${name} under account ${context.caller.accountId}.`);
}

/** The stream to reshard: active, and not in on-demand mode. */
export function findReshardable(context: RequestContext, reference: StreamReference): Stream {
  const stream = findActive(context, reference);
  if (modeOf(stream) === "PROVISIONED") return stream;
  throw validationError(
    `Request is invalid. Stream ${stream.name} under account ${context.caller.accountId} is in On-Demand mode.`,
  );
}

export function shardToReshard(context: RequestContext, stream: Stream, index: number): Shard {
  const shard = stream.shards.find((candidate) => candidate.index === index);
  if (shard !== undefined) return shard;
  const { accountId } = context.caller;
  throw notFound(
    `Could not find shard ${shardIdOf(index)} in stream ${stream.name} under account ${accountId}.`,
  );
}

/** Throws InvalidArgumentException when `shard` was split or merged before. */
export function checkOpen(context: RequestContext, shard: Shard): void {
  if (shard.closedAtMs === undefined) return;
  throw invalidArgument(
    `Shard ${shardIdOf(shard.index)} in stream ${shard.stream.name} under account ${context.caller.accountId} ` +
      "has already been merged or split, and thus is not eligible for merging or splitting.",
  );
}

/** Throws LimitExceededException when `added` shards more are too many. */
export function checkShardLimit(context: RequestContext, added: number): void {
  const { broker, caller } = context;
  const used = broker.listStreams().reduce((count, stream) => count + stream.shards.length, 0);
  if (used + added <= broker.shardCountMax) return;
  throw new KinesisError(
    "LimitExceededException",
    `This request would exceed the shard limit for the account ${caller.accountId} in ${caller.region}. ` +
      `Current shard count for the account: ${used}. Limit: ${broker.shardCountMax}. ` +
      `Number of additional shards that would have resulted from this request: ${added}. ` +
      "Raise --shard-count-max, or delete streams.",
  );
}

export async function reshard(
  context: RequestContext,
  stream: Stream,
  request: ReshardRequest,
): Promise<void> {
  try {
    await context.broker.reshard(stream, request);
  } catch (error) {
    const code = error instanceof VoikError ? error.code : undefined;
    if (code === "stream_not_ready") throw notActive(context, stream, "UPDATING");
    if (code === "stream_not_found") throw streamNotFound(context, stream.name);
    throw error;
  }
  context.transitions.start(stream.id, "UPDATING");
}
