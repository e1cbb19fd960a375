/** The scan that finds good batches between bad bytes. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { BatchScan } from "../../src/log/batch-scan.ts";
import { stampBatch } from "../../src/log/record-batch.ts";
import { batchOf } from "../helpers/log.ts";

const SEED = 4711;

function fileOf(bytes: Buffer) {
  return { read: (into: Buffer, position: number) => bytes.copy(into, 0, position) };
}

/** A batch of `bytes` payload bytes with base offset `offset`. */
function stamped(offset: number, bytes = 10): Buffer {
  const batch = batchOf(["x".repeat(bytes)]);
  stampBatch(batch, offset, 0);
  return batch;
}

test("finds the next batch behind any number of bad bytes, whatever the window", () => {
  console.log(`seed ${SEED}`);
  const random = seededRandom(SEED);
  for (const gap of [0, 1, 15, 16, 17, 44, 45, 46, 60, 61, 62, 500, 5_000]) {
    const bad = Buffer.from(random.bytes(gap).map((byte) => byte & 3)); // many that could be a magic byte
    const bytes = Buffer.concat([bad, stamped(7), stamped(8)]);
    for (const windowBytes of [61, 64, 100, 1_000, 1 << 20]) {
      const scan = new BatchScan(fileOf(bytes), bytes.length, windowBytes);
      expect(scan.nextBatch(0, 0)).toBe(gap);
      expect(scan.nextBatch(0, 8)).toBe(gap + stamped(7).length);
      expect(scan.nextBatch(0, 9)).toBeUndefined();
      expect(scan.nextBatch(0, 0, gap)).toBeUndefined();
      expect(scan.nextBatch(0, 0, gap + 1)).toBe(gap);
    }
  }
});

test("takes no batch whose bytes were changed or cut off, and the one behind it", () => {
  const bytes = Buffer.concat([stamped(1, 5_000), stamped(2)]);
  bytes[1_000] = (bytes[1_000] as number) ^ 1;
  const whole = new BatchScan(fileOf(bytes), bytes.length, 256);
  expect(whole.batchAt(0)).toBeUndefined();
  expect(whole.nextBatch(0, 0)).toBe(stamped(1, 5_000).length);
  const cut = new BatchScan(fileOf(bytes), bytes.length - 1, 256);
  expect(cut.nextBatch(0, 0)).toBeUndefined();
});
