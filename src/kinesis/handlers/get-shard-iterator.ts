/** GetShardIterator: a place in a shard, as a token that GetRecords takes for five minutes. */
import { endDryRun } from "../errors.ts";
import { sequenceNumberText, shardId, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { boolean, oneOf, required, structure, timestamp } from "../shapes.ts";
import { sealShardIterator } from "../shard-iterator.ts";
import { startOffset } from "../start-position.ts";
import { findShard } from "../stream-view.ts";

const input = structure({
  ...streamReference,
  ShardId: required(shardId),
  ShardIteratorType: required(
    oneOf("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"),
  ),
  StartingSequenceNumber: sequenceNumberText,
  Timestamp: timestamp(),
  DryRun: boolean(),
});

export const getShardIterator = operation(input, (request, context) => {
  const shard = findShard(context, request, request.ShardId);
  context.throttle?.takeIterator(shard, context.caller);
  const { ShardIteratorType: type, StartingSequenceNumber: sequenceNumber, Timestamp: timestampMs } = request;
  const offset = startOffset({ type, sequenceNumber, timestampMs }, shard, context, "GetShardIterator");
  endDryRun(request.DryRun);
  const position = { streamId: shard.stream.id, shardIndex: shard.index, offset };
  return { ShardIterator: sealShardIterator(context.tokens, position) };
});
