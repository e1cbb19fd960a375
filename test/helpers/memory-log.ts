/**
 * A ShardLog that lives in memory, for tests of everything above the log. It becomes durable a microtask after an
 * append, or when the test says so: `hold` stops that, `sync` does it now, `failWaiting` refuses what waits.
 * MemoryLogs keeps closed logs by folder, so that a broker can be closed and opened again over the same records.
 */
import { mkdirSync } from "node:fs";
import { VoikError } from "../../src/base/errors.ts";
import type { LogFactory, LogOverrides, OpenLog } from "../../src/log/log-factory.ts";
import { isControl, isTransactional, markerKindOf } from "../../src/log/control-batch.ts";
import { RecordReader } from "../../src/log/record.ts";
import {
  baseOffsetOf,
  maxTimestampOf,
  nextOffsetOf,
  producerEpochOf,
  producerIdOf,
  stampBatch,
} from "../../src/log/record-batch.ts";
import type { DurableWaiter, LogRange, TailListener, TimestampPosition } from "../../src/log/shard-log.ts";
import { ShardTransactions } from "../../src/log/shard-transactions.ts";

export class MemoryLog implements OpenLog {
  startOffset = 0;
  durableEnd = 0;
  endOffset = 0;
  unsyncedBytes = 0;
  sizeBytes = 0;
  congested = false;
  closed = false;
  /** Ranges that were located and not yet released: 0 when readers behave. */
  openRanges = 0;
  /** Thrown by the next appends while set. */
  appendError: VoikError | undefined;
  overrides: LogOverrides = { retentionMs: 0 };
  private readonly transactions = new ShardTransactions();
  private held = false;
  private syncPlanned = false;
  private readonly batches: Buffer[] = [];
  private readonly waiters = new Set<DurableWaiter>();
  private readonly listeners = new Set<TailListener>();

  get stableEnd(): number {
    return this.transactions.stableEnd(this.durableEnd);
  }

  abortedIn(from: number, to: number) {
    return this.transactions.abortedIn(from, to);
  }

  isOpen(producerId: number) {
    return this.transactions.isOpen(producerId);
  }

  openTransactions() {
    return [...this.transactions.openOnes];
  }

  holds() {
    return false;
  }

  producers() {
    return [];
  }

  get newest(): TimestampPosition | undefined {
    let newest: TimestampPosition | undefined;
    for (const reader of this.durableRecords()) {
      if (newest && newest.timestampMs >= reader.timestampMs) continue;
      newest = { offset: reader.offset, timestampMs: reader.timestampMs };
    }
    return newest;
  }

  append(batch: Buffer, waiter?: DurableWaiter): number {
    if (this.closed) throw new VoikError("shutting_down", "the log is closed");
    if (this.appendError) throw this.appendError;
    const baseOffset = this.endOffset;
    stampBatch(batch, baseOffset, 0);
    const copy = Buffer.from(batch);
    this.batches.push(copy);
    this.endOffset = nextOffsetOf(copy);
    if (isControl(copy))
      this.transactions.end(producerIdOf(copy), markerKindOf(copy) === "abort", baseOffset);
    else if (isTransactional(copy))
      this.transactions.begin(producerIdOf(copy), producerEpochOf(copy), baseOffset);
    this.unsyncedBytes += copy.length;
    this.sizeBytes += copy.length;
    if (waiter) this.waiters.add(waiter);
    this.planSync();
    return baseOffset;
  }

