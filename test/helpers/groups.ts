/** A group coordinator over an offset store in a temporary folder, or in one that is given. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import { type CoordinatorLimits, GroupCoordinator } from "../../src/groups/coordinator.ts";
import { AllGroups } from "../../src/groups/all-groups.ts";
import {
  ConsumerCoordinator,
  type ConsumerCoordinatorLimits,
  type ConsumerCoordinatorOptions,
} from "../../src/groups/consumer-coordinator.ts";
import { OffsetStore } from "../../src/groups/offset-store.ts";

export interface TestGroups {
  groups: AllGroups;
  classic: GroupCoordinator;
  offsets: OffsetStore;
  close(): Promise<void>;
}

export interface TestGroupsOptions {
  folder?: string;
  clock?: Clock;
  streamExists?: (id: string) => boolean;
  limits?: Partial<CoordinatorLimits>;
  consumerLimits?: Partial<ConsumerCoordinatorLimits>;
  streamByName?: ConsumerCoordinatorOptions["streamByName"];
}

export async function openTestGroups(options: TestGroupsOptions = {}): Promise<TestGroups> {
  const { clock = systemClock, streamExists = () => true, limits = {} } = options;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "voik-groups-"));
  const offsets = await OffsetStore.open({
    path: join(folder, "groups.db"),
    fileSystem: disk,
    clock,
    onSyncFailure(error) {
      throw error;
    },
  });
  const parts = { offsets, clock, random: systemRandom, logger: silentLogger, streamExists };
  const classic = new GroupCoordinator({ ...parts, limits: { initialDelayMs: 0, ...limits } });
  const { streamByName = () => undefined, consumerLimits = {} } = options;
  const consumers = new ConsumerCoordinator({
    offsets,
    clock,
    random: systemRandom,
    logger: silentLogger,
    streamByName,
    limits: consumerLimits,
  });
  const groups = new AllGroups(classic, consumers);
  return {
    groups,
    classic,
    offsets,
    async close() {
      groups.stop();
      await offsets.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
