/**
 * Hash keys and their ranges: a partition key's MD5 as an unsigned 128-bit number, and the shard ranges that tile
 * 0..2^128-1 (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_HashKeyRange.html).
 */

import { assert } from "../base/assert.ts";

/** Inclusive on both ends. */
export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

export const HASH_KEY_MAX = 2n ** 128n - 1n;

// Nothing here waits, so one scratch array serves every call: four times as fast as going through hex.
const digest = Buffer.alloc(16);

/** MD5 of the UTF-8 partition key, big-endian. */
export function hashKeyOf(partitionKey: string): bigint {
  Bun.MD5.hash(partitionKey, digest);
  return (digest.readBigUInt64BE(0) << 64n) | digest.readBigUInt64BE(8);
}

/** Where a record belongs. */
export function hashKeyFor(record: { partitionKey: string | undefined; explicitHashKey?: bigint }): bigint {
  const { explicitHashKey, partitionKey } = record;
  if (explicitHashKey !== undefined) return explicitHashKey;
  assert(partitionKey !== undefined, "a record has a partition key or a hash key");
  return hashKeyOf(partitionKey);
}

/** `count` ranges of floor(2^128/count) keys each; the last takes the rest, as AWS does it. */
export function uniformRanges(count: number): HashRange[] {
  const width = 2n ** 128n / BigInt(count);
  return Array.from({ length: count }, (_, i) => ({
    start: BigInt(i) * width,
    end: i === count - 1 ? HASH_KEY_MAX : BigInt(i + 1) * width - 1n,
  }));
}

/** Whether `ranges`, in this order, hold every hash key once. */
export function tilesHashKeys(ranges: readonly HashRange[]): boolean {
  let next = 0n;
  for (const { start, end } of ranges) {
    if (start !== next || end < start) return false;
    next = end + 1n;
  }
  return next === HASH_KEY_MAX + 1n;
}
