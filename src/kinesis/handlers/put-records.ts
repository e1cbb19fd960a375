/**
 * PutRecords: up to 500 records, answered when each is durable or has failed. Results stand in the order of the
 * request; what fails at one shard does not fail the others. A record that breaks a rule fails the whole request
 * before anything is written, as with AWS.
 */
import type { VoikError } from "../../base/errors.ts";
import { SequenceNumbers } from "../../streams/sequence-number.ts";
import type { AppendOutcome, Shard } from "../../streams/broker.ts";
import { appendAdmitted } from "../append-admitted.ts";
import { distribute } from "../distribution.ts";
import { endDryRun, recordErrorCode } from "../errors.ts";
import { PUT_RECORDS_BYTES_MAX, putRecordsEntries, streamReference } from "../members.ts";
import { Availability, operation, type RequestContext } from "../operation.ts";
import { scanPutRecords } from "../put-records-body.ts";
import { checkRecordSize, readHashKey, recordBytesMaxOf } from "../put-rules.ts";
import { boolean, type InputOf, required, structure } from "../shapes.ts";
import { shardIdOf } from "../shard-view.ts";
import { findWritable } from "../stream-view.ts";
import { validationError } from "../validation.ts";

const input = structure({ ...streamReference, Records: required(putRecordsEntries), DryRun: boolean() });

export const putRecords = operation(input, handle, Availability.offered, scanPutRecords);

async function handle(request: InputOf<typeof input>, context: RequestContext): Promise<object> {
  const bytesMax = recordBytesMaxOf(context, request);
  let bytes = 0;
  let dataBytes = 0;
  const records = request.Records.map(({ Data, PartitionKey, ExplicitHashKey }, place) => {
    bytes += checkRecordSize(Data, PartitionKey, bytesMax, place);
    dataBytes += Data.length;
    return { partitionKey: PartitionKey, explicitHashKey: readHashKey(ExplicitHashKey), data: Data };
  });
  if (bytes > PUT_RECORDS_BYTES_MAX) {
    throw validationError(
      `The records of this request have ${bytes} bytes with their partition keys, ` +
        `at most ${PUT_RECORDS_BYTES_MAX} are allowed: send fewer at a time.`,
    );
  }
  const stream = findWritable(context, request);
  const placed = distribute(records, stream, "records");
  endDryRun(request.DryRun);
  const outcomes = await appendAdmitted(context, stream, placed);
  const failed = outcomes.reduce((count, outcome) => count + ("error" in outcome ? 1 : 0), 0);
  // A stop fails everything alike, and only a status tells an SDK to come back later.
  const first = outcomes[0];
  if (failed === outcomes.length && first && "error" in first && first.error.code === "shutting_down")
    throw first.error;
  context.metrics.recordsIn.add(records.length - failed);
  if (failed === 0) context.metrics.bytesIn.add(dataBytes);
  return { FailedRecordCount: failed, Records: resultsOf(outcomes) };
}

function resultsOf(outcomes: readonly AppendOutcome[]): object[] {
  const numbers = new Map<Shard, { sequenceNumbers: SequenceNumbers; ShardId: string }>();
  return outcomes.map((outcome) => {
    if ("error" in outcome) return failedResult(outcome.error);
    const { shard, offset } = outcome;
    let of = numbers.get(shard);
    if (of === undefined) {
      of = { sequenceNumbers: new SequenceNumbers(shard), ShardId: shardIdOf(shard.index) };
      numbers.set(shard, of);
    }
    return { SequenceNumber: of.sequenceNumbers.of(offset), ShardId: of.ShardId };
  });
}

function failedResult(error: VoikError): object {
  return { ErrorCode: recordErrorCode(error), ErrorMessage: error.message };
}
