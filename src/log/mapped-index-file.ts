/**
 * An index whose entries are stores into its mapped file.
 *
 *   growing     | entry 0 | entry 1 | … | entry count-1 | zeros up to the file's size |
 *
 * Blocks are reserved (fallocate) before they are mapped, so that a store can't hit a full disk, which would kill the
 * process with SIGBUS. The file is made with the first entry, so that a full disk hinders nobody; it doubles when full,
 * and shrinks to its entries when its segment is sealed. The memory is the page cache's, which the kernel can write out
 * and take back.
 */
import type { Mapping, OpenFile } from "../base/file-system.ts";
import { IndexFile, indexSeal } from "./index-file.ts";

const FIRST_BYTES = 4096;

export class MappedIndexFile extends IndexFile {
  private mapping: Mapping | undefined;

  protected override load(): boolean {
    return this.change((file) => this.remap(file, file.size()));
  }

  override seal(baseOffset: number): void {
    const end = this.endOfEntries;
    const seal = indexSeal(this.bytes.subarray(0, end), baseOffset);
    // Without room for the seal the index serves until the log is closed, and is made anew when it is opened.
    this.change((file) => {
      this.unmap();
      file.truncate(end);
      file.write(seal, end);
      this.remap(file, file.size());
    });
  }

  override unseal(): void {
    // Its mapping takes stores already: new entries go over the seal.
  }

  override close(): void {
    this.unmap();
    this.count = 0;
  }

  protected override grow(): boolean {
    const bytes = Math.max(FIRST_BYTES, this.bytes.length * 2);
    return this.change((file) => {
      file.allocate(bytes);
      this.remap(file, bytes);
    });
  }

  /** Runs `change` on the file, which it makes when it is missing; false when the disk refused. */
  private change(change: (file: OpenFile) => void): boolean {
    try {
      const file = this.fileSystem.open(this.path, this.fileSystem.exists(this.path) ? "write" : "create");
      try {
        change(file);
      } finally {
        file.close();
      }
    } catch {
      if (this.bytes.length === 0) this.count = 0; // it could not be mapped again: the log is read from its start
      return false;
    }
    return true;
  }

  /** Maps the first `bytes` bytes of the file in place of what is mapped now. */
  private remap(file: OpenFile, bytes: number): void {
    this.unmap();
    this.mapping = file.map(bytes);
    this.bytes = this.mapping.bytes;
  }

  private unmap(): void {
    this.mapping?.unmap();
    this.mapping = undefined;
    this.bytes = Buffer.alloc(0);
  }
}
