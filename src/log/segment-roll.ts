/**
 * When a log's active segment is full or old, and how the next one comes to be:
 *
 *   1  cut the full one's reserved space off     a sealed segment ends with its last batch
 *   2  make <base offset>.log.pending            appends go there at once
 *   3  everything before it is synced            commit-log.ts, by the next sync
 *   4  rename to .log, sync the folder           promote: the name says that all before it is on the disk
 */
import { assert } from "../base/assert.ts";
import { segmentPaths } from "./layout.ts";
import { storageError } from "./log-file.ts";
import type { LogTransactions } from "./log-transactions.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import { Segment, type SegmentParts } from "./segment.ts";
import type { SegmentList } from "./segment-list.ts";

/** What an index holds at most, when nothing else is said. */
const INDEX_BYTES_MAX = 10 << 20;
/** Index entries hold offsets relative to their segment in 32 bits. */
const RELATIVE_OFFSET_MAX = 2 ** 32 - 1;

export class SegmentRoll {
  /** Segments made since the log was opened. */
  count = 0;
  /** Segments whose file is still .log.pending, oldest first. */
  private readonly pending: Segment[] = [];

  constructor(
    private readonly options: CommitLogOptions,
    private readonly parts: SegmentParts,
    private readonly segments: SegmentList,
    private readonly transactions: LogTransactions,
    /** Wall time at which the active segment was started; undefined until `isOld` has taken note of it. */
    public startedAtMs: number | undefined,
  ) {}

  /**
   * The segment for a batch of `bytes` bytes, from `baseOffset` to before `endOffset`: the active one, or a new one.
   * Throws VoikError disk_full or storage_failed.
   */
  segmentFor(bytes: number, baseOffset: number, endOffset: number): Segment {
    return this.fits(bytes, endOffset) ? this.segments.active : this.next(baseOffset);
  }

  /** Whether the active segment takes the batch. An empty one takes any. */
  private fits(bytes: number, endOffset: number): boolean {
    const { active } = this.segments;
    const { segmentBytesMax, indexBytesMax = INDEX_BYTES_MAX } = this.options;
    if (active.bytes === 0) return true;
    return (
      active.bytes + bytes <= segmentBytesMax &&
      active.indexBytes < indexBytesMax &&
      endOffset - active.baseOffset <= RELATIVE_OFFSET_MAX
    );
  }

  /**
   * Starts a new segment at `baseOffset` when the active one is older than it may be; whether it did. `nowMs` is the wall
   * clock's; a segment's age counts from the first question, and a clock that goes back starts it anew. Throws VoikError
   * disk_full or storage_failed.
   */
  nextIfOld(baseOffset: number, nowMs: number): boolean {
    if (!this.isOld(nowMs)) return false;
    this.next(baseOffset);
    this.startedAtMs = nowMs;
    return true;
  }

  private isOld(nowMs: number): boolean {
    const { segmentAgeMsMax = Infinity, retentionMs, retentionBytes } = this.options;
    if (this.segments.active.bytes === 0) return false;
    if (this.startedAtMs === undefined || this.startedAtMs > nowMs) this.startedAtMs = nowMs;
    // Where no bytes are to be kept, the active segment's are too many: the next sweep can have a sealed one.
    return nowMs - this.startedAtMs >= (retentionBytes === 0 ? 0 : Math.min(segmentAgeMsMax, retentionMs));
  }

  /** Seals the active segment and puts a new one behind it. Throws VoikError disk_full or storage_failed. */
  private next(baseOffset: number): Segment {
    const { folder, fileSystem } = this.options;
    const paths = segmentPaths(folder, baseOffset);
    this.transactions.beforeRoll(baseOffset);
    try {
      const full = this.segments.active;
      full.file.trim();
      if (fileSystem.exists(paths.pendingLog)) fileSystem.remove(paths.pendingLog); // left by one that failed half-way
      const segment = Segment.over(this.parts, baseOffset, this.parts.io.createLog(paths.pendingLog));
      this.segments.push(segment);
      this.pending.push(segment);
      this.startedAtMs = undefined;
      this.count++;
      full.seal();
      this.transactions.seal(full);
      return segment;
    } catch (error) {
      throw storageError(error, "starting a new segment");
    }
  }

  isPending(segment: Segment): boolean {
    return this.pending[0] === segment;
  }

  /** Everything before `segment` is on the disk: gives its file the name that says so, durably. */
  async promote(segment: Segment): Promise<void> {
    const { fileSystem, folder } = this.options;
    assert(this.pending.shift() === segment, "segments are promoted in order");
    fileSystem.rename(segment.paths.pendingLog, segment.paths.log);
    await fileSystem.syncFolder(folder);
  }
}
