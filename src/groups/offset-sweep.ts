/**
 * Forgets committed offsets that nobody can want any more: those of groups that had no member for long enough, and those
 * of streams that are gone. It runs when voik starts, and from then on every ten minutes. Groups are not forgotten within
 * ten minutes of a start or a step of the clock (decision 0090): members have that long to come back.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { ClockSteps } from "../log/clock-steps.ts";
import type { OffsetStore } from "./offset-store.ts";

const INTERVAL_MS = 600_000;

interface SweepParts {
  offsets: OffsetStore;
  clock: Clock;
  logger: Logger;
  /** How long the offsets of a group without members are kept. */
  retentionMs: number;
  /** Whether a group of that id has members, whatever the store knows of it. */
  isInUse(groupId: string): boolean;
  /** Whether a stream of that id exists. */
  streamExists(streamId: string): boolean;
}

export class OffsetSweep {
  private readonly steps: ClockSteps;
  private timer: Timer;
  private stopped = false;

  constructor(private readonly parts: SweepParts) {
    this.steps = new ClockSteps(parts.clock);
    this.timer = this.plan(0);
  }

  async run(): Promise<void> {
    const { offsets, logger, streamExists } = this.parts;
    const settled = this.steps.settled();
    try {
      if (settled) await this.forgetUnused();
      await offsets.forgetStreams(streamExists);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      logger.warn("forgetting old offsets failed", { error: error.message });
    }
  }

  private async forgetUnused(): Promise<void> {
    const { offsets, clock, logger, retentionMs, isInUse } = this.parts;
    const oldestMs = clock.nowMs() - retentionMs;
    for (const [groupId, { emptySinceMs }] of [...offsets.groups]) {
      if (emptySinceMs === undefined || emptySinceMs > oldestMs || isInUse(groupId)) continue;
      logger.info("forgetting the offsets of a group that nobody uses", { group: groupId });
      await offsets.deleteGroup(groupId);
    }
  }

  stop(): void {
    this.stopped = true;
    this.timer.cancel();
  }

  private plan(delayMs: number): Timer {
    return this.parts.clock.after(delayMs, () => {
      void this.run().finally(() => {
        if (!this.stopped) this.timer = this.plan(INTERVAL_MS);
      });
    });
  }
}
