/**
 * One shard's log: segments in order, appended to at the end, readable up to the durable end.
 *
 *   segments   [ sealed ][ sealed ][ sealed, being synced ][ active ]
 *   readable   ==========================)                            durable end
 *   files       .log      .log      .log                    .log.pending
 *
 * A segment's file is named .log only once everything before it is on the disk; until then it is .log.pending.
 * So only the last .log and what is pending can be torn, and damage elsewhere is damage.
 */
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import type { GroupCommit, Syncable } from "./group-commit.ts";
import { segmentPaths } from "./layout.ts";
import type { OpenLog } from "./log-factory.ts";
import { storageError } from "./log-file.ts";
import { type LogIo, logIoOf } from "./log-io.ts";
import { LogFileRange } from "./log-range.ts";
import { type CommitLogOptions, openSegments } from "./open-segments.ts";
import { lastOffsetDeltaOf, maxTimestampOf, stampBatch } from "./record-batch.ts";
import { UNSYNCED_BYTES_MAX } from "./recovery.ts";
import { Segment } from "./segment.ts";
import { hideSegment, removeSegment, retentionAllowsDeleting } from "./retention.ts";
import type { DurableWaiter, LogRange, TailListener, TimestampPosition } from "./shard-log.ts";
import { WaiterQueue } from "./waiter-queue.ts";

/** A shard has one leader for ever, so its epoch never changes. */
const LEADER_EPOCH = 0;
/** Index entries hold offsets relative to their segment in 32 bits. */
const RELATIVE_OFFSET_MAX = 2 ** 32 - 1;

/** Where a log ended at some time. */
interface LogEnd {
  offset: number;
  segment: Segment;
  /** The byte behind the last batch, in `segment`. */
  position: number;
  /** Largest timestamp in `segment` up to there. */
  newestMs: number;
}

