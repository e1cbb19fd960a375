/**
 * PutRecords: up to 500 records, answered when each is durable or has failed. Results stand in the order of the
 * request; what fails at one shard does not fail the others. A record that breaks a rule fails the whole request
 * before anything is written, as with AWS.
 */
import type { AppendOutcomes } from "../../streams/broker.ts";
import type { RecordTable } from "../../streams/record-table.ts";
import type { BodyFormat } from "../body.ts";
import { distribute } from "../distribution.ts";
import { endDryRun, recordErrorCode } from "../errors.ts";
import { PUT_RECORDS_BYTES_MAX, putRecordsEntries, streamReference } from "../members.ts";
import { putOperation, type RequestContext } from "../operation.ts";
import type { PutBody } from "../put-body.ts";
import { checkedRecords, recordBytesMaxOf } from "../put-rules.ts";
import { boolean, type InputOf, required, structure } from "../shapes.ts";
import { findWritable } from "../stream-view.ts";
import { validationError } from "../validation.ts";

const input = structure({ ...streamReference, Records: required(putRecordsEntries), DryRun: boolean() });

export const putRecords = putOperation("PutRecords", input, handle);

async function handle(request: InputOf<typeof input> | PutBody, context: RequestContext): Promise<object> {
  const entries = "records" in request ? request.records : request.Records;
  const records = checkedRecords(entries, recordBytesMaxOf(context, request), "records");
  const dataBytes = checkBytes(records);
  const stream = findWritable(context, request);
  distribute(records, stream, "records");
  if ("DryRun" in request) endDryRun(request.DryRun);
  const appended = context.broker.appendRecords(stream, records, context.throttle?.admission(context.caller));
  context.dropBody();
  const outcomes = await appended;
  // A stop fails everything alike, and only a status tells an SDK to come back later.
  const first = outcomes.errorOf(0);
  if (outcomes.failed === outcomes.count && first?.code === "shutting_down") throw first;
  context.metrics.recordsIn.add(outcomes.count - outcomes.failed);
  if (outcomes.failed === 0) context.metrics.bytesIn.add(dataBytes);
  return resultsOf(outcomes, context.format);
}

/** Bytes of data in `records`. Throws ValidationException when they are too many, with their keys. */
function checkBytes(records: RecordTable): number {
  let dataBytes = 0;
  let keyBytes = 0;
  for (let place = 0; place < records.count; place++) {
    dataBytes += records.dataBytes(place);
    keyBytes += records.keyBytes(place);
  }
  if (dataBytes + keyBytes <= PUT_RECORDS_BYTES_MAX) return dataBytes;
  throw validationError(
    `The records of this request have ${dataBytes + keyBytes} bytes with their partition keys, ` +
      `at most ${PUT_RECORDS_BYTES_MAX} are allowed: send fewer at a time.`,
  );
}

function resultsOf(outcomes: AppendOutcomes, format: BodyFormat): object {
  const results = format.resultList(outcomes.count, outcomes.failed);
  for (let place = 0; place < outcomes.count; place++) {
    const error = outcomes.errorOf(place);
    if (error === undefined) results.add(outcomes.shardOf(place), outcomes.offsetOf(place));
    else results.addError(recordErrorCode(error), error.messageToClients);
  }
  return results.close();
}
