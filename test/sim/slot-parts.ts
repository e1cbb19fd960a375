/** What all logs of a simulation share. */
import type { CommitLog } from "../../src/log/commit-log.ts";
import type { GroupCommit } from "../../src/log/group-commit.ts";
import type { CommitLogOptions } from "../../src/log/open-segments.ts";
import type { SimDisk } from "./sim-disk.ts";
import type { SimRandom } from "./sim-random.ts";
import type { SimScheduler } from "./sim-scheduler.ts";

export type OpenLogUnderTest = (options: CommitLogOptions, groupCommit: GroupCommit) => Promise<CommitLog>;

export interface SlotParts {
  disk: SimDisk;
  scheduler: SimScheduler;
  random: SimRandom;
  openLog: OpenLogUnderTest;
  trace(line: string): void;
  /** Runs what the log calls back, so that an objection in it ends the simulation. */
  guard(run: () => void): void;
}
