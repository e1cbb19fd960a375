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
import { VoikError } from "../base/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { DurableEnd } from "./durable-end.ts";
import type { Gap, Gaps } from "./gaps.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Syncable } from "./syncable.ts";
import type { OpenLog } from "./log-factory.ts";
import { saysReadOnly, storageError } from "./log-file.ts";
import { LogReads } from "./log-reads.ts";
import { replay, type Replayed } from "./journal-replay.ts";
import type { JournalRound } from "./journal-frame.ts";
import { LogTrim } from "./log-trim.ts";
import { LogTransactions } from "./log-transactions.ts";
import { type CommitLogOptions, openSegments, type OpenedLog } from "./open-segments.ts";
import { producersOf } from "./producer-restore.ts";
import type { ProducerStates } from "./producer-state.ts";
import { LEADER_EPOCH, lastOffsetDeltaOf, maxTimestampOf, nextOffsetOf, stampBatch } from "./record-batch.ts";
import { UNSYNCED_BYTES_MAX } from "./recovery.ts";
import type { SegmentEnd, SegmentParts } from "./segment.ts";
import { SegmentList } from "./segment-list.ts";
import { SegmentRoll } from "./segment-roll.ts";
import type {
  AbortedTransaction,
  DurableWaiter,
  LogRange,
  OpenTransaction,
  ProducerDescription,
  TailListener,
  TimestampPosition,
} from "./shard-log.ts";
import { SyncedEnd } from "./synced-end.ts";
import { WaiterQueue } from "./waiter-queue.ts";

