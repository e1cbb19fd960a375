/**
 * A file of fixed-width entries, sorted, appended to and searched by halving. It is a hint: nothing in it is believed
 * without a look at the log, and it is rebuilt whenever it is missing or wrong, so it is never synced.
 *
 *   sealed      | entry 0 | entry 1 | … | entry count-1 | "voik" | crc32c u32 |
 *
 * The checksum starts from the segment's base offset, so an index that was cut, flipped or swapped with another
 * segment's is not taken for a good one. A growing index is always made anew, by recovery; what its file holds until
 * it is sealed is the business of MappedIndexFile and BufferedIndexFile.
 *
 * When there is no room to grow, entries are left out and look-ups just walk a little further; an index that can't be
 * mapped any more forgets its entries.
 */
import { crc32c } from "../base/crc32c.ts";
import type { FileSystem } from "../base/file-system.ts";
import { storageError } from "./log-file.ts";

export const INDEX_SEAL_BYTES = 8;
const SEAL_MAGIC = 0x766f696b;
/** A segment of 2 GiB has 6 MiB of entries; a larger file is no index of ours. */
const INDEX_BYTES_MAX = 64 << 20;

/** A kind of index file. */
type IndexFileKind = new (fileSystem: FileSystem, path: string, entryBytes: number) => IndexFile;

export abstract class IndexFile {
  /** Entries in use. */
  count = 0;
  /** Memory for entries, with room behind the last one. */
  bytes: Buffer = Buffer.alloc(0);

  constructor(
    protected readonly fileSystem: FileSystem,
    protected readonly path: string,
    protected readonly entryBytes: number,
  ) {}

  /** A new, empty index in place of any old one. Throws VoikError storage_failed when that can't be removed. */
  static create(this: IndexFileKind, fileSystem: FileSystem, path: string, entryBytes: number): IndexFile {
    removeOldIndex(fileSystem, path);
    return new this(fileSystem, path, entryBytes);
  }

  /** Opens the sealed index of the segment at `baseOffset`; undefined when it is missing or wrong. */
  static openSealed(
    this: IndexFileKind,
    fileSystem: FileSystem,
    path: string,
    entryBytes: number,
    baseOffset: number,
  ): IndexFile | undefined {
    if (!fileSystem.exists(path) || !fitsIndex(fileSystem.size(path), entryBytes)) return undefined;
    const index = new this(fileSystem, path, entryBytes);
    index.count = index.load() ? countSealed(index.bytes, entryBytes, baseOffset) : -1;
    if (index.count >= 0) return index;
    index.close();
    return undefined;
  }

  /** Makes room for one more entry and returns its position in `bytes`; undefined when there is none. */
  nextEntry(): number | undefined {
    const at = this.endOfEntries;
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

  /** Writes the end mark and gives back spare room; the index takes no more entries. */
  abstract seal(baseOffset: number): void;

  /** Takes entries again, behind those that it has. */
  abstract unseal(): void;

  /** Lets go of memory and mapping; the index must not be asked again. */
  abstract close(): void;

  /** Has the whole content of its file in `bytes`; false when the disk refused. */
  protected abstract load(): boolean;

  /** Makes `bytes` larger, keeping the entries; false when there is no room. */
  protected abstract grow(): boolean;

  /** Bytes of its entries. */
  get endOfEntries(): number {
    return this.count * this.entryBytes;
  }
}

/** Makes room for a new index. Throws VoikError storage_failed. */
export function removeOldIndex(fileSystem: FileSystem, path: string): void {
  try {
    if (fileSystem.exists(path)) fileSystem.remove(path);
  } catch (error) {
    throw storageError(error, "replacing an index");
  }
}

/** The end mark of an index whose entries are `entries`. */
export function indexSeal(entries: Buffer, baseOffset: number): Buffer {
  const seal = Buffer.allocUnsafe(INDEX_SEAL_BYTES);
  seal.writeUInt32BE(SEAL_MAGIC, 0);
  seal.writeUInt32BE(crc32c(entries, baseOffset >>> 0), 4);
  return seal;
}

/** Whether a file of `bytes` bytes can be a sealed index. */
export function fitsIndex(bytes: number, entryBytes: number): boolean {
  const end = bytes - INDEX_SEAL_BYTES;
  return end >= 0 && end % entryBytes === 0 && bytes <= INDEX_BYTES_MAX;
}

/** The number of entries in the whole content (see fitsIndex) of a sealed index; -1 when it is wrong. */
export function countSealed(content: Buffer, entryBytes: number, baseOffset: number): number {
  const end = content.length - INDEX_SEAL_BYTES;
  const seal = indexSeal(content.subarray(0, end), baseOffset);
  return seal.equals(content.subarray(end)) ? end / entryBytes : -1;
}
