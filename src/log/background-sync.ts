/**
 * Logs whose own files nobody waits for: what they hold is in the journal, or was acknowledged once it was written
 * (durability "os": those who wait are told at the end of the tick). They are synced after a while or a few MiB.
 *
 *   append append append | told      …      sync
 *                        ^ end of the tick  ^ within a second of the first append, or at UNSYNCED_BYTES
 *
 * These are half of what a log may leave unsynced: its producers are held up only when the disk can't keep up.
 */
import type { Clock } from "../base/clock.ts";
import { Announcer } from "./announcer.ts";
import type { Syncable } from "./syncable.ts";
import { UNSYNCED_BYTES_MAX } from "./recovery.ts";

const UNSYNCED_MS = 1_000;
const UNSYNCED_BYTES = UNSYNCED_BYTES_MAX / 2;

export class BackgroundSync {
  private readonly written: Announcer;
  private readonly unsynced = new Set<Syncable>();
  private waiting = false;

  constructor(
    private readonly clock: Pick<Clock, "defer" | "after">,
    private readonly sync: (logs: readonly Syncable[]) => void,
  ) {
    this.written = new Announcer(clock, (log) => log.showWritten());
  }

  /** Something was appended to `log`, which tells as soon as it is written. */
  request(log: Syncable): void {
    this.written.add(log);
    this.syncLater(log);
  }

  /** Something was appended to `log` that nobody waits for. */
  syncLater(log: Syncable): void {
    if (log.unsyncedBytes >= UNSYNCED_BYTES) {
      this.unsynced.delete(log);
      this.sync([log]);
      return;
    }
    this.unsynced.add(log);
    if (this.waiting) return;
    this.waiting = true;
    this.clock.after(UNSYNCED_MS, this.syncAll);
  }

  /** Has everything synced that waits for its time. */
  readonly syncAll = (): void => {
    this.waiting = false;
    const logs = [...this.unsynced];
    this.unsynced.clear();
    this.sync(logs);
  };
}
