/**
 * Time of a simulation: a queue of things that will happen, in an order that the seed decides, and a clock that
 * stands until it is moved. Nothing here waits: a step runs one thing, and every promise that it settles.
 */
import { drainMicrotasks } from "bun:jsc";
import { assert } from "../../src/base/assert.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";
import type { SimRandom } from "./sim-random.ts";

interface Happening {
  what: string;
  run(): void;
}

export class SimScheduler implements Clock {
  private readonly device: Happening[] = [];
  private readonly deferred: (() => void)[] = [];
  private timeMs = 1_000_000;

  constructor(private readonly random: SimRandom) {}

  get idle(): boolean {
    return this.device.length + this.deferred.length === 0;
  }

  nowMs(): number {
    return this.timeMs;
  }

  monotonicMs(): number {
    return this.timeMs;
  }

  /** Moves wall time, backwards too. */
  moveMs(byMs: number): void {
    this.timeMs += byMs;
  }

  /** A timer is one more thing that will happen. */
  after(_: number, run: () => void): Timer {
    this.later("a timer", run);
    return { cancel: () => assert(false, "the commit log calls no timer off") };
  }

  defer(run: () => void): void {
    this.deferred.push(run);
  }

  /** The device will answer, at some time and in any order. */
  later(what: string, run: () => void): void {
    this.device.push({ what, run });
  }

  /** Lets one thing happen; returns what it was. */
  step(): string {
    let what = "nothing";
    const next = this.random.below(this.device.length + (this.deferred.length > 0 ? 1 : 0) || 1);
    if (next < this.device.length) {
      const [happening] = this.device.splice(next, 1) as [Happening];
      what = happening.what;
      happening.run();
    } else if (this.deferred.length > 0) {
      what = "end of the tick";
      for (const run of this.deferred.splice(0)) run();
    }
    drainMicrotasks();
    return what;
  }

  /** The process is gone, and with it everything that it waited for. */
  clear(): void {
    this.device.length = 0;
    this.deferred.length = 0;
  }
}
