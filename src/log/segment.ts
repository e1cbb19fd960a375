/**
 * A run of batches in one log file, with its two indexes. A segment knows positions; what is durable, and in which
 * order segments follow each other, is the commit log's business.
 *
 *   offset 4711 -> offset index: batch 4700 at byte 81920 -> walk headers -> batch 4709..4715 at byte 90112
 *   time t      -> time index: nothing before offset 4700 is newer than t -> walk headers -> open one batch
 */
import { VoikError } from "../base/errors.ts";
import { headerScan } from "./header-scan.ts";
import type { SegmentPaths } from "./layout.ts";
import type { LogFile } from "./log-file.ts";
import type { LogIo } from "./log-io.ts";
import { OffsetIndex } from "./offset-index.ts";
import { RecordReader } from "./record.ts";
import { baseOffsetOf, maxTimestampOf } from "./record-batch.ts";
import type { TimestampPosition } from "./shard-log.ts";
import { TimeIndex } from "./time-index.ts";

/** Log bytes between two index entries. */
const INDEX_INTERVAL_BYTES = 4096;

export class Segment {
  /** Largest timestamp of its records; -1 while empty. */
  maxTimestampMs = -1;
  /** The offset behind its last record. */
  endOffset: number;
  /** Bytes of good batches: where the next one goes, or where damage begins. */
  bytes = 0;
  private bytesSinceEntry = 0;
  private sealed = false;

  private constructor(
    readonly baseOffset: number,
    readonly paths: SegmentPaths,
    readonly file: LogFile,
    private offsets: OffsetIndex,
    private times: TimeIndex,
    private readonly io: LogIo,
  ) {
    this.endOffset = baseOffset;
  }

  /** A segment over `file`, with empty indexes in place of any old ones. The file is released when that fails. */
  static over(io: LogIo, paths: SegmentPaths, baseOffset: number, file: LogFile): Segment {
    try {
      const offsets = OffsetIndex.create(io, paths.offsetIndex, baseOffset);
      const times = TimeIndex.create(io, paths.timeIndex, baseOffset);
      return new Segment(baseOffset, paths, file, offsets, times, io);
    } catch (error) {
      file.release();
      throw error;
    }
  }

  /** Opens a segment that another one follows; it ends at `endOffset`. Its indexes are rebuilt if they don't fit. */
  static openSealed(io: LogIo, paths: SegmentPaths, baseOffset: number, endOffset: number): Segment {
    const offsets = OffsetIndex.openSealed(io, paths.offsetIndex, baseOffset);
    const times = TimeIndex.openSealed(io, paths.timeIndex, baseOffset);
    const file = io.openSealedLog(paths.log);
    const last = times?.last;
    if (offsets && times && last?.beforeOffset === endOffset) {
      const segment = new Segment(baseOffset, paths, file, offsets, times, io);
      segment.maxTimestampMs = last.timestampMs;
      segment.endOffset = endOffset;
      segment.bytes = file.endPosition;
      segment.sealed = true;
      return segment;
    }
    const segment = Segment.over(io, paths, baseOffset, file);
    segment.endOffset = endOffset;
    segment.bytes = file.endPosition;
    segment.sealed = true;
    try {
      segment.rebuildIndexes();
    } catch (error) {
      segment.close();
      throw error;
    }
    return segment;
  }

  /** Appends a stamped batch that ends before `endOffset`. */
  append(batch: Buffer, baseOffset: number, endOffset: number, maxTimestampMs: number): void {
    const position = this.file.append(batch);
    this.noteBatch(position, batch.length, baseOffset, endOffset, maxTimestampMs);
  }

  /** Keeps the indexes and totals in step with a batch that lies in the file. */
  noteBatch(
    position: number,
    bytes: number,
    baseOffset: number,
    endOffset: number,
    maxTimestampMs: number,
  ): void {
    if (this.bytesSinceEntry >= INDEX_INTERVAL_BYTES) {
      this.offsets.add(baseOffset, position);
      if (this.maxTimestampMs > (this.times.last?.timestampMs ?? -1))
        this.times.add(this.maxTimestampMs, baseOffset);
      this.bytesSinceEntry = 0;
    }
    this.bytesSinceEntry += bytes;
    this.bytes = position + bytes;
    if (maxTimestampMs > this.maxTimestampMs) this.maxTimestampMs = maxTimestampMs;
    this.endOffset = endOffset;
  }

  /** No more appends: the indexes get their last entry and give back their spare room. */
  seal(): void {
    this.sealed = true;
    this.times.add(this.maxTimestampMs, this.endOffset);
    this.offsets.seal();
    this.times.seal();
  }

