/**
 * The sync scheduler of a data folder: everything that was appended by the time a sync starts shares it.
 *
 *   append append append | sync ------------> durable | append … went into the next one
 *                        ^ end of the tick              sync ------------> durable
 *
 * One sync is in flight per log; logs sync side by side. Syncing runs off the event loop. A failed sync is never
 * tried again, because the second try lies: the kernel has already dropped the error with the pages. `onFailure`
 * is told once, and nothing is acknowledged from then on.
 */

import type { Clock } from "../base/clock.ts";

/** A log, as the scheduler sees it. */
export interface Syncable {
  /** Syncs what has been appended when it is called, then tells those who wait. Rejects when a sync failed. */
  syncRound(): Promise<void>;
  /** Whether something is appended that no round has covered. */
  readonly dirty: boolean;
}

export class GroupCommit {
  private readonly requested = new Set<Syncable>();
  private readonly inFlight = new Set<Syncable>();
  private scheduled = false;
  private failed = false;

  constructor(
    private readonly onFailure: (error: unknown) => void,
    private readonly clock: Pick<Clock, "defer">,
  ) {}

  /** Asks for `log` to be synced, with everything else that is appended in this tick. */
  request(log: Syncable): void {
    if (this.failed || this.inFlight.has(log)) return;
    this.requested.add(log);
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.defer(this.startRounds);
  }

  /** A sync has failed, here or outside of a round: nothing is synced any more. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.onFailure(error);
  }

  private readonly startRounds = (): void => {
    this.scheduled = false;
    for (const log of this.requested) void this.run(log);
    this.requested.clear();
  };

  private async run(log: Syncable): Promise<void> {
    this.inFlight.add(log);
    try {
      while (log.dirty && !this.failed) await log.syncRound();
    } catch (error) {
      this.fail(error);
    } finally {
      this.inFlight.delete(log);
    }
  }
}
