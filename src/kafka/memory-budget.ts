/**
 * A bound on the memory that half-arrived requests take, all connections together. A request is admitted with its
 * whole size before it is assembled, so whatever was admitted can also be finished: no two connections can wait for
 * each other. Who is refused stops reading and is called when memory comes back, in the order of asking.
 */
import { assert } from "../base/assert.ts";

export interface MemoryClaimant {
  /** Memory came back: ask again. */
  onMemoryFreed(): void;
}

export class MemoryBudget {
  /** Bytes admitted now. */
  used = 0;
  private readonly waiting = new Set<MemoryClaimant>();

  /** `bytesMax` must hold the largest single request. */
  constructor(readonly bytesMax: number) {}

  /** Admits `bytes` for `claimant`, or remembers it and returns false. */
  claim(bytes: number, claimant: MemoryClaimant): boolean {
    if (this.used + bytes > this.bytesMax) {
      this.waiting.add(claimant);
      return false;
    }
    this.waiting.delete(claimant);
    this.used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.used -= bytes;
    assert(this.used >= 0, "released more request memory than was admitted");
    for (const claimant of [...this.waiting]) {
      this.waiting.delete(claimant);
      claimant.onMemoryFreed();
    }
  }

  /** The claimant is gone. */
  forget(claimant: MemoryClaimant): void {
    this.waiting.delete(claimant);
  }
}
