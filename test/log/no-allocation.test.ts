/**
 * Neither appending nor reading allocates per record: the heap hardly grows over many batches of many records. The
 * smallest object has 16 bytes, so one for each record would show; the last test makes one, and sees it.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { validateBatch } from "../../src/log/record-batch.ts";
import type { LogRange } from "../../src/log/shard-log.ts";
import { appendDurably, batchOf, openLog, temporaryFolder } from "../helpers/log.ts";

const RECORDS_OF_BATCH = 100;
/** As many batches as fit between two collections of the heap: what they leave behind is still there to be counted. */
const BATCHES_OF_BURST = 500;
const BURSTS = 40;
const PIECE_BYTES = 64 << 10;
const OBJECT_BYTES = 16;

let log: CommitLog;
let remove: () => void;
const batch = batchOf(Array.from({ length: RECORDS_OF_BATCH }, (_, i) => `value ${i}`));
const into = Buffer.allocUnsafeSlow(PIECE_BYTES);

beforeEach(async () => {
  const temporary = temporaryFolder();
  remove = temporary.remove;
  log = await openLog(temporary.folder, { segmentBytesMax: 256 << 20 });
});

afterEach(async () => {
  await log.close();
  remove();
});

/** Bytes by which the heap grows during `burst`, for each of its records; every burst follows a collection. */
async function bytesPerRecord(burst: () => void): Promise<number> {
  burst(); // compiles what the others run
  let bytes = 0;
  for (let i = 0; i < BURSTS; i++) {
    await appendDurably(log, fresh(batch));
    Bun.gc(true);
    const before = process.memoryUsage().heapTotal;
    burst();
    bytes += process.memoryUsage().heapTotal - before;
  }
  return bytes / (BURSTS * BATCHES_OF_BURST * RECORDS_OF_BATCH);
}

/** As a producer sends it: at offset 0. */
function fresh(stamped: Buffer): Buffer {
  return stamped.fill(0, 0, 8);
}

function appendBurst(): void {
  for (let i = 0; i < BATCHES_OF_BURST; i++) {
    validateBatch(fresh(batch), PIECE_BYTES);
    log.append(batch);
  }
}

/** Reads BATCHES_OF_BURST batches from the log's start. */
function readBurst(): void {
  const end = log.startOffset + BATCHES_OF_BURST * RECORDS_OF_BATCH;
  for (let offset = log.startOffset; offset < end;) {
    const range = log.locate(offset, PIECE_BYTES, end) as LogRange;
    range.copy(into, 0);
    offset = range.endOffset;
    range.release();
  }
}

test("appending allocates nothing per record", async () => {
  const bytes = await bytesPerRecord(appendBurst);
  expect(bytes).toBeLessThan(OBJECT_BYTES / 2);
});

test("reading allocates nothing per record", async () => {
  appendBurst();
  await appendDurably(log, fresh(batch));
  const bytes = await bytesPerRecord(readBurst);
  expect(bytes).toBeLessThan(OBJECT_BYTES / 2);
});

test("an object for each record would show", async () => {
  const kept = { last: {} };
  const bytes = await bytesPerRecord(() => {
    appendBurst();
    for (let i = 0; i < BATCHES_OF_BURST * RECORDS_OF_BATCH; i++) kept.last = { offset: i };
  });
  expect(kept.last).toEqual({ offset: BATCHES_OF_BURST * RECORDS_OF_BATCH - 1 });
  expect(bytes).toBeGreaterThan(OBJECT_BYTES);
});
