/** Rules of a record that comes in, beyond its shape; shared by PutRecord and PutRecords. */
import { VoikError } from "../base/errors.ts";
import type { Stream } from "../streams/broker.ts";
import { HASH_KEY_MAX } from "../streams/hash-range.ts";
import { parseSequenceNumber } from "../streams/sequence-number.ts";
import type { Caller } from "./caller.ts";
import { invalidArgument } from "./errors.ts";
import { RECORD_BYTES_MAX } from "./members.ts";
import { constraintText, showBytes, validationError } from "./validation.ts";

/**
 * Bytes of data and partition key together. Throws ValidationException when they pass the stream's largest record;
 * `path` names the data in the message.
 */
export function checkRecordSize(data: Uint8Array, partitionKey: string, path: string): number {
  const bytes = data.length + Buffer.byteLength(partitionKey, "utf8");
  if (bytes <= RECORD_BYTES_MAX) return bytes;
  const what = data.length > RECORD_BYTES_MAX ? "" : " together with its partition key";
  const constraint = `Member must have length less than or equal to ${RECORD_BYTES_MAX}${what}`;
  throw validationError(
    `1 validation error detected: ${constraintText(showBytes(data.length), path, constraint)}`,
  );
}

/** The hash key in `text`. Throws InvalidArgumentException above 2^128-1. */
export function readHashKey(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const hashKey = BigInt(text);
  if (hashKey <= HASH_KEY_MAX) return hashKey;
  throw invalidArgument(
    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. " +
      `Specified value was ${text}`,
  );
}

/**
 * Refuses a SequenceNumberForOrdering that this stream never gave out. The rest of its promise, that the new
 * number is above it, holds by itself: offsets of a shard only grow.
 */
export function checkSequenceNumberForOrdering(
  text: string | undefined,
  stream: Stream,
  caller: Caller,
): void {
  if (text === undefined || wasGivenOut(text, stream)) return;
  throw invalidArgument(
    `ExclusiveMinimumSequenceNumber ${text} used in PutRecord on stream ${stream.name} ` +
      `under account ${caller.accountId} is invalid.`,
  );
}

function wasGivenOut(text: string, stream: Stream): boolean {
  try {
    const { shardIndex, createdAtSeconds, offset } = parseSequenceNumber(text);
    const shard = stream.shards.find((candidate) => candidate.index === shardIndex);
    return (
      shard !== undefined &&
      createdAtSeconds === Math.floor(shard.createdAtMs / 1000) &&
      offset < shard.log.durableEnd
    );
  } catch (error) {
    if (error instanceof VoikError) return false;
    throw error;
  }
}
