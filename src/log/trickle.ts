/**
 * Logs whose own files are synced one after the other, because the journal is being synced all the while, and somebody
 * waits for that: at the device it has to wait for one of them at most.
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
