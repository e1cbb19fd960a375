/**
 * Once a minute: every log of a data folder starts a new segment if its last one is old, and gives up the segments
 * that retention has passed by. It forgets idempotent producers that were not heard of for a day, too, on the monotonic
 * clock.
 *
 *   by size   as many as it takes
 *   by age    as many as were started since the last sweep, and one more; none within ten minutes of a start or a step
 *             of the clock (clock-steps.ts)
 *
 * So a log that is written at a steady pace stays as long as it should be, and a clock that jumps ahead unnoticed costs
 * one segment a minute, not everything at once.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { ClockSteps } from "./clock-steps.ts";
import { storageError } from "./log-file.ts";

const SWEEP_INTERVAL_MS = 60_000;

/** A log, as the sweep sees it. */
export interface Retained {
  /** Segments that were started since the log was opened. */
  readonly rolledCount: number;
  rollIfOld(nowMs: number): void;
  expireProducers(monotonicMs: number): void;
  /** Deletes the oldest segment if retention allows it, by its age too if `byAge`. Resolves to whether it did. */
  applyRetention(nowMs: number, byAge: boolean): Promise<boolean>;
}

export interface RetentionSweepOptions {
  clock: Clock;
  logger: Logger;
  logs: Iterable<Retained>;
  /** Makes room on a full disk for deleting an old segment; whether it could. */
  makeRoom?: (() => boolean) | undefined;
}

export class RetentionSweep {
  private readonly steps: ClockSteps;
  /** `rolledCount` of each log at the last sweep. */
  private readonly rolled = new WeakMap<Retained, number>();
  private timer: Timer | undefined;

  constructor(private readonly options: RetentionSweepOptions) {
    this.steps = new ClockSteps(options.clock);
  }

  /** Sweeps every minute from now on, until `stop`. */
  start(): void {
    this.timer = this.options.clock.after(SWEEP_INTERVAL_MS, () => {
      const { timer } = this;
      void this.run().finally(() => this.timer === timer && this.start());
    });
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** One sweep. Failures are reported and tried again by the next one. */
  async run(): Promise<void> {
    const settled = this.steps.settled();
    for (const log of [...this.options.logs]) {
      try {
        await this.sweep(log, settled);
      } catch (error) {
        if (storageError(error, "deleting").code === "disk_full") this.options.makeRoom?.();
        this.options.logger.warn("deleting an old segment failed", { error: String(error) });
      }
    }
  }

  private async sweep(log: Retained, settled: boolean): Promise<void> {
    const { clock } = this.options;
    const nowMs = clock.nowMs();
    const { rolledCount } = log;
    let byAgeLeft = settled ? rolledCount - (this.rolled.get(log) ?? rolledCount) + 1 : 0;
    this.rolled.set(log, rolledCount);
    log.expireProducers(clock.monotonicMs());
    log.rollIfOld(nowMs);
    while (await log.applyRetention(nowMs, false));
    while (byAgeLeft-- > 0 && (await log.applyRetention(nowMs, true)));
  }
}
