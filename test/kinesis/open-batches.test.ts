/** Batches kept open between two reads: found by exactly the next read, once, and bounded in bytes. */
import { expect, test } from "bun:test";
import { OpenBatches } from "../../src/kinesis/open-batches.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { RecordReader } from "../../src/log/record.ts";
import { MemoryLog } from "../helpers/memory-log.ts";

function openBatch(bytes: number) {
  const builder = new BatchBuilder();
  builder.add(null, Buffer.alloc(bytes), 0);
  return { reader: new RecordReader(builder.build()), endOffset: 1, compressed: true };
}

test("a parked batch goes to the read of its log and offset, and to one only", () => {
  const batches = new OpenBatches();
  const [log, other] = [new MemoryLog(), new MemoryLog()];
  const { reader } = openBatch(10);
  batches.park(log, 5, { reader, endOffset: 9, compressed: true });
  expect(batches.take(other, 5)).toBeUndefined();
  expect(batches.take(log, 4)).toBeUndefined();
  expect(batches.take(log, 5)?.reader).toBe(reader);
  expect(batches.take(log, 5)).toBeUndefined();
});

test("the oldest make room when they pass 64 MiB together", () => {
  const batches = new OpenBatches();
  const log = new MemoryLog();
  for (let offset = 0; offset < 5; offset++) batches.park(log, offset, openBatch(15 * 1024 * 1024));
  expect([0, 1, 2, 3, 4].filter((offset) => batches.take(log, offset) !== undefined)).toEqual([1, 2, 3, 4]);
});
