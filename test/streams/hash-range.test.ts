/** Hash keys and the ranges of new streams, against values that AWS gives. */
import { expect, test } from "bun:test";
import { hashKeys, hashKeysOf, isBelow, setHashKeyOf } from "../../src/streams/hash-keys.ts";
import { HASH_KEY_MAX, uniformRanges } from "../../src/streams/hash-range.ts";
import { hashKeyOf } from "../helpers/append-records.ts";

test("a partition key's hash key is its MD5, and lies where its shard's range says", () => {
  const keys = hashKeys(1);
  for (const key of ["", "a", "user-1", "größe", "\u{1f600}", "x".repeat(256)]) {
    setHashKeyOf(keys, 0, key);
    expect(keys).toEqual(hashKeysOf([hashKeyOf(key)]));
  }
});

test("hash keys compare as the numbers they are", () => {
  const numbers = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n, 2n ** 127n - 1n, 2n ** 127n, HASH_KEY_MAX];
  const keys = hashKeysOf(numbers);
  numbers.forEach((one, i) =>
    numbers.forEach((other, j) => expect(isBelow(keys, i, keys, j)).toBe(one < other)),
  );
});

test("ranges tile all hash keys for every count", () => {
  for (let count = 1; count <= 100; count++) {
    const ranges = uniformRanges(count);
    expect(ranges.length).toBe(count);
    expect(ranges[0]?.start).toBe(0n);
    expect(ranges.at(-1)?.end).toBe(HASH_KEY_MAX);
    for (let i = 1; i < count; i++) expect(ranges[i]?.start).toBe((ranges[i - 1]?.end as bigint) + 1n);
  }
});
