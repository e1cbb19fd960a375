/** Appends the records of a put, but for those that their shard takes no more of under --kinesis-limits=aws. */
import { VoikError } from "../base/errors.ts";
import type { AppendOutcome, RecordToAppend, Stream } from "../streams/broker.ts";
import { hashKeyFor } from "../streams/hash-range.ts";
import type { RequestContext } from "./operation.ts";
import { rateExceeded, type Throttle } from "./throttle.ts";

/** As Broker.appendRecords; a record over its shard's rate has the outcome limit_exceeded and is not written. */
export function appendAdmitted(
  context: RequestContext,
  stream: Stream,
  records: readonly RecordToAppend[],
): Promise<AppendOutcome[]> {
  const { throttle, broker } = context;
  if (throttle === undefined) return broker.appendRecords(stream, records);
  return appendWithin(throttle, context, stream, records);
}

async function appendWithin(
  throttle: Throttle,
  { broker, caller }: RequestContext,
  stream: Stream,
  records: readonly RecordToAppend[],
): Promise<AppendOutcome[]> {
  const admitted: RecordToAppend[] = [];
  const refused = records.map((record): AppendOutcome | undefined => {
    const hashKey = hashKeyFor(record);
    const shard = stream.shardForHash(hashKey);
    if (!throttle.takeWrite(shard, record.data.length + Buffer.byteLength(record.partitionKey ?? "")))
      return { error: new VoikError("limit_exceeded", rateExceeded(shard, caller.accountId)) };
    admitted.push({ ...record, explicitHashKey: hashKey });
    return undefined;
  });
  const written = (await broker.appendRecords(stream, admitted)).values();
  return refused.map((outcome) => outcome ?? (written.next().value as AppendOutcome));
}
