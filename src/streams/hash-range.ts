/**
 * Ranges of hash keys, unsigned numbers of 128 bits: those of a stream's open shards tile
 * 0..2^128-1 (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_HashKeyRange.html).
 */

/** Inclusive on both ends. */
export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

export const HASH_KEY_MAX = 2n ** 128n - 1n;

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
