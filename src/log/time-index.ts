/**
 * From timestamps to offsets, one entry for every few KiB of log in which time moved on.
 *
 *   byte 0              8
 *        timestamp i64  relative u32    no record before segment base + relative is newer
 *
 * Timestamps are the producers' own and may go back; the index keeps the running maximum, so both columns ascend.
 * A sealed segment's last entry points at its end and so holds its largest timestamp.
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { SparseIndex } from "./sparse-index.ts";

const ENTRY_BYTES = 12;

export class TimeIndex extends SparseIndex {
  static readonly entryBytes = ENTRY_BYTES;

  /** Largest timestamp that the index knows of, and the offset before which it holds; undefined while empty. */
  get last(): { timestampMs: number; beforeOffset: number } | undefined {
    if (this.file.count === 0) return undefined;
    const at = (this.file.count - 1) * ENTRY_BYTES;
    return {
      timestampMs: readInt64(this.file.bytes, at),
      beforeOffset: this.baseOffset + this.file.bytes.readUInt32BE(at + 8),
    };
  }

  /** Remembers that every record before `beforeOffset` has at most `timestampMs`. */
  add(timestampMs: number, beforeOffset: number): void {
    const at = this.file.nextEntry();
    if (at === undefined) return;
    writeInt64(this.file.bytes, timestampMs, at);
    this.file.bytes.writeUInt32BE(beforeOffset - this.baseOffset, at + 8);
  }

  /** An offset before which every record is older than `timestampMs`: where a search for it starts. */
  offsetBefore(timestampMs: number): number {
    const older = this.file.search((at) => readInt64(this.file.bytes, at) < timestampMs);
    if (older === 0) return this.baseOffset;
    return this.baseOffset + this.file.bytes.readUInt32BE((older - 1) * ENTRY_BYTES + 8);
  }
}