export class CommitLog implements OpenLog, Syncable, Replayed {
  endOffset: number;
  unsyncedBytes = 0;
  private readonly parts: SegmentParts;
  private readonly segments: SegmentList;
  private readonly checkpoint: Checkpoint;
  private readonly gaps: Gaps;
  private readonly idempotence: ProducerStates;
  private readonly transactions: LogTransactions;
  private readonly waiters = new WaiterQueue();
  private readonly rolls: SegmentRoll;
  private readonly readable: DurableEnd;
  private readonly reads: LogReads;
  private readonly synced: SyncedEnd;
  private readonly trim: LogTrim;
  private readonly journalKey: Buffer;
  /** Why the log takes no more appends; undefined while it does. */
  private refusal: VoikError | undefined;
  private failed = false;
  private drained: (() => void) | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: CommitLogOptions,
    private readonly groupCommit: GroupCommit,
    opened: OpenedLog,
  ) {
    this.journalKey = Buffer.from(options.journal?.keyOf(options.folder) ?? "");
    this.segments = new SegmentList(opened.segments);
    ({ parts: this.parts, checkpoint: this.checkpoint, gaps: this.gaps } = opened);
    this.transactions = new LogTransactions(options, this.segments, this.gaps);
    this.rolls = new SegmentRoll(options, this.parts, this.segments, this.transactions, opened.startedAtMs);
    this.readable = new DurableEnd(this.segments, opened.newestMs);
    this.synced = new SyncedEnd(this.segments, this.rolls, this.transactions);
    this.reads = new LogReads(this.segments, this.gaps, this.readable);
    const { segments, transactions, synced, readable } = this;
    const onFailedSync = (error: unknown) => {
      this.fail(storageError(error, "deleting an old segment"));
      groupCommit.fail(error);
    };
    const { start } = opened;
    this.trim = new LogTrim({ options, segments, transactions, start, synced, readable, onFailedSync });
    this.idempotence = producersOf(this.segments, this.gaps);
    this.endOffset = this.segments.active.endOffset;
    if (this.gaps.damaged) this.refusal = this.gaps.errorOf(this.gaps.damaged);
  }

  /**
   * Opens the log in a folder, making it when it is missing, and recovers its end: see recovery.ts. Resolves when
   * everything that can be read is on the disk. Throws VoikError disk_full, storage_failed or storage_damaged.
   */
  static async open(options: CommitLogOptions, groupCommit: GroupCommit): Promise<CommitLog> {
    let log: CommitLog | undefined;
    const opened = await openSegments(options, (gap) => log && (log.refusal ??= log.gaps.errorOf(gap)));
    log = new CommitLog(options, groupCommit, opened);
    if (options.journal) await replay(options.journal, log, options);
    return log;
  }

  get durableEnd(): number {
    return this.readable.offset;
  }

  /** The offset up to which everything is on the disk in its own files. */
  get syncedEnd(): number {
    return this.synced.offset;
  }

  get stableEnd(): number {
    return Math.max(this.startOffset, this.transactions.current.stableEnd(this.durableEnd));
  }

  get startOffset(): number {
    return this.trim.startOffset;
  }

  get sizeBytes(): number {
    return this.segments.sizeBytes;
  }

  get congested(): boolean {
    return this.unsyncedBytes > UNSYNCED_BYTES_MAX;
  }

  get dirty(): boolean {
    return this.endOffset !== this.synced.offset || this.segments.active !== this.synced.segment;
  }

  get eager(): boolean {
    return this.options.durability !== "os" || this.refusal !== undefined;
  }

  get urgent(): boolean {
    return this.eager && (this.refusal ? this.dirty : this.endOffset !== this.durableEnd);
  }

  get journalable(): boolean {
    const { durability, journal } = this.options;
    return journal !== undefined && durability !== "os" && !this.refusal && this.transactions.synced;
  }

  get damaged(): boolean {
    return this.gaps.damaged !== undefined;
  }

  /** Appends that somebody waits for. */
  get waitingAppends(): number {
    return this.waiters.size;
  }

  get newest(): TimestampPosition | undefined {
    return this.failed ? undefined : this.reads.newest(this.startOffset);
  }

  append(batch: Buffer, waiter?: DurableWaiter): number {
    if (this.refusal) throw this.refusal;
    const stored = this.idempotence.check(batch);
    if (stored >= 0) {
      if (waiter) this.waiters.pushBehind(this, waiter);
      return stored;
    }
    this.transactions.check(batch);
    const baseOffset = this.endOffset;
    const endOffset = baseOffset + lastOffsetDeltaOf(batch) + 1;
    stampBatch(batch, baseOffset, LEADER_EPOCH);
    try {
      this.write(batch, baseOffset, endOffset);
    } catch (error) {
      if (saysReadOnly(error)) this.groupCommit.fail(error); // for good: what was written before can't be synced
      throw error;
    }
    this.idempotence.note(batch);
    if (waiter) this.waiters.push(waiter, endOffset);
    this.groupCommit.request(this);
    return baseOffset;
  }

  locate(asked: number, maxBytes: number, until = Infinity): LogRange | undefined {
    this.checkReadable(asked);
    return this.reads.locate(asked, maxBytes, until);
  }

  abortedIn(from: number, to: number): readonly AbortedTransaction[] {
    return this.transactions.current.abortedIn(from, to);
  }

  isOpen(producerId: number): boolean {
    return this.transactions.current.isOpen(producerId);
  }

  openTransactions(): readonly OpenTransaction[] {
    return [...this.transactions.current.openOnes];
  }

  holds(batch: Buffer): boolean {
    return this.idempotence.holds(batch);
  }

  producers(): readonly ProducerDescription[] {
    return this.idempotence.describe();
  }

  offsetForTimestamp(timestampMs: number): TimestampPosition | undefined {
    if (this.failed) throw this.refusal;
    return this.reads.atTimestamp(timestampMs, this.startOffset);
  }

  addTailListener(listener: TailListener): void {
    this.waiters.listeners.add(listener);
  }

  removeTailListener(listener: TailListener): void {
    this.waiters.listeners.delete(listener);
  }

  async syncRound(covered?: Promise<void>): Promise<SegmentEnd> {
    const { end } = this.segments.active;
    const bytes = this.unsyncedBytes;
    try {
      await this.synced.sync(covered);
    } catch (error) {
      this.failSync(error);
      throw error;
    }
    this.synced.moveTo(end);
    this.unsyncedBytes -= bytes;
    this.readable.moveTo(end);
    return end;
  }

  endRound(end: SegmentEnd): void {
    this.waiters.release(this, end.offset);
    this.noteCheckpoint(end);
    if (!this.dirty) this.drained?.();
  }

  collect(round: JournalRound): SegmentEnd {
    this.readable.collectRest(round, this.journalKey);
    return this.segments.active.end;
  }

  noteJournaled(end: SegmentEnd): void {
    if (!this.failed) this.readable.moveTo(end);
  }

  tellDurable(): void {
    if (!this.failed) this.waiters.release(this, this.durableEnd);
  }

  putBack(batch: Buffer): void {
    this.write(batch, this.endOffset, nextOffsetOf(batch));
  }

  trimFile(): void {
    this.segments.active.file.trim();
  }

  flush(): void {
    this.segments.active.file.flush();
  }

  showWritten(): void {
    if (this.refusal) return;
    try {
      this.flush();
    } catch (error) {
      this.failSync(error);
      return this.groupCommit.fail(error);
    }
    this.readable.moveTo(this.segments.active.end);
    this.tellDurable();
  }

  /**
   * Deletes the oldest segment if its stream's retention has passed it by; at most one a call, never the active one.
   * With `byAge` false only the log's size counts. Resolves to whether it did. Throws what the disk answered; a failed
   * sync is as fatal here as anywhere.
   */
  async applyRetention(nowMs: number, byAge = true): Promise<boolean> {
    return !this.refusal && this.trim.applyRetention(byAge ? nowMs : -Infinity);
  }

  /** Forgets the idempotent producers that were not heard of for a day, on the clock of `monotonicMs`. */
  expireProducers(monotonicMs: number): void {
    this.idempotence.expire(monotonicMs);
  }

  /**
   * Makes `offset` the first one that can be read, for ever, and deletes the segments before it. Resolves when that is
   * durable. Throws VoikError offset_out_of_range, or what append would throw.
   */
  async trimTo(offset: number): Promise<void> {
    if (this.refusal) throw this.refusal;
    this.checkReadable(offset);
    await this.trim.to(offset);
  }

  /**
   * Starts a new segment when the active one is older than it may be, so that retention can get at an idle log's
   * records. `nowMs` is the wall clock's; wherever that jumps, it makes one segment at most.
   */
  rollIfOld(nowMs: number): void {
    if (!this.refusal && this.rolls.nextIfOld(this.endOffset, nowMs)) this.groupCommit.request(this);
  }

  get rolledCount(): number {
    return this.rolls.count;
  }

  /** Damage was found: the shard takes no writes until `voik log repair`. */
  noteDamage(gap: Gap): void {
    this.parts.onDamage(gap);
  }

  close(): Promise<void> {
    return (this.closing ??= this.drainAndClose());
  }

  private async drainAndClose(): Promise<void> {
    this.refusal ??= new VoikError("shutting_down", "voik is stopping: try again when it is back");
    if (this.dirty && !this.failed) {
      this.groupCommit.request(this);
      await new Promise<void>((resolve) => (this.drained = resolve));
    }
    // Whoever asked for these hears how they end.
    await Promise.allSettled([this.trim.busy, this.transactions.settled]);
    if (!this.failed && !this.gaps.damaged) {
      this.segments.active.seal();
      this.transactions.seal(this.segments.active);
      this.noteCheckpoint(this.segments.active.end);
    }
    this.letGo();
    this.options.onClosed?.();
  }

  letGo(): void {
    for (const segment of this.segments) segment.close();
    this.checkpoint.close();
  }

  /** Appends a stamped batch to the files. */
  private write(batch: Buffer, baseOffset: number, endOffset: number): void {
    const segment = this.rolls.segmentFor(batch.length, baseOffset, endOffset);
    this.transactions.prepare(segment, batch);
    segment.append(batch, baseOffset, endOffset, maxTimestampOf(batch));
    this.transactions.note(batch);
    this.endOffset = endOffset;
    this.unsyncedBytes += batch.length;
  }

  failSync(error: unknown): void {
    this.fail(storageError(error, "syncing records to the disk"));
  }

  /** A sync has failed: nothing is acknowledged any more. */
  private fail(refusal: VoikError): void {
    this.failed = true;
    this.refusal = refusal;
    this.waiters.fail(this, refusal);
    this.drained?.();
  }

  /** Everything before `end` is on the disk. */
  private noteCheckpoint(end: SegmentEnd): void {
    const startedAtMs = (end.segment === this.segments.active && this.rolls.startedAtMs) || 0;
    this.checkpoint.note(end, this.readable.newestMs, startedAtMs);
  }

  private checkReadable(offset: number): void {
    // After a failed sync the pages may be gone of what only the journal has: the next start reads it back.
    if (this.failed) throw this.refusal;
    this.reads.checkHas(offset, this.startOffset);
  }
}