  /**
   * Where the batch that holds `offset` starts, and its length; `end` bounds the look-up (bytes). The caller knows
   * that the offset lies in the segment. Throws storage_damaged when the log has no good header there.
   */
  find(offset: number, end: number): { position: number; bytes: number; baseOffset: number } {
    const entry = this.offsets.entryForOffset(offset);
    if (!this.walkTo(entry, offset, end)) {
      // The index lied, or the log is damaged: the log itself decides.
      this.rebuildIndexes();
      if (!this.walkTo(this.offsets.entryForOffset(offset), offset, end)) {
        throw this.damaged(headerScan.position);
      }
    }
    const { position, bytes, baseOffset } = headerScan;
    return { position, bytes, baseOffset };
  }

  /**
   * The furthest known batch boundary from `start`, itself one, to at most `wanted`: `end` when that is near enough,
   * otherwise what the index says, if the log agrees.
   */
  lastBoundary(start: number, wanted: number, end: number): number {
    if (wanted >= end) return end;
    const entry = this.offsets.entryAtOrBelow(wanted);
    const position = this.offsets.positionOf(entry);
    if (position <= start) return start;
    headerScan.start(this.file, position, end, this.offsets.offsetOf(entry));
    return headerScan.next() === "batch" ? position : start;
  }

  /** The first record, before byte `end` and before `endOffset` there, that is at least as new as `timestampMs`. */
  findTimestamp(timestampMs: number, end: number, endOffset: number): TimestampPosition | undefined {
    const from = this.times.offsetBefore(timestampMs);
    if (from >= endOffset || end === 0) return undefined;
    const start = this.find(from, end);
    headerScan.start(this.file, start.position, end, start.baseOffset);
    for (let step = headerScan.next(); step !== "end"; step = headerScan.next()) {
      if (step === "bad") throw this.damaged(headerScan.position);
      if (headerScan.maxTimestampMs < timestampMs) continue;
      const batch = Buffer.allocUnsafe(headerScan.bytes);
      this.file.read(batch, headerScan.position);
      const found = firstRecordAt(batch, timestampMs);
      if (found) return found;
    }
    return undefined;
  }

  /** Makes both indexes anew from the batch headers, up to the first bad one or one that can't be read. */
  rebuildIndexes(): void {
    const { endOffset, bytes: end, maxTimestampMs } = this;
    this.offsets.close();
    this.times.close();
    this.offsets = OffsetIndex.create(this.io, this.paths.offsetIndex, this.baseOffset);
    this.times = TimeIndex.create(this.io, this.paths.timeIndex, this.baseOffset);
    this.bytesSinceEntry = 0;
    this.maxTimestampMs = -1;
    headerScan.start(this.file, 0, end, this.baseOffset);
    try {
      while (headerScan.next() === "batch") {
        const { position, bytes, baseOffset, nextOffset } = headerScan;
        this.noteBatch(position, bytes, baseOffset, nextOffset, headerScan.maxTimestampMs);
      }
    } finally {
      // What is known stays: a segment that looks too old, by a header that is bad, would be deleted too early.
      if (maxTimestampMs >= 0) this.maxTimestampMs = maxTimestampMs;
      this.endOffset = endOffset;
      this.bytes = end;
    }
    if (this.sealed) this.seal();
  }

  /** Lets go of file and indexes; ranges still being sent keep the file open. */
  close(): void {
    this.offsets.close();
    this.times.close();
    this.file.release();
  }

  /** Walks from index entry `entry` to the batch that holds `offset`; false when it meets anything else first. */
  private walkTo(entry: number, offset: number, end: number): boolean {
    const position = this.offsets.positionOf(entry);
    if (position >= end) return false;
    headerScan.start(this.file, position, end, this.offsets.offsetOf(entry));
    while (headerScan.next() === "batch") {
      if (headerScan.nextOffset > offset) return true;
    }
    return false;
  }

  private damaged(position: number): VoikError {
    return new VoikError(
      "storage_damaged",
      `damaged record batch in ${this.paths.log} at byte ${position}; other records stay readable`,
    );
  }
}

/** The first record of `batch` at least as new as `timestampMs`; its first one when the records can't be opened. */
function firstRecordAt(batch: Buffer, timestampMs: number): TimestampPosition | undefined {
  try {
    const records = new RecordReader(batch);
    while (records.next()) {
      if (records.timestampMs >= timestampMs)
        return { offset: records.offset, timestampMs: records.timestampMs };
    }
    return undefined;
  } catch (error) {
    if (error instanceof VoikError)
      return { offset: baseOffsetOf(batch), timestampMs: maxTimestampOf(batch) };
    throw error;
  }
}
