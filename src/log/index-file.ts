/**
 * A memory-mapped file of fixed-width entries, sorted, appended to and searched by halving. It is a hint: nothing
 * in it is believed without a look at the log, and it is rebuilt whenever it is missing or wrong, so it is never
 * synced.
 *
 *   growing   | entry 0 | entry 1 | … | entry count-1 | zeros up to the file's size |
 *   sealed    | entry 0 | entry 1 | … | entry count-1 | "voik" | crc32c u32 |
 *
 * The checksum starts from the segment's base offset, so an index that was cut, flipped or swapped with another
 * segment's is not taken for a good one. A growing index is always made anew, by recovery.
 *
 * Blocks are reserved (fallocate) before they are mapped, so that a store can't hit a full disk, which would kill
 * the process with SIGBUS. The file doubles when full and shrinks to its entries when its segment is sealed. When
 * the disk has no room to grow, entries are left out and look-ups just walk a little further.
 */
import { assert } from "../base/assert.ts";
import { crc32c } from "../base/crc32c.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { storageError } from "./log-file.ts";

const FIRST_BYTES = 4096;
const SEAL_BYTES = 8;
const SEAL_MAGIC = 0x766f696b;

export class IndexFile {
  /** Entries in use. */
  count = 0;
  /** The mapped bytes; empty while there is nothing to map. */
  bytes: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly fileSystem: FileSystem,
    readonly path: string,
    readonly entryBytes: number,
  ) {}

  /**
   * A new, empty index in place of any old one; its file is made with the first entry, so that a full disk hinders
   * nobody. Throws VoikError storage_failed when an old one can't be removed.
   */
  static create(fileSystem: FileSystem, path: string, entryBytes: number): IndexFile {
    try {
      if (fileSystem.exists(path)) fileSystem.remove(path);
    } catch (error) {
      throw storageError(error, "replacing an index");
    }
    return new IndexFile(fileSystem, path, entryBytes);
  }

  /** Opens the sealed index of the segment at `baseOffset`; undefined when it is missing or wrong. */
  static openSealed(
    fileSystem: FileSystem,
    path: string,
    entryBytes: number,
    baseOffset: number,
  ): IndexFile | undefined {
    if (!fileSystem.exists(path)) return undefined;
    const end = fileSystem.size(path) - SEAL_BYTES;
    if (end < 0 || end % entryBytes !== 0) return undefined;
    const bytes = fileSystem.map(path);
    if (
      bytes.readUInt32BE(end) !== SEAL_MAGIC ||
      bytes.readUInt32BE(end + 4) !== sealOf(bytes, end, baseOffset)
    ) {
      return undefined;
    }
    const index = new IndexFile(fileSystem, path, entryBytes);
    index.bytes = bytes;
    index.count = end / entryBytes;
    return index;
  }

  /** Makes room for one more entry and returns its position; undefined when the disk has no room. */
  nextEntry(): number | undefined {
    const at = this.count * this.entryBytes;
    if (at + this.entryBytes > this.bytes.length && !this.grow()) return undefined;
    this.count++;
    return at;
  }

  /** The number of leading entries for which `holds` is true; entries are sorted by it. `holds` gets a position. */
  search(holds: (at: number) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle * this.entryBytes)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Gives back the space behind the last entry and marks the end; the index takes no more. */
  seal(baseOffset: number): void {
    const end = this.count * this.entryBytes;
    const seal = Buffer.alloc(SEAL_BYTES);
    seal.writeUInt32BE(SEAL_MAGIC, 0);
    seal.writeUInt32BE(sealOf(this.bytes, end, baseOffset), 4);
    try {
      const file = this.openFile();
      try {
        file.truncate(end);
        file.write(seal, end);
      } finally {
        file.close();
      }
      // The old, longer map must not be read behind the new end.
      this.bytes = this.fileSystem.map(this.path);
    } catch {
      // No room for the seal: the index serves until the log is closed, and is made anew when it is opened.
    }
  }

  /** Forgets the mapping; the garbage collector unmaps it. */
  close(): void {
    this.bytes = Buffer.alloc(0);
    this.count = 0;
  }

  private openFile(): OpenFile {
    return this.fileSystem.open(this.path, this.fileSystem.exists(this.path) ? "write" : "create");
  }

  private grow(): boolean {
    const wanted = Math.max(FIRST_BYTES, this.bytes.length * 2);
    try {
      const file = this.openFile();
      try {
        file.allocate(wanted);
      } finally {
        file.close();
      }
      this.bytes = this.fileSystem.map(this.path);
    } catch {
      return false;
    }
    assert(this.bytes.length >= wanted, "an index grows by the bytes it reserved");
    return true;
  }
}

function sealOf(bytes: Buffer, end: number, baseOffset: number): number {
  return crc32c(bytes.subarray(0, end), baseOffset >>> 0);
}
