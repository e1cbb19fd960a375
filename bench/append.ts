/** What does the commit log cost over writing the same bytes to a file? Page cache only: no sync on either side. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../src/base/logger.ts";
import { CommitLog } from "../src/log/commit-log.ts";
import { GroupCommit } from "../src/log/group-commit.ts";
import { validateBatch } from "../src/log/record-batch.ts";
import { batchOfBytes } from "./lib/batches.ts";
import { systemClock } from "../src/base/clock.ts";
import { diskWithoutSync } from "./lib/no-sync.ts";
import { comparePairs, MEGABYTE } from "./lib/pairs.ts";

const SEGMENT_BYTES = 128 << 20;
const BYTES_PER_ROUND = 192 << 20;

/** Appends as the produce path does: check, stamp, write; a tick for the scheduler after every 64 batches. */
async function appendToLog(root: string, batch: Buffer, round: number): Promise<number> {
  const log = await CommitLog.open(
    {
      folder: join(root, `log-${round}`, "stream", "0"),
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
  const count = Math.floor(BYTES_PER_ROUND / batch.length);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    batch.fill(0, 0, 8); // a produced batch comes with base offset 0
    validateBatch(batch, batch.length);
    log.append(batch);
    if (i % 64 === 63) await new Promise(setImmediate);
  }
  const seconds = (performance.now() - start) / 1_000;
  await log.close();
  rmSync(join(root, `log-${round}`), { recursive: true });
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

export async function run(): Promise<void> {
  console.log("append: check, stamp and append to the log, against writing the same bytes to a file");
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  let round = 0;
  try {
    for (const bytes of [1 << 10, 16 << 10, 64 << 10, 256 << 10]) {
      const batch = batchOfBytes(bytes);
      await comparePairs(
        `batches of ${bytes >> 10} KiB`,
        "MB/s",
        5,
        () => appendToLog(root, batch, round++),
        () => writeToFile(root, batch),
      );
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
