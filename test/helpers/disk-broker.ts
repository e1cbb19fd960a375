/** A broker over the real log in a folder of its own or a given one, for tests that look at files or start it again. */
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import { LogStore } from "../../src/log/log-store.ts";
import { StreamBroker } from "../../src/streams/stream-broker.ts";

export interface DiskBrokerOptions {
  dataDir: string;
  clock?: Clock;
  segmentBytesMax?: number;
  retentionMsDefault?: number;
  shardCountMax?: number;
}

export interface DiskBroker {
  broker: StreamBroker;
  /** Closes it, and leaves the folder. */
  close(): Promise<void>;
}

/** Opens what is in `dataDir`. A failed sync is a failed test. */
export async function openDiskBroker({
  dataDir,
  clock = systemClock,
  segmentBytesMax = 4 << 20,
  retentionMsDefault = 24 * 3_600_000,
  shardCountMax = 1000,
}: DiskBrokerOptions): Promise<DiskBroker> {
  const store = new LogStore({
    fileSystem: disk,
    clock,
    logger: silentLogger,
    segmentBytesMax,
    retentionBytes: Infinity,
    onSyncFailure(error) {
      throw error;
    },
  });
  const broker = await StreamBroker.open({
    dataDir,
    fileSystem: disk,
    openLog: store.open,
    clock,
    random: systemRandom,
    logger: silentLogger,
    retentionMsDefault,
    shardCountMax,
  });
  const close = async () => {
    await broker.close();
    store.close();
  };
  return { broker, close };
}
