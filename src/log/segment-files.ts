/**
 * A segment's log file and its two indexes, opened and closed as one, and the look-ups that need nothing else. An index
 * only says where to start: the batch headers in the log decide.
 *
 *   offset 4711 -> offset index: batch 4700 at byte 81920 -> walk headers -> batch 4709..4715 at byte 90112
 *   time t      -> time index: nothing before offset 4700 is newer than t -> walk headers -> open one batch
 */
import { headerScan } from "./header-scan.ts";
import type { SegmentPaths } from "./layout.ts";
import type { Boundary } from "./log-end.ts";
import type { LogFile } from "./log-file.ts";
import type { LogIo } from "./log-io.ts";
import { OffsetIndex } from "./offset-index.ts";
import { TimeIndex } from "./time-index.ts";

export class SegmentFiles {
  private constructor(
    private readonly io: LogIo,
    private readonly paths: SegmentPaths,
    private readonly baseOffset: number,
    readonly file: LogFile,
    private offsets: OffsetIndex,
    private times: TimeIndex,
  ) {}

  /** `file` with empty indexes in place of any old ones. The file is released when that fails. */
  static create(io: LogIo, paths: SegmentPaths, baseOffset: number, file: LogFile): SegmentFiles {
    try {
      const offsets = OffsetIndex.create(io, paths.offsetIndex, baseOffset);
      const times = TimeIndex.create(io, paths.timeIndex, baseOffset);
      return new SegmentFiles(io, paths, baseOffset, file, offsets, times);
    } catch (error) {
      file.release();
      throw error;
    }
  }

  /** `file` with its sealed indexes; empty ones where either is missing or wrong. The file is released when that fails. */
  static openSealed(io: LogIo, paths: SegmentPaths, baseOffset: number, file: LogFile): SegmentFiles {
    try {
      const offsets = OffsetIndex.openSealed(io, paths.offsetIndex, baseOffset);
      const times = offsets && TimeIndex.openSealed(io, paths.timeIndex, baseOffset);
      if (offsets && times) return new SegmentFiles(io, paths, baseOffset, file, offsets, times);
      offsets?.close();
    } catch (error) {
      file.release();
      throw error;
    }
    return SegmentFiles.create(io, paths, baseOffset, file);
  }

  /** Bytes of the larger index. */
  get indexBytes(): number {
    return Math.max(this.offsets.bytes, this.times.bytes);
  }

  /** Largest timestamp of the records before `endOffset`, if sealed indexes end there; undefined otherwise. */
  newestBefore(endOffset: number): number | undefined {
    const { last } = this.times;
    return last?.beforeOffset === endOffset ? last.timestampMs : undefined;
  }

  /** Remembers the batch at `position`, and that no record before it is newer than `newestMs`. */
  addEntry(baseOffset: number, position: number, newestMs: number): void {
    const { offsets, times } = this;
    offsets.add(baseOffset, position);
    if (newestMs > (times.last?.timestampMs ?? -1)) times.add(newestMs, baseOffset);
  }

  /** Gives the indexes their last entry, and their spare room back. */
  sealIndexes(newestMs: number, endOffset: number): void {
    this.times.add(newestMs, endOffset);
    this.offsets.seal();
    this.times.seal();
  }

  /** The indexes take entries again. */
  unsealIndexes(): void {
    this.offsets.unseal();
    this.times.unseal();
  }

  /** Empties both indexes. Throws VoikError storage_failed. */
  clearIndexes(): void {
    const { io, paths, baseOffset } = this;
    this.offsets.close();
    this.times.close();
    this.offsets = OffsetIndex.create(io, paths.offsetIndex, baseOffset);
    this.times = TimeIndex.create(io, paths.timeIndex, baseOffset);
  }

  /**
   * Walks from the last index entry before `offset` to the batch that holds it, which `headerScan` then tells of; false
   * when it meets anything else first. `end` bounds the walk (bytes).
   */
  walkTo(offset: number, end: number): boolean {
    const { offsets } = this;
    const entry = offsets.entryForOffset(offset);
    const position = offsets.positionOf(entry);
    if (position >= end) return false;
    headerScan.start(this.file, position, end, offsets.offsetOf(entry));
    while (headerScan.next() === "batch") {
      if (headerScan.nextOffset > offset) return true;
    }
    return false;
  }

  /** The furthest batch boundary up to `wanted` that the index knows, if the log agrees and it lies behind `start`; else `start`. */
  boundaryBefore(wanted: number, start: Boundary, end: number): Boundary {
    const { offsets } = this;
    const entry = offsets.entryAtOrBelow(wanted);
    const position = offsets.positionOf(entry);
    if (position <= start.position) return start;
    const offset = offsets.offsetOf(entry);
    headerScan.start(this.file, position, end, offset);
    return headerScan.next() === "batch" ? { position, offset } : start;
  }

  /** An offset before which every record is older than `timestampMs`: where a search for it starts. */
  offsetBefore(timestampMs: number): number {
    return this.times.offsetBefore(timestampMs);
  }

  /** Lets go of all three; ranges still being sent keep the log file open. */
  close(): void {
    this.offsets.close();
    this.times.close();
    this.file.release();
  }
}
