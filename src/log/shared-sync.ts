/**
 * One syncfs for many who wait at the same time: logs that are recovered side by side after a crash. Whoever asks while
 * one runs shares the next, because the running one may have passed their files by.
 *
 *   log 1   asks | syncfs 1 |
 *   log 2      asks         | syncfs 2 |
 *   log 3         asks      | syncfs 2 |
 */
import type { Volume } from "../base/file-system.ts";

export class SharedSync {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly volume: Volume) {}

  /**
   * Resolves when everything that is written now is on the device; rejects with the system's error. Undefined while the
   * volume can't be synced as a whole: then each file has to be.
   */
  sync(): Promise<void> | undefined {
    if (!this.volume.prepare()) return undefined;
    if (this.running === undefined) return this.start();
    return (this.next ??= this.running.then(this.startNext, this.startNext));
  }

  private start(): Promise<void> {
    const ended = () => void (this.running = undefined);
    this.running = this.volume.sync();
    this.running.then(ended, ended);
    return this.running;
  }

  private readonly startNext = (): Promise<void> => {
    this.next = undefined;
    // It may have become unusable, and those who wait have left the other way behind.
    if (this.volume.prepare()) return this.start();
    return Promise.reject(Object.assign(new Error("EIO: syncfs: the volume is gone"), { code: "EIO" }));
  };
}
