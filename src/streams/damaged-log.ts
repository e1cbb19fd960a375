/**
 * Stands in for a log that can't be opened, because its folder is gone or is damaged past recovery: every use
 * answers storage_damaged with the reason, the other shards go on, and the stream can still be deleted.
 */
import { VoikError } from "../base/errors.ts";
import type { OpenLog } from "../log/log-factory.ts";

export class DamagedLog implements OpenLog {
  readonly startOffset = 0;
  readonly durableEnd = 0;
  readonly stableEnd = 0;
  readonly endOffset = 0;
  readonly unsyncedBytes = 0;
  readonly sizeBytes = 0;
  readonly congested = false;
  readonly newest = undefined;

  constructor(private readonly reason: string) {}

  append(): never {
    throw this.error();
  }

  locate(): never {
    throw this.error();
  }

  offsetForTimestamp(): never {
    throw this.error();
  }

  abortedIn(): never {
    throw this.error();
  }

  isOpen(): boolean {
    return false;
  }

  openTransactions(): [] {
    return [];
  }

  holds(): boolean {
    return false;
  }

  producers(): [] {
    return [];
  }

  trimTo(): never {
    throw this.error();
  }

  addTailListener(): void {}

  removeTailListener(): void {}

  async close(): Promise<void> {}

  private error(): VoikError {
    return new VoikError("storage_damaged", this.reason);
  }
}
