/** Batches and folders for the log's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { GroupCommit } from "../../src/log/group-commit.ts";
import type { CommitLogOptions } from "../../src/log/open-segments.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { ShardLog } from "../../src/log/shard-log.ts";
import { testedLogIo } from "./log-io.ts";

/** A batch of one record per value, all at `timestampMs`. */
export function batchOf(values: readonly string[], timestampMs = 1_000): Buffer {
  const builder = new BatchBuilder();
  for (const value of values) builder.add(Buffer.from("key"), Buffer.from(value), timestampMs);
  return builder.build();
}

/** A new folder for one shard (three levels deep, as in a data folder), removed by `remove`. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), "voik-log-"));
  return {
    folder: join(root, "streams", "stream", "0"),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function openLog(
  folder: string,
  overrides: Partial<CommitLogOptions> = {},
  onSyncFailure: (error: unknown) => void = (error) => {
    throw error;
  },
): Promise<CommitLog> {
  const options: CommitLogOptions = {
    folder,
    fileSystem: disk,
    logger: silentLogger,
    logIo: testedLogIo(),
    segmentBytesMax: 1 << 20,
    retentionMs: Infinity,
    retentionBytes: Infinity,
    ...overrides,
  };
  return CommitLog.open(options, new GroupCommit(onSyncFailure, systemClock));
}

/** Appends and resolves to the base offset once it is durable. */
export function appendDurably(log: ShardLog, batch: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const baseOffset = log.append(batch, {
      onDurable: () => resolve(baseOffset),
      onAppendFailed: (_, error) => reject(error),
    });
  });
}

/** Every record from `offset` to the durable end, as "offset:value", read in ranges of `maxBytes`. */
export function readAll(log: ShardLog, offset = log.startOffset, maxBytes = 1 << 16): string[] {
  const records: string[] = [];
  for (let range = log.locate(offset, maxBytes); range; range = log.locate(offset, maxBytes)) {
    const bytes = Buffer.alloc(range.bytes);
    range.copy(bytes, 0);
    range.release();
    for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
      const reader = new RecordReader(bytes.subarray(at, at + batchBytesOf(bytes, at)));
      while (reader.next()) {
        if (reader.offset < offset) continue;
        records.push(`${reader.offset}:${reader.value()}`);
        offset = reader.offset + 1;
      }
    }
  }
  return records;
}
