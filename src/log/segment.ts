/**
 * A run of batches in one log file: where it ends, how new it is, what is open of it. A segment knows positions; what is
 * durable, and in which order segments follow each other, is the commit log's business.
 *
 *   cold      knows its name and where it ends; holds nothing open
 *   warm      file and indexes are open since the last look-up, until too many others are (warm-files.ts)
 *   pinned    appended to, or not on the disk yet: stays open
 */
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Gap, Gaps } from "./gaps.ts";
import { headerScan } from "./header-scan.ts";
import { type SegmentPaths, segmentPaths } from "./layout.ts";
import type { Boundary, LogEnd } from "./log-end.ts";
import { type LogFile, storageError } from "./log-file.ts";
import type { LogIo } from "./log-io.ts";
import { SegmentFiles } from "./segment-files.ts";
import { noteBatches } from "./segment-walk.ts";
import type { TimestampPosition } from "./shard-log.ts";
import { firstRecordIn } from "./record-search.ts";
import { TimeIndex } from "./time-index.ts";
import type { Coolable, WarmFiles } from "../base/warm-files.ts";

/** Log bytes between two index entries. */
const INDEX_INTERVAL_BYTES = 4096;
const UNKNOWN_MS = -2;

/** What the segments of one log share. */
export interface SegmentParts {
  folder: string;
  fileSystem: FileSystem;
  io: LogIo;
  warm: WarmFiles;
  gaps: Gaps;
  /** Told of bytes that are no batch where one was; it notes the gap. */
  onDamage(gap: Gap): void;
}

/** Where a segment ended at some time. */
export interface SegmentEnd {
  segment: Segment;
  /** The offset behind its last record. */
  offset: number;
  /** The byte behind its last batch, and the one where that starts. */
  position: number;
  lastBatchPosition: number;
  newestMs: number;
}

export class Segment implements Coolable {
  /** The offset behind its last record. */
  endOffset: number;
  /** Where its last batch starts, once it was appended to or recovered; 0 while empty. */
  lastBatchPosition = 0;
  /** Bytes of good batches: where the next one goes, or where damage begins. */
  bytes = 0;
  private newestMs = -1;
  private bytesSinceEntry = 0;
  private sealed = false;
  private pinned = true;
  private isLast = false;

  private constructor(
    private readonly parts: SegmentParts,
    readonly baseOffset: number,
    private files: SegmentFiles | undefined,
  ) {
    this.endOffset = baseOffset;
  }

  /** A segment over `file`, with empty indexes in place of any old ones. The file is released when that fails. */
  static over(parts: SegmentParts, baseOffset: number, file: LogFile): Segment {
    const paths = segmentPaths(parts.folder, baseOffset);
    return new Segment(parts, baseOffset, SegmentFiles.create(parts.io, paths, baseOffset, file));
  }

  /** A segment of `bytes` bytes that another one follows at `endOffset`. Nothing is opened before the first look-up. */
  static cold(parts: SegmentParts, baseOffset: number, endOffset: number, bytes: number): Segment {
    const segment = new Segment(parts, baseOffset, undefined);
    segment.endOffset = endOffset;
    segment.bytes = bytes;
    segment.newestMs = UNKNOWN_MS;
    segment.sealed = true;
    segment.pinned = false;
    return segment;
  }

  /** The last segment of a log that ends as `end` says. Nothing is opened before the first look-up or append. */
  static endingAt(parts: SegmentParts, end: LogEnd): Segment {
    const segment = Segment.cold(parts, end.segmentBase, end.endOffset, end.position);
    segment.lastBatchPosition = end.lastBatchPosition;
    segment.isLast = true;
    segment.newestMs = end.segmentNewestMs;
    return segment;
  }

  get paths(): SegmentPaths {
    return segmentPaths(this.parts.folder, this.baseOffset);
  }

  /** Its log file, opened when it is cold. Throws VoikError storage_failed. */
  get file(): LogFile {
    return this.warmed().file;
  }

  /** Largest timestamp of its records; -1 while empty. */
  get maxTimestampMs(): number {
    if (this.newestMs === UNKNOWN_MS) this.newestMs = this.readNewest();
    return this.newestMs;
  }

  get end(): SegmentEnd {
    const { endOffset: offset, bytes: position, lastBatchPosition, maxTimestampMs: newestMs } = this;
    return { segment: this, offset, position, lastBatchPosition, newestMs };
  }

  get indexBytes(): number {
    return this.files?.indexBytes ?? 0;
  }

