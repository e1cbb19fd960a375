/**
 * A log file that is written by stores into memory and read from it.
 *
 *   | batch | batch | batch | zeros, reserved (fallocate) and mapped |
 *                           ^ endPosition                            ^ size of the file
 *
 * Here reserving space is a must: a store that meets a full disk kills the process with SIGBUS. So a full disk shows
 * when space is reserved, as disk_full, and the file is never cut below what is mapped: the mapping goes first.
 *
 * What was there before the first append is read through the descriptor, and so is recovery: a bad sector answers EIO
 * there, where a mapped read would kill the process. Whoever chooses mapped I/O accepts that for later reads.
 */
import type { Mapping, OpenFile } from "../base/file-system.ts";
import { FileLogFile, storageError } from "./log-file.ts";

export class MappedLogFile extends FileLogFile {
  private mapping: Mapping | undefined;

  /** With `mapOnRead` the file is a full segment, which the first read maps whole. */
  constructor(
    file: OpenFile,
    private mapOnRead: boolean,
  ) {
    super(file);
  }

  override append(batch: Buffer): number {
    const position = this.endPosition;
    const end = position + batch.length;
    const mapping = this.mapping && end <= this.mapping.bytes.length ? this.mapping : this.mapUpTo(end);
    mapping.bytes.set(batch, position);
    this.endPosition = end;
    return position;
  }

  override read(into: Buffer, position: number): number {
    if (this.mapOnRead) this.mapWhole();
    const bytes = this.mapping?.bytes;
    if (bytes === undefined || position + into.length > bytes.length) return super.read(into, position);
    return bytes.copy(into, 0, position, position + into.length);
  }

  override cutAt(position: number): void {
    this.unmap();
    super.cutAt(position);
  }

  override trim(): void {
    this.unmap();
    super.trim();
    this.mapOnRead = true;
  }

  protected override close(): void {
    this.unmap();
    super.close();
  }

  /** Reserves and maps at least `end` bytes. Without room the file stays as it was, and is read unmapped. */
  private mapUpTo(end: number): Mapping {
    this.unmap();
    this.mapOnRead = false;
    try {
      try {
        this.reserve(this.stretchTo(end));
      } catch {
        this.reserve(end); // near the end of the disk a whole stretch may be too much, and this batch still fit
      }
      return (this.mapping = this.file.map(this.reserved));
    } catch (error) {
      throw storageError(error, "reserving space for record batches");
    }
  }

  private mapWhole(): void {
    this.mapOnRead = false;
    try {
      if (this.endPosition > 0) this.mapping = this.file.map(this.endPosition);
    } catch {
      // No address space left: the descriptor serves as well.
    }
  }

  private unmap(): void {
    this.mapping?.unmap();
    this.mapping = undefined;
  }
}
