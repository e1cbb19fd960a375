/** Choices of a simulation, all drawn from one seed, so that a seed is the whole story of a run. */
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import type { Random } from "../../src/base/random.ts";

export class SimRandom {
  private readonly random: Random;

  constructor(seed: number) {
    // Neighbouring seeds must not start alike.
    this.random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  }

  /** A whole number in 0..bound-1. */
  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  /** A whole number in low..high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  uint32(): number {
    return this.random.uint32();
  }
}
