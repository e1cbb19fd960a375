/**
 * An index that grows in memory and is written in one go when its segment is sealed; opening a sealed one reads it
 * whole. Nothing is mapped, so it works on every file system, and a bad sector in it is just a wrong index.
 *
 *   growing     no file
 *
 * An index has about 5 bytes for each KiB of log: a full segment of 128 MiB takes 640 KiB of memory for both.
 */
import { INDEX_SEAL_BYTES, IndexFile, indexSeal, removeOldIndex } from "./index-file.ts";

const FIRST_BYTES = 1024;

export class BufferedIndexFile extends IndexFile {
  protected override load(): boolean {
    const file = this.fileSystem.open(this.path, "read");
    try {
      this.bytes = Buffer.allocUnsafeSlow(file.size());
      return file.read(this.bytes, 0) === this.bytes.length;
    } catch {
      return false;
    } finally {
      file.close();
    }
  }

  override seal(baseOffset: number): void {
    const entries = this.bytes.subarray(0, this.endOfEntries);
    const content = Buffer.allocUnsafeSlow(entries.length + INDEX_SEAL_BYTES);
    entries.copy(content);
    indexSeal(entries, baseOffset).copy(content, entries.length);
    this.bytes = content;
    try {
      const file = this.fileSystem.open(this.path, "create");
      try {
        file.write(content, 0);
      } finally {
        file.close();
      }
    } catch {
      // No room for it: the index serves from memory, and is made anew when the log is opened.
    }
  }

  override unseal(): void {
    removeOldIndex(this.fileSystem, this.path);
  }

  override close(): void {
    this.bytes = Buffer.alloc(0);
    this.count = 0;
  }

  protected override grow(): boolean {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.bytes.length * 2));
    this.bytes.copy(larger);
    this.bytes = larger;
    return true;
  }
}
