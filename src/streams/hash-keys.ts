/**
 * Hash keys side by side in memory, so that comparing one with a shard's range makes no number of 128 bits: four
 * words of 32 bits each, the highest first. `place` counts keys.
 */

/** Of one key. */
export const HASH_KEY_WORDS = 4;
const WORD_BITS = 32n;
const WORD_MASK = 0xffff_ffffn;

// Nothing here waits, so one scratch array serves every call.
const digest = Buffer.alloc(HASH_KEY_WORDS * 4);

/** Room for `count` keys, all 0. */
export function hashKeys(count: number): Uint32Array {
  return new Uint32Array(count * HASH_KEY_WORDS);
}

/** `keys`, in their order. */
export function hashKeysOf(keys: readonly bigint[]): Uint32Array {
  const words = hashKeys(keys.length);
  keys.forEach((key, place) => setHashKey(words, place, key));
  return words;
}

/** Puts `key` (0..2^128-1) at `place`. */
export function setHashKey(words: Uint32Array, place: number, key: bigint): void {
  for (let word = HASH_KEY_WORDS - 1, rest = key; word >= 0; word--, rest >>= WORD_BITS)
    words[place * HASH_KEY_WORDS + word] = Number(rest & WORD_MASK);
}

/** Puts the hash key of a partition key at `place`: the MD5 of its UTF-8, big-endian. */
export function setHashKeyOf(words: Uint32Array, place: number, partitionKey: string): void {
  Bun.MD5.hash(partitionKey, digest);
  for (let word = 0; word < HASH_KEY_WORDS; word++)
    words[place * HASH_KEY_WORDS + word] = digest.readUInt32BE(word * 4);
}

/** Whether the key at `place` of `words` is below that at `otherPlace` of `others`. */
export function isBelow(words: Uint32Array, place: number, others: Uint32Array, otherPlace: number): boolean {
  for (let word = 0; word < HASH_KEY_WORDS; word++) {
    const one = words[place * HASH_KEY_WORDS + word] as number;
    const other = others[otherPlace * HASH_KEY_WORDS + word] as number;
    if (one !== other) return one < other;
  }
  return false;
}
