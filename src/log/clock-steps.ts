/**
 * Whether the wall clock can be trusted with deleting records. It is compared with the monotonic clock, which never
 * steps: when the two have drifted apart since the last look, somebody set the wall clock.
 *
 *   wall - monotonic   ______________|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
 *   settled            yes           no, for ten minutes    yes
 *
 * A start counts as a step: what the clock did before it, nobody saw.
 */
import type { Clock } from "../base/clock.ts";

/** A clock is wrong for no longer than this before somebody or NTP puts it right, one hopes. */
export const SETTLING_MS = 600_000;
/** More than a clock is slewed by between two looks; a suspended machine counts as a step too. */
const STEP_MS = 2_000;

export class ClockSteps {
  private differenceMs: number;
  private steppedAtMs: number;

  constructor(private readonly clock: Pick<Clock, "nowMs" | "monotonicMs">) {
    this.steppedAtMs = clock.monotonicMs();
    this.differenceMs = clock.nowMs() - this.steppedAtMs;
  }

  /** Looks at both clocks; true when the wall clock has made no step for `SETTLING_MS`. */
  settled(): boolean {
    const monotonicMs = this.clock.monotonicMs();
    const differenceMs = this.clock.nowMs() - monotonicMs;
    if (Math.abs(differenceMs - this.differenceMs) > STEP_MS) this.steppedAtMs = monotonicMs;
    this.differenceMs = differenceMs;
    return monotonicMs - this.steppedAtMs >= SETTLING_MS;
  }
}
