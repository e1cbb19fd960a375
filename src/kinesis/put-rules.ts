/** Rules of a record that comes in, beyond its shape; shared by PutRecord and PutRecords. */
import { HASH_KEY_MAX } from "../streams/hash-range.ts";
import { RecordTable } from "../streams/record-table.ts";
import { invalidArgument } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { maxRecordKibOf, RECORD_KIB_DEFAULT } from "./stream-settings.ts";
import { type StreamReference, streamNameOf } from "./stream-view.ts";
import { constraintText, showBytes, validationError } from "./validation.ts";

/** Bytes that data and partition key of one record of the named stream may have; AWS's default while it is unknown. */
export function recordBytesMaxOf({ broker }: RequestContext, reference: StreamReference): number {
  const known = reference.StreamName !== undefined || reference.StreamARN !== undefined;
  const stream = known ? broker.streamByName(streamNameOf(reference)) : undefined;
  return (stream === undefined ? RECORD_KIB_DEFAULT : maxRecordKibOf(stream)) * 1024;
}

/** A record of a request that was read in the general way. */
export interface PutEntry {
  Data: Uint8Array;
  PartitionKey?: string | undefined;
  ExplicitHashKey?: string | undefined;
}

/**
 * The records of a put as a table, each within `bytesMax` with its key; `list` is the member of the request that holds
 * them, undefined when there is but one. Throws ValidationException, InvalidArgumentException.
 */
export function checkedRecords(
  entries: RecordTable | readonly PutEntry[],
  bytesMax: number,
  list?: string,
): RecordTable {
  if (!(entries instanceof RecordTable)) {
    return RecordTable.of(
      entries.map(({ Data: data, PartitionKey: partitionKey, ExplicitHashKey }, place) => {
        checkRecordSize(data.length, Buffer.byteLength(partitionKey ?? "", "utf8"), bytesMax, list, place);
        return { partitionKey, explicitHashKey: readHashKey(ExplicitHashKey), data };
      }),
    );
  }
  for (let place = 0; place < entries.count; place++)
    checkRecordSize(entries.dataBytes(place), entries.keyBytes(place), bytesMax, list, place);
  return entries;
}

function checkRecordSize(
  dataBytes: number,
  keyBytes: number,
  bytesMax: number,
  list: string | undefined,
  place: number,
): void {
  if (dataBytes + keyBytes <= bytesMax) return;
  const path = list === undefined ? "data" : `${list}.${place + 1}.member.data`;
  const what = dataBytes > bytesMax ? "" : " together with its partition key";
  const constraint = `Member must have length less than or equal to ${bytesMax}${what}`;
  throw validationError(
    `1 validation error detected: ${constraintText(showBytes(dataBytes), path, constraint)}`,
  );
}

/** The hash key in `text`. Throws InvalidArgumentException above 2^128-1. */
function readHashKey(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const hashKey = BigInt(text);
  if (hashKey <= HASH_KEY_MAX) return hashKey;
  throw invalidArgument(
    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. " +
      `Specified value was ${text}`,
  );
}
