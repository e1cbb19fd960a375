/** PutRecord: one record, answered when it is durable. */
import { data, hashKeyText, partitionKey, sequenceNumberText, streamReference } from "../members.ts";
import { operation } from "../operation.ts";
import { checkRecordSize, checkSequenceNumberForOrdering, readHashKey } from "../put-rules.ts";
import { required, structure } from "../shapes.ts";
import { findStream, shardIdOf } from "../stream-view.ts";
import { assert } from "../../base/assert.ts";
import { sequenceNumber } from "../../streams/sequence-number.ts";

const input = structure({
  ...streamReference,
  Data: required(data),
  PartitionKey: required(partitionKey),
  ExplicitHashKey: hashKeyText,
  SequenceNumberForOrdering: sequenceNumberText,
});

export const putRecord = operation(input, async (request, context) => {
  checkRecordSize(request.Data, request.PartitionKey, "data");
  const explicitHashKey = readHashKey(request.ExplicitHashKey);
  const stream = findStream(context, request);
  checkSequenceNumberForOrdering(request.SequenceNumberForOrdering, stream, context.caller);
  const record = { partitionKey: request.PartitionKey, explicitHashKey, data: request.Data };
  const [outcome] = await context.broker.appendRecords(stream, [record]);
  assert(outcome, "one record has one outcome");
  if ("error" in outcome) throw outcome.error;
  context.metrics.recordsIn.add();
  context.metrics.bytesIn.add(request.Data.length);
  return {
    ShardId: shardIdOf(outcome.shard.index),
    SequenceNumber: sequenceNumber(outcome.shard, outcome.offset),
  };
});
