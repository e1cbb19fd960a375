/**
 * The oracle: what one log may hold, known from the outside alone. It is told of each append, each acknowledgement
 * and each read, and objects to whatever breaks a promise of src/log/README.md.
 *
 *   start                 settled              end
 *     |  must be there for ever  |  may be lost in a crash, from the end  |
 *
 * Settled is what was acknowledged, what a reader saw, and what a completed recovery served.
 */
import type { LogRange, ShardLog, TimestampPosition } from "../../src/log/shard-log.ts";
import { nextOffsetOf } from "../../src/log/record-batch.ts";
import { type ModelSpan, ModelTransactions } from "./model-transactions.ts";
import { demand } from "./violation.ts";

/** One appended batch, as it has to lie in the log. */
export interface ModelBatch extends ModelSpan {
  bytes: Buffer;
  timestampsMs: readonly number[];
}

export interface ModelRetention {
  retentionMs: number;
  retentionBytes: number;
}

export class ModelLog {
  /** Everything that the log may hold, oldest first. */
  batches: ModelBatch[] = [];
  start = 0;
  /** Nothing before it may come back. */
  deletedBefore = 0;
  /** Everything before it has to stay. */
  settled = 0;
  acked = 0;
  readonly transactions = new ModelTransactions();

  constructor(private readonly retention: ModelRetention) {}

  get end(): number {
    return this.batches[this.batches.length - 1]?.endOffset ?? this.start;
  }

