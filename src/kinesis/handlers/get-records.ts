/**
 * GetRecords: the records from an iterator's position on, up to Limit, 10 MiB, as much as one call may open, or a megabyte
 * where memory is short, and the iterator behind them. At the end of a closed shard there is no next iterator but the
 * child shards.
 */
import type { Shard } from "../../streams/broker.ts";
import { endDryRun, invalidArgument, notFound } from "../errors.ts";
import { GET_RECORDS_BYTES_MAX, GET_RECORDS_MAX, streamArn } from "../members.ts";
import { operation, type RequestContext } from "../operation.ts";
import { millisBehindLatest, readRecords } from "../record-read.ts";
import { boolean, integer, required, structure, text } from "../shapes.ts";
import { openShardIterator, sealShardIterator, type ShardPosition } from "../shard-iterator.ts";
import { childShardViews, shardIdOf } from "../shard-view.ts";
import { streamNameOf } from "../stream-view.ts";

const input = structure({
  ShardIterator: required(text({ lengthMin: 1, lengthMax: 512 })),
  Limit: integer({ min: 1, max: GET_RECORDS_MAX }),
  StreamARN: streamArn,
  DryRun: boolean(),
});

export const getRecords = operation(input, (request, context) => {
  const position = openShardIterator(context.tokens, request.ShardIterator, context.clock.nowMs());
  const shard = shardAt(position, context);
  if (request.StreamARN !== undefined && streamNameOf(request) !== shard.stream.name) {
    throw invalidArgument("The ShardIterator is of another stream than StreamARN names.");
  }
  endDryRun(request.DryRun);
  context.throttle?.takeRead(shard, context.caller);
  return context.readTurns.run(() => readFrom(position, shard, request.Limit, context), context);
});

function readFrom(
  position: ShardPosition,
  shard: Shard,
  limit: number | undefined,
  context: RequestContext,
): object {
  const nowMs = context.clock.nowMs();
  // What retention has taken since the iterator was made is passed over, as AWS does.
  const from = Math.max(position.offset, shard.log.startOffset);
  const read = readRecords(
    shard,
    from,
    { recordsMax: limit ?? GET_RECORDS_MAX, bytesMax: GET_RECORDS_BYTES_MAX },
    context.format.recordList(context),
    context.openBatches,
  );
  context.readTurns.took(read.dataBytes);
  context.throttle?.tookBytes(shard, read.dataBytes);
  context.metrics.recordsOut.add(read.records.count);
  context.metrics.bytesOut.add(read.dataBytes);
  return read.records.close({
    MillisBehindLatest: millisBehindLatest(read, shard, nowMs),
    ...whatFollows(position, read.nextOffset, shard, context),
  });
}

function shardAt({ streamId, shardIndex }: ShardPosition, { broker, caller }: RequestContext): Shard {
  const stream = broker.streamById(streamId);
  const shard = stream?.shards.find((candidate) => candidate.index === shardIndex);
  if (shard !== undefined) return shard;
  const of = stream === undefined ? "a deleted stream" : `stream ${stream.name}`;
  throw notFound(`Shard ${shardIdOf(shardIndex)} in ${of} under account ${caller.accountId} does not exist`);
}

function whatFollows(position: ShardPosition, offset: number, shard: Shard, context: RequestContext): object {
  if (shard.closedAtMs !== undefined && offset >= shard.log.endOffset) {
    const ChildShards = childShardViews(shard);
    // Consumers take the end of a shard for real only when it names where to go on.
    if (ChildShards.length > 0) return { ChildShards };
  }
  return { NextShardIterator: sealShardIterator(context.tokens, { ...position, offset }) };
}
