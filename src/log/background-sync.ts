/**
 * Logs whose appends are acknowledged once they are written (durability "os"): tells those who wait at the end of the
 * tick, and has the log synced after a while or a few MiB.
 *
 *   append append append | told      …      sync
 *                        ^ end of the tick  ^ within a second of the first append, or at UNSYNCED_BYTES
 *
 * These are half of what a log may leave unsynced: its producers are held up only when the disk can't keep up.
 */
import type { Clock } from "../base/clock.ts";
import type { Syncable } from "./group-commit.ts";
import { UNSYNCED_BYTES_MAX } from "./recovery.ts";

const UNSYNCED_MS = 1_000;
const UNSYNCED_BYTES = UNSYNCED_BYTES_MAX / 2;

export class BackgroundSync {
  private readonly written = new Set<Syncable>();
  private readonly unsynced = new Set<Syncable>();
  private waiting = false;

  constructor(
    private readonly clock: Pick<Clock, "defer" | "after">,
    private readonly sync: (log: Syncable) => void,
  ) {}

  /** Something was appended to `log`. */
  request(log: Syncable): void {
    if (this.written.size === 0) this.clock.defer(this.tell);
    this.written.add(log);
    if (log.unsyncedBytes >= UNSYNCED_BYTES) {
      this.unsynced.delete(log);
      this.sync(log);
      return;
    }
    this.unsynced.add(log);
    if (this.waiting) return;
    this.waiting = true;
    this.clock.after(UNSYNCED_MS, this.syncAll);
  }

  private readonly tell = (): void => {
    const logs = [...this.written];
    this.written.clear();
    for (const log of logs) log.showWritten();
  };

  private readonly syncAll = (): void => {
    this.waiting = false;
    const logs = [...this.unsynced];
    this.unsynced.clear();
    for (const log of logs) if (log.dirty) this.sync(log);
  };
}
