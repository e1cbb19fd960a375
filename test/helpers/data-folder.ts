/** Data folders as a server leaves them, with small segments, for tests of the tools that need no server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { seededRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import type { CompressionName } from "../../src/log/compression.ts";
import { LogStore } from "../../src/log/log-store.ts";
import { StreamBroker } from "../../src/streams/stream-broker.ts";
import { appendDurably } from "./log.ts";

/** The time of every record in such a folder. */
export const RECORD_TIME_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export class DataFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "voik-tools-"));
  private streams = 0;

  /** Adds a stream: each shard gets `batches` batches of ten records, about 1 KiB each, in segments of 4 KiB. */
  async addStream(
    name: string,
    { shards = 1, batches = 12, compression = "none" as CompressionName } = {},
  ): Promise<void> {
    const store = new LogStore({
      fileSystem: disk,
      clock: systemClock,
      logger: silentLogger,
      segmentBytesMax: 4096,
      retentionBytes: Infinity,
      onSyncFailure: (error) => {
        throw error;
      },
    });
    const broker = await StreamBroker.open({
      dataDir: this.path,
      fileSystem: disk,
      openLog: store.open,
      clock: systemClock,
      random: seededRandom(++this.streams),
      logger: silentLogger,
      retentionMsDefault: 1e12,
      shardCountMax: 100,
    });
    const stream = await broker.createStream({ name, shardCount: shards });
    for (const { log, index } of stream.shards) {
      for (let i = 0; i < batches; i++) await appendDurably(log, batch(index, i, compression));
    }
    await broker.close();
    store.close();
  }

  /** The shard's folder; there is one stream. */
  shard(index: number): string {
    const [id = ""] = readdirSync(join(this.path, "streams"));
    return join(this.path, "streams", id, String(index));
  }

  /** Paths of the shard's files with that ending, in the order of their offsets. */
  files(index: number, ending: string): string[] {
    const names = readdirSync(this.shard(index)).filter((name) => name.endsWith(ending));
    return names.sort().map((name) => join(this.shard(index), name));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Changes the bytes of a file. */
export function edit(path: string, change: (bytes: Buffer) => Buffer | void): void {
  const bytes = readFileSync(path);
  writeFileSync(path, change(bytes) ?? bytes);
}

function batch(shard: number, number: number, compression: CompressionName): Buffer {
  const builder = new BatchBuilder();
  for (let i = 0; i < 10; i++) {
    const value = `shard ${shard} batch ${String(number).padStart(2, "0")} record ${i} ${"x".repeat(60)}`;
    builder.add(Buffer.from(`key-${i}`), Buffer.from(value), RECORD_TIME_MS + number);
  }
  return builder.build(compression);
}