  get sizeBytes(): number {
    return this.batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  appended(batch: ModelBatch): void {
    demand(batch.baseOffset === this.end, `offsets are dense: ${batch.baseOffset} follows ${this.end}`);
    this.batches.push(batch);
    this.transactions.appended(batch);
  }

  /** The waiter of the batch that ends before `endOffset` was told that it is durable. */
  acknowledged(endOffset: number, log: ShardLog): void {
    demand(endOffset > this.acked, `acks come in order: ${endOffset} after ${this.acked}`);
    demand(log.durableEnd >= endOffset, `an ack of ${endOffset} with the durable end at ${log.durableEnd}`);
    this.acked = endOffset;
    this.settle(endOffset);
  }

  /** What the log says about itself, while it is open. */
  checkState(log: ShardLog & { readonly syncedEnd: number }, journaled: boolean): void {
    const { startOffset, durableEnd, syncedEnd, endOffset } = log;
    demand(
      syncedEnd === durableEnd || (journaled && syncedEnd < durableEnd),
      `synced up to ${syncedEnd}, durable up to ${durableEnd}`,
    );
    demand(startOffset === this.start, `start offset ${startOffset}, not ${this.start}`);
    demand(endOffset === this.end, `end offset ${endOffset}, not ${this.end}`);
    demand(
      durableEnd >= this.settled && durableEnd <= endOffset,
      `durable end ${durableEnd} outside ${this.settled}..${endOffset}`,
    );
    demand(this.isBoundary(durableEnd), `durable end ${durableEnd} within a batch`);
    demand(log.sizeBytes === this.sizeBytes, `size ${log.sizeBytes} bytes, not ${this.sizeBytes}`);
    const unsynced = this.batches.reduce((sum, b) => sum + (b.endOffset > syncedEnd ? b.bytes.length : 0), 0);
    demand(log.unsyncedBytes === unsynced, `unsynced ${log.unsyncedBytes} bytes, not ${unsynced}`);
  }

  /** Retention moved the start to `startOffset` at `nowMs`; it may, of what has outlived its stream's retention. */
  retained(startOffset: number, durableEnd: number, nowMs: number): void {
    demand(startOffset > this.start, `retention moved the start from ${this.start} back to ${startOffset}`);
    demand(
      startOffset <= durableEnd,
      `retention deleted up to ${startOffset}, past the durable end ${durableEnd}`,
    );
    demand(this.isBoundary(startOffset), `retention deleted up to ${startOffset}, within a batch`);
    const kept = this.batches.filter(({ baseOffset }) => baseOffset >= startOffset);
    const deleted = this.batches.slice(0, this.batches.length - kept.length);
    const keptBytes = kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const newest = Math.max(...deleted.flatMap(({ timestampsMs }) => timestampsMs));
    demand(
      newest < nowMs - this.retention.retentionMs || keptBytes >= this.retention.retentionBytes,
      `retention deleted ${this.start}..${startOffset} too early: newest ${newest} at ${nowMs}, ${keptBytes} bytes kept`,
    );
    this.trimmed = this.trimmed.filter(({ baseOffset }) => baseOffset < this.start).concat(deleted);
    this.batches = kept;
    this.start = startOffset;
  }

  /** The deletion is over: a crash may not undo it. */
  deletionDurable(): void {
    this.deletedBefore = Math.max(this.deletedBefore, this.start);
    this.trimmed = [];
  }

  /** Batches whose deletion a crash may still undo, oldest first. */
  private trimmed: ModelBatch[] = [];

  /**
   * A recovery has completed, and serves startOffset..endOffset. Takes note of what is gone for good, and settles
   * the rest: from now on it has to stay.
   */
  recovered({ startOffset, endOffset, durableEnd }: ShardLog): void {
    demand(
      endOffset >= this.settled,
      `recovery lost ${endOffset}..${this.settled}, acknowledged or read before`,
    );
    demand(endOffset <= this.end, `recovery found ${this.end}..${endOffset}, which nobody appended`);
    demand(durableEnd === endOffset, `recovery serves up to ${durableEnd} of ${endOffset}`);
    demand(
      startOffset >= this.deletedBefore && startOffset <= this.start,
      `recovery starts at ${startOffset}, not in ${this.deletedBefore}..${this.start}`,
    );
    const undone = this.trimmed.filter(({ baseOffset }) => baseOffset >= startOffset);
    this.batches = [...undone, ...this.batches.filter((batch) => batch.endOffset <= endOffset)];
    this.start = startOffset;
    demand(
      this.isBoundary(startOffset) && this.end === endOffset,
      `recovery ended at ${endOffset}, within a batch`,
    );
    this.settle(endOffset);
    this.deletionDurable();
    this.transactions.recovered(endOffset);
  }

  /** `bytes` were read from `range`, which answers a look-up of `offset` with at most `maxBytes`. Returns the offset behind. */
  checkRead(range: LogRange, bytes: Buffer, offset: number, maxBytes: number, durableEnd: number): number {
    const first = this.batches.findIndex((batch) => batch.endOffset > offset);
    const batch = this.batches[first];
    demand(batch !== undefined, `a read at ${offset} found something`);
    demand(range.baseOffset === batch.baseOffset, `a read at ${offset} starts at ${range.baseOffset}`);
    let at = 0;
    let next = first;
    for (; at < bytes.length; next++) {
      const expected = this.batches[next];
      demand(expected !== undefined, `a read at ${offset} goes on behind the last record`);
      demand(
        bytes.subarray(at, at + expected.bytes.length).equals(expected.bytes),
        `a read at ${offset}: batch ${expected.baseOffset} differs (there: ${nextOffset(bytes, at)})`,
      );
      at += expected.bytes.length;
    }
    const end = this.batches[next - 1]?.endOffset ?? 0;
    demand(end <= durableEnd, `a read at ${offset} goes to ${end}, past the durable end ${durableEnd}`);
    demand(bytes.length > 0, `a read at ${offset} is empty`);
    demand(
      bytes.length <= Math.max(maxBytes, batch.bytes.length),
      `a read of at most ${maxBytes} bytes got ${bytes.length}`,
    );
    this.settle(end);
    return end;
  }

  /** The first readable record with at least `timestampMs`. */
  timestampPosition(timestampMs: number, durableEnd: number): TimestampPosition | undefined {
    for (const { baseOffset, endOffset, timestampsMs } of this.batches) {
      if (endOffset > durableEnd) return undefined;
      const index = timestampsMs.findIndex((at) => at >= timestampMs);
      if (index >= 0) return { offset: baseOffset + index, timestampMs: timestampsMs[index] as number };
    }
    return undefined;
  }

  newest(durableEnd: number): TimestampPosition | undefined {
    let newest = -Infinity;
    for (const { endOffset, timestampsMs } of this.batches) {
      if (endOffset <= durableEnd) newest = Math.max(newest, ...timestampsMs);
    }
    return this.timestampPosition(newest, durableEnd);
  }

  private settle(end: number): void {
    this.settled = Math.max(this.settled, end);
  }

  private isBoundary(offset: number): boolean {
    return offset === this.start || this.batches.some(({ endOffset }) => endOffset === offset);
  }
}

function nextOffset(bytes: Buffer, at: number): string {
  return bytes.length - at < 61 ? `${bytes.length - at} bytes` : `up to ${nextOffsetOf(bytes, at)}`;
}

export function sameFiles(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, content]) => b.get(name) === content);
}
