/**
 * Logs whose own files are synced one after the other. Who waits for the journal meanwhile has to wait for one of them at
 * most, and appends are not held up as they are while the file system commits what all of them changed.
 *
 *   journal     | sync |  | sync |  | sync |  | sync |
 *   own files   | log 7 |  | log 12 |  | log 3 |  | log 80 |
 */
import type { Syncable } from "./syncable.ts";

export class Trickle {
  private readonly logs = new Set<Syncable>();
  private running = false;

  /** `sync` resolves whatever becomes of it. */
  constructor(private readonly sync: (log: Syncable) => Promise<void>) {}

  get idle(): boolean {
    return !this.running;
  }

  add(logs: readonly Syncable[]): void {
    for (const log of logs) this.logs.add(log);
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (const log of this.logs) {
      this.logs.delete(log);
      await this.sync(log);
    }
    this.running = false;
  }
}
