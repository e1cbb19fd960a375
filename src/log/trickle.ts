/**
 * Logs whose own files are synced a few at a time. Who waits for the journal meanwhile has to wait for these at most, and
 * appends are not held up as they are while the file system commits what all of them changed.
 *
 *   journal     | sync |  | sync |  | sync |  | sync |
 *   own files   | log 7 |  | log 12 |  | log 3 |  | log 80 |
 *                  | log 5 |  | log 9 |  | log 41 |
 */
import type { Syncable } from "./syncable.ts";

/** One after the other they fall behind the journal, which then can't be filled again: a syncfs of all has to help. */
const SIDE_BY_SIDE = 2;

export class Trickle {
  private readonly logs = new Set<Syncable>();
  private running = 0;

  /** `sync` resolves whatever becomes of it. */
  constructor(private readonly sync: (log: Syncable) => Promise<void>) {}

  get idle(): boolean {
    return this.running === 0;
  }

  add(logs: readonly Syncable[]): void {
    for (const log of logs) this.logs.add(log);
    while (this.running < SIDE_BY_SIDE && this.logs.size > 0) void this.run();
  }

  private async run(): Promise<void> {
    this.running++;
    for (const log of this.logs) {
      this.logs.delete(log);
      await this.sync(log);
    }
    this.running--;
  }
}
