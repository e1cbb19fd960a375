/**
 * ListShards: the shards that a filter picks, a page at a time. A next token stands for stream, filter and place,
 * and so excludes naming the stream again.
 */
import { invalidArgument, notFound } from "../errors.ts";
import { nextToken, pageLimit, shardFilter, shardId, streamReference } from "../members.ts";
import { operation, type RequestContext } from "../operation.ts";
import { openPageToken, sealPageToken } from "../page-token.ts";
import { TokenPurpose } from "../sealed-token.ts";
import { type InputOf, structure, timestamp } from "../shapes.ts";
import type { Shard, Stream } from "../../streams/broker.ts";
import { parseShardId, shardView } from "../shard-view.ts";
import { checkCreationTime, findSettled } from "../stream-view.ts";

const PAGE_MAX = 1000;

const input = structure({
  ...streamReference,
  NextToken: nextToken,
  ExclusiveStartShardId: shardId,
  MaxResults: pageLimit,
  StreamCreationTimestamp: timestamp(),
  ShardFilter: shardFilter,
});

type Input = InputOf<typeof input>;
type Filter = InputOf<typeof shardFilter>;

interface Page {
  streamId: string;
  /** Index of the last shard listed so far; -1 for none. */
  after: number;
  filter: Filter | undefined;
}

export const listShards = operation(input, (request, context) => {
  const page = request.NextToken === undefined ? firstPage(request, context) : nextPage(request, context);
  const stream =
    context.broker.streamById(page.streamId) ??
    context.transitions.allDeleting().find((candidate) => candidate.id === page.streamId);
  if (stream === undefined) throw notFound("The stream of this NextToken was deleted.");
  const keep = shardTest(page.filter, stream, context.clock.nowMs());
  const shards = stream.shards.filter((shard) => shard.index > page.after && keep(shard));
  const shown = shards.slice(0, Math.min(request.MaxResults ?? PAGE_MAX, PAGE_MAX));
  const last = shown.at(-1);
  const more = last !== undefined && shown.length < shards.length;
  const next: Page = { ...page, after: last?.index ?? page.after };
  return {
    Shards: shown.map(shardView),
    NextToken: more ? sealPageToken(context.tokens, TokenPurpose.listShards, next) : undefined,
  };
});

function firstPage(request: Input, context: RequestContext): Page {
  if (request.StreamName === undefined && request.StreamARN === undefined) {
    throw invalidArgument("Either NextToken or StreamName should be provided.");
  }
  const stream = findSettled(context, request);
  checkCreationTime(context, stream, request.StreamCreationTimestamp);
  const start = request.ExclusiveStartShardId;
  const after = start === undefined ? -1 : parseShardId(start);
  if (after === undefined) throw invalidArgument(`Invalid ExclusiveStartShardId: ${start}`);
  return { streamId: stream.id, after, filter: request.ShardFilter };
}

function nextPage(request: Input, context: RequestContext): Page {
  const alsoGiven =
    request.StreamName !== undefined
      ? "StreamName"
      : request.StreamARN !== undefined
        ? "StreamARN"
        : request.ExclusiveStartShardId !== undefined
          ? "ExclusiveStartShardId"
          : request.StreamCreationTimestamp !== undefined
            ? "StreamCreationTimestamp"
            : undefined;
  if (alsoGiven !== undefined)
    throw invalidArgument(`NextToken and ${alsoGiven} cannot be provided together.`);
  return openPageToken<Page>(context.tokens, TokenPurpose.listShards, request.NextToken ?? "");
}

/** Which shards `filter` keeps (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html). */
function shardTest(filter: Filter | undefined, stream: Stream, nowMs: number): (shard: Shard) => boolean {
  const horizonMs = Math.max(stream.createdAtMs, nowMs - stream.retentionMs);
  switch (filter?.Type) {
    case undefined:
    case "FROM_TRIM_HORIZON":
      return () => true;
    case "AT_TRIM_HORIZON":
      return (shard) => openAt(shard, horizonMs);
    case "AT_LATEST":
      return (shard) => shard.closedAtMs === undefined;
    case "AFTER_SHARD_ID": {
      const after = filter.ShardId === undefined ? undefined : parseShardId(filter.ShardId);
      if (after === undefined)
        throw invalidArgument("ShardFilter of type AFTER_SHARD_ID needs a valid ShardId.");
      return (shard) => shard.index > after;
    }
    case "AT_TIMESTAMP": {
      const atMs = Math.max(filterTime(filter), horizonMs);
      return (shard) => openAt(shard, atMs);
    }
    case "FROM_TIMESTAMP": {
      const fromMs = filterTime(filter);
      return (shard) => (shard.closedAtMs ?? Infinity) >= fromMs;
    }
  }
}

function filterTime(filter: Filter): number {
  if (filter.Timestamp === undefined)
    throw invalidArgument(`ShardFilter of type ${filter.Type} needs a Timestamp.`);
  return filter.Timestamp;
}

function openAt(shard: Shard, atMs: number): boolean {
  return shard.createdAtMs <= atMs && (shard.closedAtMs ?? Infinity) >= atMs;
}
