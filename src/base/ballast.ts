/**
 * A file that holds space for the day when the disk is full: deleting a stream or an old segment needs a little room
 * of its own (a journal, a page of the catalog), and the ballast is that room. voik removes it then, or a person does,
 * and it is made again once there is room for it twice.
 */
import type { Clock, Timer } from "./clock.ts";
import type { FileSystem } from "./file-system.ts";
import type { Logger } from "./logger.ts";

const RETRY_MS = 60_000;

export interface BallastOptions {
  path: string;
  /** 0: none is wanted, and one that is there is removed. */
  bytes: number;
  /** Bytes that can still be written to the disk. */
  freeBytes(): number;
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
}

export class Ballast {
  private timer: Timer | undefined;

  /** Makes the file if it can, and tries again every minute while it is missing. */
  constructor(private readonly options: BallastOptions) {
    this.keep();
  }

  /** Removes the file; whether there was one, so that trying again makes sense. */
  readonly release = (): boolean => {
    const { path, fileSystem, logger } = this.options;
    if (!fileSystem.exists(path)) return false;
    fileSystem.remove(path);
    logger.warn("the disk is full: removed the ballast, so that something can be deleted", { path });
    return true;
  };

  close(): void {
    this.timer?.cancel();
  }

  private readonly keep = (): void => {
    const { bytes, path, fileSystem, clock, logger, freeBytes } = this.options;
    try {
      if (fileSystem.exists(path) && fileSystem.size(path) !== bytes) fileSystem.remove(path);
      // Twice: a ballast that took the last bytes would itself fill the disk.
      const wanted = bytes > 0 && !fileSystem.exists(path) && freeBytes() >= 2 * bytes;
      if (wanted) this.make();
    } catch (error) {
      logger.warn("can't make the ballast", { path, error: String(error) });
    }
    if (bytes > 0) this.timer = clock.after(RETRY_MS, this.keep);
  };

  private make(): void {
    const { bytes, path, fileSystem } = this.options;
    const file = fileSystem.open(path, "create");
    try {
      file.allocate(bytes);
    } catch (error) {
      fileSystem.remove(path);
      throw error;
    } finally {
      file.close();
    }
  }
}
