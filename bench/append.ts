/**
 * What does the commit log cost over writing and reading the same bytes in a file? Page cache only: no sync on either
 * side. "append" is what the log does; "check and append" is what a produce request costs, with the batch's checksum.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../src/base/logger.ts";
import { CommitLog } from "../src/log/commit-log.ts";
import { GroupCommit } from "../src/log/group-commit.ts";
import { readBatches } from "../src/log/reader.ts";
import { validateBatch } from "../src/log/record-batch.ts";
import type { LogRange } from "../src/log/shard-log.ts";
import { batchOfBytes } from "./lib/batches.ts";
import { systemClock } from "../src/base/clock.ts";
import { diskWithoutSync } from "./lib/no-sync.ts";
import { comparePairs, MEGABYTE } from "./lib/pairs.ts";

const SEGMENT_BYTES = 128 << 20;
const BYTES_PER_ROUND = 192 << 20;
const ROUNDS = 5;

/** What reader.ts and Kafka's consumers read at a time. */
const PIECE_BYTES = [256 << 10, 1 << 20];

function openLog(root: string, name: string): Promise<CommitLog> {
  return CommitLog.open(
    {
      folder: join(root, name, "stream", "0"),
      fileSystem: diskWithoutSync,
      logger: silentLogger,
      segmentBytesMax: SEGMENT_BYTES,
      retentionMs: Infinity,
      retentionBytes: Infinity,
    },
    new GroupCommit((error) => {
      throw error;
    }, systemClock),
  );
}

/** Appends as the produce path does, with or without its check; a tick for the scheduler after every 64 batches. */
async function appendToLog(root: string, batch: Buffer, checked: boolean): Promise<number> {
  const log = await openLog(root, "log");
  const count = Math.floor(BYTES_PER_ROUND / batch.length);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    batch.fill(0, 0, 8); // a produced batch comes with base offset 0
    if (checked) validateBatch(batch, batch.length);
    log.append(batch);
    if (i % 64 === 63) await new Promise(setImmediate);
  }
  const seconds = (performance.now() - start) / 1_000;
  await log.close();
  rmSync(join(root, "log"), { recursive: true });
  return (count * batch.length) / seconds / MEGABYTE;
}

async function writeToFile(root: string, batch: Buffer): Promise<number> {
  const path = join(root, "raw");
  const count = Math.floor(BYTES_PER_ROUND / batch.length);
  const start = performance.now();
  const fd = openSync(path, "w");
  for (let i = 0; i < count; i++) {
    writeSync(fd, batch, 0, batch.length, i * batch.length);
    if (i % 64 === 63) await new Promise(setImmediate);
  }
  closeSync(fd);
  const seconds = (performance.now() - start) / 1_000;
  rmSync(path);
  return (count * batch.length) / seconds / MEGABYTE;
}

/** MB/s of finding and copying piece after piece, from the log's start to its end. */
function readLog(log: CommitLog, into: Buffer, pieceBytes: number): number {
  const start = performance.now();
  let bytes = 0;
  for (let offset = 0; offset < log.durableEnd;) {
    const range = log.locate(offset, pieceBytes) as LogRange;
    range.copy(into, 0);
    bytes += range.bytes;
    offset = range.endOffset;
    range.release();
  }
  return bytes / ((performance.now() - start) / 1_000) / MEGABYTE;
}

/** The same through the reading API, which looks at every batch. */
async function readBatchByBatch(log: CommitLog, maxBytes: number): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  for await (const batch of readBatches(log, { maxBytes, reuse: true })) bytes += batch.length;
  return bytes / ((performance.now() - start) / 1_000) / MEGABYTE;
}

function readFile(path: string, into: Buffer, pieceBytes: number): number {
  const fd = openSync(path, "r");
  const start = performance.now();
  let bytes = 0;
  for (let count = -1; count !== 0; bytes += count) count = readSync(fd, into, 0, pieceBytes, bytes);
  const seconds = (performance.now() - start) / 1_000;
  closeSync(fd);
  return bytes / seconds / MEGABYTE;
}

async function compareReads(root: string): Promise<void> {
  const batch = batchOfBytes(64 << 10);
  const log = await openLog(root, "read");
  const fd = openSync(join(root, "bare"), "w");
  for (let at = 0; at + batch.length <= BYTES_PER_ROUND; at += batch.length) {
    log.append(batch);
    writeSync(fd, batch, 0, batch.length, at);
    if (log.congested) while (log.dirty) await new Promise(setImmediate);
  }
  closeSync(fd);
  while (log.dirty) await new Promise(setImmediate);
  for (const pieceBytes of PIECE_BYTES) {
    const into = Buffer.allocUnsafeSlow(pieceBytes);
    const wholeBatches = Math.floor(pieceBytes / batch.length) * batch.length; // as the log gives them
    const bare = () => readFile(join(root, "bare"), into, wholeBatches);
    const name = `pieces of ${pieceBytes >> 10} KiB`;
    await comparePairs(`read ${name}`, "MB/s", ROUNDS, () => readLog(log, into, pieceBytes), bare);
    await comparePairs(
      `read ${name}, batch by batch`,
      "MB/s",
      ROUNDS,
      () => readBatchByBatch(log, pieceBytes),
      bare,
    );
  }
  await log.close();
}

export async function run(): Promise<void> {
  console.log("append: the log against writing and reading the same bytes in a file");
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  try {
    for (const bytes of [1 << 10, 16 << 10, 64 << 10, 256 << 10]) {
      const batch = batchOfBytes(bytes);
      const bare = () => writeToFile(root, batch);
      const name = `batches of ${bytes >> 10} KiB`;
      await comparePairs(`append ${name}`, "MB/s", ROUNDS, () => appendToLog(root, batch, false), bare);
      await comparePairs(
        `check and append ${name}`,
        "MB/s",
        ROUNDS,
        () => appendToLog(root, batch, true),
        bare,
      );
    }
    await compareReads(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
