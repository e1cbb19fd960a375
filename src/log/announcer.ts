/**
 * Telling those who wait for logs is the work of many: so many logs are told in a turn of the event loop, and timers and
 * sockets have theirs in between.
 */
import type { Clock } from "../base/clock.ts";
import type { Syncable } from "./syncable.ts";

const LOGS_IN_A_TURN = 96;

export class Announcer {
  private readonly logs = new Set<Syncable>();
  private deferred = false;

  /** `tell` is called for each log that was added, once however often that was. */
  constructor(
    private readonly clock: Pick<Clock, "defer">,
    private readonly tell: (log: Syncable) => void,
  ) {}

  /** Has `log` told at the end of this tick, or of one after it. */
  add(log: Syncable): void {
    this.logs.add(log);
    this.defer();
  }

  /** Tells all of them now, if there is time for that in one turn. */
  tellIfFew(): void {
    if (this.logs.size <= LOGS_IN_A_TURN) this.tellSome();
  }

  private tellSome(): void {
    let left = LOGS_IN_A_TURN;
    for (const log of this.logs) {
      if (left-- === 0) return;
      this.logs.delete(log);
      this.tell(log);
    }
  }

  private defer(): void {
    if (this.deferred || this.logs.size === 0) return;
    this.deferred = true;
    this.clock.defer(this.goOn);
  }

  private readonly goOn = (): void => {
    this.deferred = false;
    this.tellSome();
    this.defer();
  };
}
