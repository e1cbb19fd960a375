/**
 * A StreamBroker over memory logs and a catalog in a temporary folder, for tests of the protocol edges. The log of
 * a shard is `memoryLogOf(shard)`, to hold, sync or fail it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { Shard } from "../../src/streams/broker.ts";
import { StreamBroker, type StreamBrokerOptions } from "../../src/streams/stream-broker.ts";
import { MemoryLog, MemoryLogs } from "./memory-log.ts";

export interface MemoryBroker {
  broker: StreamBroker;
  logs: MemoryLogs;
  dataDir: string;
  /** Closes the broker and removes its folder. */
  close(): Promise<void>;
}

/** Opens a broker of its own; `overrides` replace its parts (the clock, limits, …). */
export async function openMemoryBroker(overrides: Partial<StreamBrokerOptions> = {}): Promise<MemoryBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), "voik-memory-broker-"));
  const logs = new MemoryLogs();
  const broker = await StreamBroker.open({
    dataDir,
    fileSystem: disk,
    openLog: logs.open,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    retentionMsDefault: 7 * 24 * 3_600_000,
    shardCountMax: 1000,
    ...overrides,
  });
  return {
    broker,
    logs,
    dataDir,
    async close() {
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The memory log behind a shard. */
export function memoryLogOf(shard: Shard): MemoryLog {
  if (!(shard.log instanceof MemoryLog)) throw new Error("not a shard of a memory broker");
  return shard.log;
}
