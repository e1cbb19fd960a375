/**
 * Telling those who wait for logs is the work of many: so many logs are told in a turn of the event loop, and timers and
 * sockets have theirs in between.
 */
import type { Clock } from "../base/clock.ts";
import type { Syncable } from "./syncable.ts";

const LOGS_IN_A_TURN = 96;

export class Announcer {
  private readonly logs = new Set<Syncable>();

  /** `tell` is called for each log that was added, once however often that was, at the end of a tick. */
  constructor(
    private readonly clock: Pick<Clock, "defer">,
    private readonly tell: (log: Syncable) => void,
  ) {}

  add(log: Syncable): void {
    if (this.logs.size === 0) this.clock.defer(this.tellNext);
    this.logs.add(log);
  }

  private readonly tellNext = (): void => {
    let left = LOGS_IN_A_TURN;
    for (const log of this.logs) {
      if (left-- === 0) return this.clock.defer(this.tellNext);
      this.logs.delete(log);
      this.tell(log);
    }
  };
}