export class CommitLog implements OpenLog, Syncable {
  endOffset: number;
  durableEnd: number;
  unsyncedBytes = 0;
  private readonly io: LogIo;
  private readonly waiters = new WaiterQueue();
  private readonly listeners = new Set<TailListener>();
  /** Segments whose file is still .log.pending, oldest first. */
  private readonly pending: Segment[] = [];
  /** The offset up to which everything is on the disk, and its segment: the durable end, unless durability is "os". */
  private syncedEnd: number;
  private syncedSegment: Segment;
  /** The segment that the durable end lies in, and the byte behind it. */
  private durableSegment: Segment;
  private durablePosition: number;
  /** Largest timestamp in the durable part of that segment. */
  private durableSegmentNewestMs: number;
  /** Why the log takes no more appends; undefined while it does. */
  private refusal: VoikError | undefined;
  private drained: (() => void) | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: CommitLogOptions,
    private readonly groupCommit: GroupCommit,
    private readonly segments: Segment[],
    damaged: VoikError | undefined,
  ) {
    this.io = logIoOf(options.logIo ?? "file", options.fileSystem);
    const last = this.active;
    this.endOffset = this.durableEnd = this.syncedEnd = last.endOffset;
    this.durableSegment = this.syncedSegment = last;
    this.durablePosition = last.bytes;
    this.durableSegmentNewestMs = last.maxTimestampMs;
    this.refusal = damaged;
  }

  /**
   * Opens the log in a folder, making it when it is missing, and recovers its end: see recovery.ts. Resolves when
   * everything that can be read is on the disk. Throws VoikError disk_full, storage_failed or storage_damaged.
   */
  static async open(options: CommitLogOptions, groupCommit: GroupCommit): Promise<CommitLog> {
    const { segments, damaged } = await openSegments(options);
    return new CommitLog(options, groupCommit, segments, damaged);
  }

  get startOffset(): number {
    return this.oldest.baseOffset;
  }

  get sizeBytes(): number {
    return this.segments.reduce((bytes, segment) => bytes + segment.bytes, 0);
  }

  get congested(): boolean {
    return this.unsyncedBytes > UNSYNCED_BYTES_MAX;
  }

  get dirty(): boolean {
    return this.endOffset !== this.syncedEnd;
  }

  get eager(): boolean {
    return this.options.durability !== "os" || this.refusal !== undefined;
  }

  /** Appends that somebody waits for. */
  get waitingAppends(): number {
    return this.waiters.size;
  }

  get newest(): TimestampPosition | undefined {
    if (this.durableEnd === this.startOffset) return undefined;
    let newestMs = this.durableSegmentNewestMs;
    for (const segment of this.segments) {
      if (segment === this.durableSegment) break;
      newestMs = Math.max(newestMs, segment.maxTimestampMs);
    }
    return this.offsetForTimestamp(newestMs);
  }

  append(batch: Buffer, waiter?: DurableWaiter): number {
    if (this.refusal) throw this.refusal;
    const baseOffset = this.endOffset;
    const endOffset = baseOffset + lastOffsetDeltaOf(batch) + 1;
    const maxTimestampMs = maxTimestampOf(batch);
    stampBatch(batch, baseOffset, LEADER_EPOCH);
    this.segmentFor(batch.length, endOffset).append(batch, baseOffset, endOffset, maxTimestampMs);
    this.endOffset = endOffset;
    this.unsyncedBytes += batch.length;
    if (waiter) this.waiters.push(waiter, endOffset);
    this.groupCommit.request(this);
    return baseOffset;
  }

  locate(offset: number, maxBytes: number): LogRange | undefined {
    this.checkReadable(offset);
    if (offset === this.durableEnd) return undefined;
    const segment = this.segmentOf(offset);
    const end = this.durableBytesOf(segment);
    const { position, bytes, baseOffset } = segment.find(offset, end);
    const stop =
      bytes >= maxBytes ? position + bytes : segment.lastBoundary(position + bytes, position + maxBytes, end);
    return new LogFileRange(segment.file, position, stop - position, baseOffset);
  }

  offsetForTimestamp(timestampMs: number): TimestampPosition | undefined {
    for (const segment of this.segments) {
      if (segment.baseOffset >= this.durableEnd) return undefined;
      if (segment.maxTimestampMs < timestampMs) continue;
      const endOffset = Math.min(segment.endOffset, this.durableEnd);
      const found = segment.findTimestamp(timestampMs, this.durableBytesOf(segment), endOffset);
      if (found) return found;
    }
    return undefined;
  }

  addTailListener(listener: TailListener): void {
    this.listeners.add(listener);
  }

  removeTailListener(listener: TailListener): void {
    this.listeners.delete(listener);
  }

  async syncRound(covered?: Promise<void>): Promise<void> {
    const end = this.writtenEnd();
    const bytes = this.unsyncedBytes;
    const unsynced = this.segments.slice(this.segments.indexOf(this.syncedSegment));
    try {
      if (covered) await covered;
      for (const segment of unsynced) {
        if (this.pending[0] === segment) await this.promote(segment);
        if (!covered) await segment.file.sync();
      }
    } catch (error) {
      this.refuse(storageError(error, "syncing records to the disk"));
      throw error;
    }
    this.syncedEnd = end.offset;
    this.syncedSegment = end.segment;
    this.unsyncedBytes -= bytes;
    this.show(end);
    if (!this.dirty) this.drained?.();
  }

  showWritten(): void {
    if (this.refusal === undefined) this.show(this.writtenEnd());
  }

  /**
   * Deletes the oldest segment if its stream's retention has passed it by; at most one a call, never the active one.
   * Resolves to whether it did. Throws what the disk answered; a failed sync is as fatal here as anywhere.
   */
  async applyRetention(nowMs: number): Promise<boolean> {
    const { oldest } = this;
    if (oldest === this.syncedSegment || this.refusal) return false;
    if (!retentionAllowsDeleting(oldest, this.sizeBytes, nowMs, this.options)) return false;
    hideSegment(this.options, oldest);
    this.segments.shift();
    oldest.close();
    try {
      await this.options.fileSystem.syncFolder(this.options.folder);
    } catch (error) {
      // Were the next segment deleted now, a crash could bring this one back alone, with a gap behind it.
      this.refuse(storageError(error, "deleting an old segment"));
      this.groupCommit.fail(error);
      throw error;
    }
    removeSegment(this.options, oldest);
    return true;
  }

  close(): Promise<void> {
    this.closing ??= this.drainAndClose();
    return this.closing;
  }

  private async drainAndClose(): Promise<void> {
    this.refusal ??= new VoikError("shutting_down", "voik is stopping: try again when it is back");
    if (this.dirty && this.refusal.code === "shutting_down") {
      this.groupCommit.request(this);
      await new Promise<void>((resolve) => (this.drained = resolve));
    }
    for (const segment of this.segments) segment.close();
    this.options.onClosed?.();
  }

  /** A sync has failed: nothing is acknowledged any more. */
  private refuse(refusal: VoikError): void {
    this.refusal = refusal;
    this.waiters.fail(this, refusal);
    this.drained?.();
  }

  private writtenEnd(): LogEnd {
    const { active } = this;
    return {
      offset: this.endOffset,
      segment: active,
      position: active.bytes,
      newestMs: active.maxTimestampMs,
    };
  }

  /** Everything before `end` can be read; tells who waited for that, and who for room (`congested`). */
  private show(end: LogEnd): void {
    if (end.offset > this.durableEnd) {
      this.durableSegment = end.segment;
      this.durablePosition = end.position;
      this.durableSegmentNewestMs = end.newestMs;
      this.durableEnd = end.offset;
      this.waiters.release(this, end.offset);
    }
    for (const listener of [...this.listeners]) listener.onDurableEnd(this);
  }

  private get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  private get oldest(): Segment {
    return this.segments[0] as Segment;
  }

  /** The segment that a batch of `bytes`, ending before `endOffset`, goes to: the active one, or a new one behind it. */
  private segmentFor(bytes: number, endOffset: number): Segment {
    const { active } = this;
    const fits =
      active.bytes + bytes <= this.options.segmentBytesMax &&
      endOffset - active.baseOffset <= RELATIVE_OFFSET_MAX;
    return fits || active.bytes === 0 ? active : this.roll();
  }

  private roll(): Segment {
    const { folder, fileSystem } = this.options;
    const paths = segmentPaths(folder, this.endOffset);
    try {
      const full = this.active;
      full.file.trim(); // a sealed segment ends with its last batch
      if (fileSystem.exists(paths.pendingLog)) fileSystem.remove(paths.pendingLog); // left by a roll that failed half-way
      const file = this.io.createLog(paths.pendingLog);
      const segment = Segment.over(this.io, paths, this.endOffset, file);
      this.segments.push(segment);
      this.pending.push(segment);
      full.seal();
      return segment;
    } catch (error) {
      throw storageError(error, "starting a new segment");
    }
  }

  /** Everything before `segment` is on the disk: gives its file the name that says so, durably. */
  private async promote(segment: Segment): Promise<void> {
    const { fileSystem, folder } = this.options;
    assert(this.pending.shift() === segment, "segments are promoted in order");
    fileSystem.rename(segment.paths.pendingLog, segment.paths.log);
    await fileSystem.syncFolder(folder);
  }

  private durableBytesOf(segment: Segment): number {
    return segment === this.durableSegment ? this.durablePosition : segment.bytes;
  }

  private checkReadable(offset: number): void {
    if (offset >= this.startOffset && offset <= this.durableEnd) return;
    throw new VoikError(
      "offset_out_of_range",
      `offset ${offset} is outside ${this.startOffset}..${this.durableEnd}, which this shard holds`,
    );
  }

  /** The segment that holds `offset`, by halving. */
  private segmentOf(offset: number): Segment {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.segments[middle] as Segment).baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return this.segments[low] as Segment;
  }
}
