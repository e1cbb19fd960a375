/** A clock for tests of what waits: five minutes pass when the test says so. */
import { type Clock, systemClock, type Timer } from "../../src/base/clock.ts";

/** The machine's clock, but timers run when the test says that their time has come. */
export class TimerClock implements Clock {
  aheadMs = 0;
  private readonly timers = new Set<{ dueMs: number; run: () => void }>();

  /** Tells the time as `from` does, which may stand still, and is ahead of it by what has passed. */
  constructor(private readonly from: Pick<Clock, "nowMs" | "monotonicMs"> = systemClock) {}

  nowMs = () => this.from.nowMs() + this.aheadMs;
  monotonicMs = () => this.from.monotonicMs() + this.aheadMs;
  defer = (run: () => void) => systemClock.defer(run);

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.monotonicMs() + delayMs, run };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  /** Lets `ms` pass at once. */
  pass(ms: number): void {
    this.aheadMs += ms;
    for (const timer of [...this.timers].sort((a, b) => a.dueMs - b.dueMs)) {
      if (timer.dueMs > this.monotonicMs() || !this.timers.delete(timer)) continue;
      timer.run();
    }
  }
}
