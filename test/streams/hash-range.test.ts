/** Hash keys and the ranges of new streams, against values that AWS gives. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { HASH_KEY_MAX, hashKeyOf, uniformRanges } from "../../src/streams/hash-range.ts";

test("a partition key's hash key is its MD5", () => {
  for (const key of ["", "a", "user-1", "größe", "\u{1f600}", "x".repeat(256)]) {
    expect(hashKeyOf(key)).toBe(BigInt(`0x${createHash("md5").update(key, "utf8").digest("hex")}`));
  }
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
