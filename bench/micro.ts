/** Single steps of the hot paths, by mitata: what one of each costs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, do_not_optimize, run as runMitata, summary } from "mitata";
import { silentLogger } from "../src/base/logger.ts";
import { readClientId } from "../src/kafka/codec/header.ts";
import { Reader } from "../src/kafka/codec/reader.ts";
import { ProduceRequest } from "../src/kafka/messages/00-produce.ts";
import { CommitLog } from "../src/log/commit-log.ts";
import { GroupCommit } from "../src/log/group-commit.ts";
import { RecordReader } from "../src/log/record.ts";
import { validateBatch } from "../src/log/record-batch.ts";
import { batchOfBytes } from "./lib/batches.ts";
import { requestFrame } from "./lib/kafka-frames.ts";
import { systemClock } from "../src/base/clock.ts";
import { diskWithoutSync } from "./lib/no-sync.ts";

const BATCHES = 4_000;

async function filledLog(folder: string, batch: Buffer): Promise<CommitLog> {
  const log = await CommitLog.open(
    {
      folder,
      fileSystem: diskWithoutSync,
      logger: silentLogger,
      segmentBytesMax: 16 << 20,
      retentionMs: Infinity,
      retentionBytes: Infinity,
    },
    new GroupCommit((error) => {
      throw error;
    }, systemClock),
  );
  for (let i = 0; i < BATCHES; i++) log.append(batch);
  while (log.dirty) await new Promise(setImmediate);
  return log;
}

export async function run(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const batch = batchOfBytes(16 << 10);
  const large = batchOfBytes(256 << 10);
  const log = await filledLog(join(root, "streams", "bench", "0"), Buffer.from(batch));
  const frame = requestFrame(0, 9, ProduceRequest, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: "bench", partitionData: [{ index: 0, records: batch }] }],
  }).subarray(4);
  let next = 0;

  summary(() => {
    bench("check a 16 KiB batch (CRC-32C)", () => validateBatch(batch, 1 << 20));
    bench("check a 256 KiB batch (CRC-32C)", () => validateBatch(large, 1 << 20));
    bench("decode a produce request of 16 KiB", () => {
      const reader = new Reader(frame);
      readClientId(reader, true);
      do_not_optimize(ProduceRequest.read(9, reader));
    });
    bench("find an offset in 64 MB, 4 segments", () => {
      next = (next + 7_919) % log.durableEnd;
      const range = log.locate(next, 1 << 20);
      range?.release();
    });
    bench("open the 15 records of a 16 KiB batch", () => {
      const records = new RecordReader(batch);
      while (records.next()) do_not_optimize(records.value());
    });
  });
  await runMitata();
  await log.close();
  rmSync(root, { recursive: true, force: true });
}
