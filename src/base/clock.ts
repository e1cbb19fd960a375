/**
 * Time, behind a seam: everything that asks for the time or waits asks a Clock, so that tests can drive it.
 * Wall time may jump; it labels records and orders nothing. Monotonic time measures durations.
 */

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Milliseconds on a clock that never steps; only differences mean anything. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`; the timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once at the end of this tick, when everything that is ready has run. */
  defer(run: () => void): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (run) => void setImmediate(run),
};
