/**
 * What a segment's two indexes share: sorted entries in an index file, for a segment that starts at a base offset. What
 * an entry says, and how one is looked up, is theirs (offset-index.ts, time-index.ts).
 */
import type { IndexFile } from "./index-file.ts";
import type { LogIo } from "./log-io.ts";

/** An index with entries of its own shape. */
interface IndexKind<Index> {
  readonly entryBytes: number;
  new (file: IndexFile, baseOffset: number): Index;
}

export abstract class SparseIndex {
  constructor(
    protected readonly file: IndexFile,
    protected readonly baseOffset: number,
  ) {}

  /** A new, empty index in place of any old one. Throws VoikError storage_failed. */
  static create<Index>(this: IndexKind<Index>, io: LogIo, path: string, baseOffset: number): Index {
    return new this(io.createIndex(path, this.entryBytes), baseOffset);
  }

  /** Opens a sealed index; undefined when it is missing or wrong. */
  static openSealed<Index>(
    this: IndexKind<Index>,
    io: LogIo,
    path: string,
    baseOffset: number,
  ): Index | undefined {
    const file = io.openSealedIndex(path, this.entryBytes, baseOffset);
    return file && new this(file, baseOffset);
  }

  /** Bytes of its entries. */
  get bytes(): number {
    return this.file.endOfEntries;
  }

  seal(): void {
    this.file.seal(this.baseOffset);
  }

  /** Takes entries again, behind those that it has. */
  unseal(): void {
    this.file.unseal();
  }

  close(): void {
    this.file.close();
  }
}
