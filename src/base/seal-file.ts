/**
 * Checksums over what a SQLite database says, which SQLite does not have, and the file beside the database that remembers
 * the last one:
 *
 *   <database>-seal    number of the last change, and its checksum, in a file of two slots (slot-file.ts), written
 *                      after the commit
 *
 * The file is what tells of changes that are gone as a whole, because the write-ahead log was cut short or lost: it
 * says which change the database must at least have. It is never synced, so after a power cut it may say less.
 */
import { basename } from "node:path";
import { crc32c } from "./crc32c.ts";
import type { FileSystem } from "./file-system.ts";
import { SlotFile } from "./slot-file.ts";
import { WarmFiles } from "./warm-files.ts";

/** The seal of a whole database. */
export interface Seal {
  /** How many changes there were. */
  change: number;
  crc: number;
}

export class SealFile {
  /** What the file said when it was opened; undefined when it is missing or says nothing that can be read. */
  readonly known: Seal | undefined;
  private readonly slots: SlotFile;

  /** `path`: of the database. Throws the system's error. */
  constructor(fileSystem: FileSystem, path: string) {
    this.slots = SlotFile.open(fileSystem, `${path}-seal`, new WarmFiles(1));
    const [change = 0, crc = 0] = this.slots.values ?? [];
    this.known = change > 0 ? { change, crc } : undefined;
  }

  /**
   * Why the database with the seal `found`, undefined for one that is empty, is not the one that was here, in words;
   * undefined when it is, or may be.
   */
  breach(found: Seal | undefined): string | undefined {
    const { known } = this;
    const change = found?.change ?? 0;
    if (known === undefined || known.change < change) return undefined;
    if (known.change === change)
      return known.crc === found?.crc ? undefined : "it is not the one that was here";
    const lack = found ? `its last change is number ${change}` : "it is empty, or older than its checksums";
    return `${lack}, and number ${known.change} was made here (remove ${basename(this.slots.path)} to start with it all the same)`;
  }

  /** Knows the seal `found` of the database as it was opened, if it did not yet. */
  catchUp(found: Seal | undefined): void {
    if (found !== undefined && found.change !== this.known?.change) this.write(found);
  }

  /** Remembers the seal of a change that is durable. */
  write({ change, crc }: Seal): void {
    try {
      this.slots.write([change, crc]);
    } catch {
      // The change itself stands. A disk that can't take these few bytes is told of by what matters more.
    }
  }

  close(): void {
    this.slots.close();
  }
}

/** Checksum over rows, going on from `seed`. */
export function crcOfRows(rows: readonly unknown[], seed: number): number {
  return crc32c(Buffer.from(JSON.stringify(rows)), seed);
}
