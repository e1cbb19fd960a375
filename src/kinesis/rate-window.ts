/**
 * So much in so long, as AWS counts it: the first taker opens a window, and what has been taken in it is counted until
 * its end. An empty window takes anything, for one large record must pass; what it holds above its measure makes it
 * as much longer, so that no one gets more than the rate in the long run:
 *
 *   2 MiB a second:   1 MiB, 1 MiB, refused …          | from the next second on
 *                     10 MiB, refused …                | for five seconds
 */
export class RateWindow {
  private startedMs = -Infinity;
  private used = 0;

  constructor(
    private readonly measure: number,
    private readonly windowMs = 1000,
  ) {}

  /** Whether `amount` more may be taken at `nowMs`; takes nothing. An amount of 0 asks whether anything is left. */
  allows(amount: number, nowMs: number): boolean {
    if (this.isOver(nowMs)) return true;
    return amount === 0 ? this.used < this.measure : this.used + amount <= this.measure;
  }

  take(amount: number, nowMs: number): void {
    if (this.isOver(nowMs)) {
      this.startedMs = nowMs;
      this.used = 0;
    }
    this.used += amount;
  }

  /** Milliseconds from `nowMs` until anything may be taken again; 0 when something may now. */
  restMs(nowMs: number): number {
    return this.allows(0, nowMs) ? 0 : this.endMs - nowMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.endMs;
  }

  private get endMs(): number {
    return this.startedMs + this.windowMs * Math.max(1, this.used / this.measure);
  }
}