  /** Appends a stamped batch that ends before `endOffset`. */
  append(batch: Buffer, baseOffset: number, endOffset: number, maxTimestampMs: number): void {
    if (this.sealed) this.unseal();
    const position = (this.files as SegmentFiles).file.append(batch);
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
      (this.files as SegmentFiles).addEntry(baseOffset, position, this.newestMs);
      this.bytesSinceEntry = 0;
    }
    this.bytesSinceEntry += bytes;
    this.bytes = position + bytes;
    this.lastBatchPosition = position;
    if (maxTimestampMs > this.newestMs) this.newestMs = maxTimestampMs;
    this.endOffset = endOffset;
  }

  /** The bytes from the last batch to `position` are no batches: the next batch gets an index entry of its own. */
  noteGap(position: number, endOffset: number): void {
    this.bytesSinceEntry = INDEX_INTERVAL_BYTES;
    this.bytes = position;
    this.endOffset = endOffset;
  }

  /** No more appends: the indexes get their last entry and give back their spare room. */
  seal(): void {
    if (this.sealed) return;
    this.sealIndexes();
    this.sealed = true;
  }

  /** It is sealed, and on the disk: from now on it is open only while it is used. */
  unpin(): void {
    assert(this.sealed, "a growing segment stays open");
    if (!this.pinned) return;
    this.pinned = false;
    this.parts.warm.touch(this);
  }

  /**
   * Where the batch that holds `offset` starts, and its length; `end` bounds the look-up (bytes). The caller knows
   * that the offset lies in the segment. Throws storage_damaged when the log has no good header there.
   */
  find(
    offset: number,
    end: number,
  ): { position: number; bytes: number; baseOffset: number; nextOffset: number } {
    if (!this.warmed().walkTo(offset, end)) {
      // The index lied, or the log is damaged: the log itself decides.
      this.rebuildIndexes();
      if (!this.warmed().walkTo(offset, end)) {
        throw this.parts.gaps.errorAt(this.baseOffset, headerScan.position);
      }
    }
    const { position, bytes, baseOffset, nextOffset } = headerScan;
    return { position, bytes, baseOffset, nextOffset };
  }

  /**
   * The furthest known batch boundary from `start`, itself one, to at most `wanted`: `end` when that is near enough,
   * otherwise what the index says, if the log agrees.
   */
  lastBoundary(start: Boundary, wanted: number, end: Boundary): Boundary {
    if (wanted >= end.position) return end;
    return this.warmed().boundaryBefore(wanted, start, end.position);
  }

  /**
   * The first record, from offset `from` on, before byte `end` and before `endOffset` there, that is at least as new as
   * `timestampMs`.
   */
  findTimestamp(
    timestampMs: number,
    from: number,
    end: number,
    endOffset: number,
  ): TimestampPosition | undefined {
    const files = this.warmed();
    const { gaps } = this.parts;
    const offset = gaps.behind(Math.max(from, files.offsetBefore(timestampMs)));
    if (offset >= endOffset || end === 0) return undefined;
    const { position, baseOffset } = this.find(offset, end);
    const run = { file: files.file, segmentBase: this.baseOffset, position, baseOffset, end };
    return firstRecordIn(run, gaps, timestampMs, from);
  }

  /** Makes both indexes anew from the batch headers, up to one that can't be read; what is no batch is noted as a gap. */
  rebuildIndexes(): void {
    const files = this.warmed();
    const { endOffset, bytes: end, newestMs } = this;
    files.clearIndexes();
    this.bytesSinceEntry = this.lastBatchPosition = this.bytes = 0;
    this.endOffset = this.baseOffset;
    this.newestMs = -1;
    try {
      noteBatches(this, files.file, this.parts, { bytes: end, endOffset });
    } finally {
      // What is known stays: a segment that looks too old, by a header that is bad, would be deleted too early.
      if (newestMs >= 0) this.newestMs = newestMs;
      this.endOffset = endOffset;
      this.bytes = end;
    }
    if (this.sealed) this.sealIndexes();
  }

  /** Lets go of file and indexes until the next look-up. */
  cool(): void {
    assert(!this.pinned, "a pinned segment stays open");
    this.letGo();
  }

  /** Lets go of file and indexes; ranges still being sent keep the file open. */
  close(): void {
    this.parts.warm.forget(this);
    this.letGo();
  }

  private letGo(): void {
    this.files?.close();
    this.files = undefined;
  }

  private warmed(): SegmentFiles {
    if (this.files) {
      if (!this.pinned) this.parts.warm.touch(this);
      return this.files;
    }
    try {
      return this.warmUp();
    } catch (error) {
      throw error instanceof VoikError ? error : storageError(error, `opening ${this.paths.log}`);
    }
  }

  private warmUp(): SegmentFiles {
    const { paths, newestMs, baseOffset } = this;
    const { io, warm } = this.parts;
    const file = this.isLast ? io.openLog(paths.log) : io.openSealedLog(paths.log);
    this.files = SegmentFiles.openSealed(io, paths, baseOffset, file);
    try {
      const sealedMs = this.files.newestBefore(this.endOffset);
      if (sealedMs === undefined) this.rebuildIndexes();
      else this.newestMs = sealedMs;
    } catch (error) {
      this.letGo();
      this.newestMs = newestMs;
      throw error;
    }
    warm.touch(this);
    return this.files;
  }

  /** The last of a log, all on the disk: holds nothing open until its next use, as after a clean stop. */
  rest(): void {
    this.seal();
    this.isLast = true;
    this.pinned = false;
    this.letGo();
  }

  /** Takes appends again, where a clean stop left off. */
  private unseal(): void {
    const files = this.warmed();
    this.parts.warm.forget(this);
    this.pinned = true;
    this.sealed = false;
    files.unsealIndexes();
    this.bytesSinceEntry = this.bytes > 0 ? INDEX_INTERVAL_BYTES : 0;
  }

  private sealIndexes(): void {
    (this.files as SegmentFiles).sealIndexes(this.newestMs, this.endOffset);
  }

  /** The sealed time index's last word; what the log says when that can't be had. */
  private readNewest(): number {
    try {
      const times = TimeIndex.openSealed(this.parts.io, this.paths.timeIndex, this.baseOffset);
      const last = times?.last;
      times?.close();
      if (last?.beforeOffset === this.endOffset) return last.timestampMs;
    } catch {
      // An index is a hint.
    }
    this.warmed();
    return this.newestMs;
  }
}
