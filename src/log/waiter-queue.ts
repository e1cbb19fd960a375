/**
 * Who waits for which offset to become durable, in order, and who listens to every move of the durable end. Offsets
 * only ascend, so releasing is taking from the front. Two plain arrays with a moving head: nothing is allocated per
 * waiter once they have grown.
 */
import { assert } from "../base/assert.ts";
import type { VoikError } from "../base/errors.ts";
import type { DurableWaiter, ShardLog, TailListener } from "./shard-log.ts";

export class WaiterQueue {
  /** Told after them, whenever any may have been. */
  readonly listeners = new Set<TailListener>();
  private waiters: (DurableWaiter | undefined)[] = [];
  private ends: number[] = [];
  private head = 0;

  /** How many wait. */
  get size(): number {
    return this.ends.length - this.head;
  }

  /** `waiter` waits until the durable end reaches `end`. */
  push(waiter: DurableWaiter, end: number): void {
    assert(this.ends.length === 0 || end >= (this.ends[this.ends.length - 1] as number), "offsets ascend");
    this.waiters.push(waiter);
    this.ends.push(end);
  }

  /** `waiter` waits for all that `log` has now; it is told soon, never at once, when all of that is durable. */
  pushBehind(log: ShardLog, waiter: DurableWaiter): void {
    if (log.endOffset > log.durableEnd) this.push(waiter, log.endOffset);
    else queueMicrotask(() => waiter.onDurable(log));
  }

  /** Tells everyone who waited for `durableEnd` or less, and who listens. They may push again meanwhile. */
  release(log: ShardLog, durableEnd: number): void {
    while (this.head < this.ends.length && (this.ends[this.head] as number) <= durableEnd) {
      this.take()?.onDurable(log);
    }
    this.compact();
    for (const listener of [...this.listeners]) listener.onDurableEnd(log);
  }

  /** Tells everyone that what they wait for will never be durable. */
  fail(log: ShardLog, error: VoikError): void {
    while (this.head < this.ends.length) this.take()?.onAppendFailed(log, error);
    this.compact();
  }

  private take(): DurableWaiter | undefined {
    const waiter = this.waiters[this.head];
    this.waiters[this.head++] = undefined;
    return waiter;
  }

  private compact(): void {
    if (this.head < this.ends.length && this.head < 1024) return;
    this.waiters.splice(0, this.head);
    this.ends.splice(0, this.head);
    this.head = 0;
  }
}
