/**
 * From offsets to byte positions, one entry for every few KiB of log.
 *
 *   byte 0             4
 *        relative u32  position u32     the batch at `position` has base offset segment base + relative
 *
 * The batch at position 0 needs no entry.
 */
import { SparseIndex } from "./sparse-index.ts";

const ENTRY_BYTES = 8;

export class OffsetIndex extends SparseIndex {
  static readonly entryBytes = ENTRY_BYTES;

  /** Remembers that the batch with base offset `offset` starts at `position` (> 0). */
  add(offset: number, position: number): void {
    const at = this.file.nextEntry();
    if (at === undefined) return;
    this.file.bytes.writeUInt32BE(offset - this.baseOffset, at);
    this.file.bytes.writeUInt32BE(position, at + 4);
  }

  /** Number of the last entry at or below `offset`; -1 when the look-up has to start at the segment's start. */
  entryForOffset(offset: number): number {
    const relative = offset - this.baseOffset;
    return this.file.search((at) => this.file.bytes.readUInt32BE(at) <= relative) - 1;
  }

  /** Number of the last entry whose position is at or below `position`; -1 when there is none. */
  entryAtOrBelow(position: number): number {
    return this.file.search((at) => this.file.bytes.readUInt32BE(at + 4) <= position) - 1;
  }

  offsetOf(entry: number): number {
    return entry < 0 ? this.baseOffset : this.baseOffset + this.file.bytes.readUInt32BE(entry * ENTRY_BYTES);
  }

  positionOf(entry: number): number {
    return entry < 0 ? 0 : this.file.bytes.readUInt32BE(entry * ENTRY_BYTES + 4);
  }
}
