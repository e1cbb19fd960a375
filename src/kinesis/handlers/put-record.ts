/** PutRecord: one record, answered when it is durable. */
import { distribute } from "../distribution.ts";
import { endDryRun, throughputExceeded } from "../errors.ts";
import { data, hashKeyText, partitionKey, sequenceNumberText, streamReference } from "../members.ts";
import { type Output, putOperation, type RequestContext } from "../operation.ts";
import type { PutBody } from "../put-body.ts";
import { checkSequenceNumberForOrdering } from "../ordering.ts";
import { checkedRecords, recordBytesMaxOf } from "../put-rules.ts";
import { boolean, type InputOf, required, structure } from "../shapes.ts";
import { findWritable } from "../stream-view.ts";

const input = structure({
  ...streamReference,
  Data: required(data),
  PartitionKey: partitionKey,
  ExplicitHashKey: hashKeyText,
  SequenceNumberForOrdering: sequenceNumberText,
  DryRun: boolean(),
});

export const putRecord = putOperation("PutRecord", input, handle);

async function handle(request: InputOf<typeof input> | PutBody, context: RequestContext): Promise<Output> {
  const scanned = "records" in request;
  const records = checkedRecords(scanned ? request.records : [request], recordBytesMaxOf(context, request));
  const stream = findWritable(context, request);
  if (!scanned) checkSequenceNumberForOrdering(request.SequenceNumberForOrdering, stream, context);
  distribute(records, stream);
  if (!scanned) endDryRun(request.DryRun);
  const dataBytes = records.dataBytes(0);
  const appended = context.broker.appendRecords(stream, records, context.throttle?.admission(context.caller));
  context.dropBody();
  const outcomes = await appended;
  const error = outcomes.errorOf(0);
  if (error !== undefined) throw error.code === "limit_exceeded" ? throughputExceeded(error.message) : error;
  context.metrics.recordsIn.add();
  context.metrics.bytesIn.add(dataBytes);
  return context.format.putResult(outcomes.shardOf(0), outcomes.offsetOf(0));
}