  locate(offset: number, maxBytes: number, until = Infinity): LogRange | undefined {
    if (offset < this.startOffset || offset > this.durableEnd) {
      throw new VoikError(
        "offset_out_of_range",
        `offset ${offset} is outside of ${this.startOffset} to ${this.durableEnd}`,
      );
    }
    const durable = this.durableBatches().filter((batch) => nextOffsetOf(batch) <= until);
    const first = durable.findIndex((batch) => nextOffsetOf(batch) > offset);
    if (first < 0) return undefined;
    let bytes = (durable[first] as Buffer).length;
    let end = first + 1;
    while (end < durable.length && bytes + (durable[end] as Buffer).length <= maxBytes) {
      bytes += (durable[end++] as Buffer).length;
    }
    const content = Buffer.concat(durable.slice(first, end));
    this.openRanges++;
    return {
      fd: -1,
      path: "memory",
      position: 0,
      bytes,
      baseOffset: baseOffsetOf(content),
      endOffset: nextOffsetOf(durable[end - 1] as Buffer),
      copy: (into, at) => void content.copy(into, at),
      release: () => void this.openRanges--,
    };
  }

  offsetForTimestamp(timestampMs: number): TimestampPosition | undefined {
    for (const reader of this.durableRecords()) {
      if (reader.offset < this.startOffset || reader.timestampMs < timestampMs) continue;
      return { offset: reader.offset, timestampMs: reader.timestampMs };
    }
    return undefined;
  }

  addTailListener(listener: TailListener): void {
    this.listeners.add(listener);
  }

  removeTailListener(listener: TailListener): void {
    this.listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.sync();
    this.closed = true;
  }

  /** Lets nothing become durable until `release` or `sync`. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    this.sync();
  }

  /** Makes everything durable and tells whoever waits. */
  sync(): void {
    if (this.durableEnd === this.endOffset) return;
    this.durableEnd = this.endOffset;
    this.unsyncedBytes = 0;
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter.onDurable(this);
    for (const listener of [...this.listeners]) listener.onDurableEnd(this);
  }

  /** Refuses everything that is not durable yet, as a failed fdatasync does. */
  failWaiting(error = new VoikError("storage_failed", "the disk failed")): void {
    while (this.batches.length > 0 && nextOffsetOf(this.batches.at(-1) as Buffer) > this.durableEnd) {
      this.sizeBytes -= (this.batches.pop() as Buffer).length;
    }
    this.endOffset = this.durableEnd;
    this.unsyncedBytes = 0;
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter.onAppendFailed(this, error);
  }

  /** Drops whole batches in front of `offset`, as retention does. */
  async trimTo(offset: number): Promise<void> {
    while (this.batches.length > 0 && nextOffsetOf(this.batches[0] as Buffer) <= offset) {
      this.sizeBytes -= (this.batches.shift() as Buffer).length;
    }
    this.startOffset = offset;
  }

  /** Makes `congested` true or false, and tells the listeners when it ends. */
  setCongested(congested: boolean): void {
    this.congested = congested;
    if (!congested) for (const listener of [...this.listeners]) listener.onDurableEnd(this);
  }

  private planSync(): void {
    if (this.held || this.syncPlanned) return;
    this.syncPlanned = true;
    queueMicrotask(() => {
      this.syncPlanned = false;
      if (!this.held) this.sync();
    });
  }

  private durableBatches(): Buffer[] {
    return this.batches.filter((batch) => nextOffsetOf(batch) <= this.durableEnd);
  }

  private *durableRecords(): Generator<RecordReader> {
    for (const batch of this.durableBatches()) {
      if (maxTimestampOf(batch) < 0) continue;
      const reader = new RecordReader(batch);
      while (reader.next()) yield reader;
    }
  }
}

/** Memory logs by folder; `open` is the LogFactory. */
export class MemoryLogs {
  readonly byFolder = new Map<string, MemoryLog>();
  /** Thrown by the next `open` of a folder that matches, once. */
  openError: { folder: RegExp; error: Error } | undefined;

  readonly open: LogFactory = async (folder, overrides) => {
    if (this.openError?.folder.test(folder)) {
      const { error } = this.openError;
      this.openError = undefined;
      throw error;
    }
    mkdirSync(folder, { recursive: true });
    let log = this.byFolder.get(folder);
    if (log === undefined) this.byFolder.set(folder, (log = new MemoryLog()));
    log.closed = false;
    log.overrides = overrides;
    return log;
  };
}
