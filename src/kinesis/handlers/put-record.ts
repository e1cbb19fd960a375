/** PutRecord: one record, answered when it is durable. */
import { data, hashKeyText, partitionKey, sequenceNumberText, streamReference } from "../members.ts";
import { appendAdmitted } from "../append-admitted.ts";
import { distribute } from "../distribution.ts";
import { endDryRun, throughputExceeded } from "../errors.ts";
import { operation } from "../operation.ts";
import {
  checkRecordSize,
  checkSequenceNumberForOrdering,
  readHashKey,
  recordBytesMaxOf,
} from "../put-rules.ts";
import { boolean, required, structure } from "../shapes.ts";
import { shardIdOf } from "../shard-view.ts";
import { findWritable } from "../stream-view.ts";
import { assert } from "../../base/assert.ts";
import { sequenceNumber } from "../../streams/sequence-number.ts";

const input = structure({
  ...streamReference,
  Data: required(data),
  PartitionKey: partitionKey,
  ExplicitHashKey: hashKeyText,
  SequenceNumberForOrdering: sequenceNumberText,
  DryRun: boolean(),
});

export const putRecord = operation(input, async (request, context) => {
  checkRecordSize(request.Data, request.PartitionKey, recordBytesMaxOf(context, request));
  const explicitHashKey = readHashKey(request.ExplicitHashKey);
  const stream = findWritable(context, request);
  checkSequenceNumberForOrdering(request.SequenceNumberForOrdering, stream, context.caller);
  const record = { partitionKey: request.PartitionKey, explicitHashKey, data: request.Data };
  const records = distribute([record], stream);
  endDryRun(request.DryRun);
  const [outcome] = await appendAdmitted(context, stream, records);
  assert(outcome, "one record has one outcome");
  if ("error" in outcome) {
    const { error } = outcome;
    throw error.code === "limit_exceeded" ? throughputExceeded(error.message) : error;
  }
  context.metrics.recordsIn.add();
  context.metrics.bytesIn.add(request.Data.length);
  return {
    ShardId: shardIdOf(outcome.shard.index),
    SequenceNumber: sequenceNumber(outcome.shard, outcome.offset),
  };
});
