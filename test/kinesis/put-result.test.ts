/** The reply to a PutRecord: its text says what its value does, whatever offsets a shard's replies come in. */
import { expect, test } from "bun:test";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { putResultText, putResultValue } from "../../src/kinesis/put-result.ts";
import type { Shard } from "../../src/streams/broker.ts";

test("the text of a reply is its value in JSON, for offsets in a row and out of it, of shards in turn", () => {
  const random = seededRandom(11);
  const shards = [0, 1, 4711].map((index) => ({ index, createdAtMs: 1_700_000_000_123 + index }) as Shard);
  const next = shards.map(() => 0);
  for (let i = 0; i < 500; i++) {
    const place = randomBelow(random, shards.length);
    const shard = shards[place] as Shard;
    const offset = randomBelow(random, 10) === 0 ? randomBelow(random, 1 << 30) : (next[place] as number);
    next[place] = offset + 1;
    expect(putResultText(shard, offset)).toBe(JSON.stringify(putResultValue(shard, offset)));
  }
});
