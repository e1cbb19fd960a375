/**
 * What the rest of voik sees of a commit log: an ordered, durable sequence of record batches, read from any
 * offset up to the durable end. CommitLog (commit-log.ts) is the real one.
 *
 *   startOffset      stableEnd      durableEnd        endOffset
 *        | settled          | may be aborted  | written, not synced  |
 *        [==================)=================)----------------------)
 */
import type { VoikError } from "../base/errors.ts";

/** Told once when a group of appends became durable, or will never be. The request object itself implements it. */
export interface DurableWaiter {
  /** Everything that this waiter was appended with on one log is on the disk, or as safe as its durability asks. */
  onDurable(log: ShardLog): void;
  /** The bytes may not be on the disk, and never will be acked. */
  onAppendFailed(log: ShardLog, error: VoikError): void;
}

/** Told each time the durable end moves, until removed. */
export interface TailListener {
  onDurableEnd(log: ShardLog): void;
}

/**
 * Bytes of whole record batches, lying one behind the other in one file, ready for sendfile or pread. The file
 * stays open until `release`, which the holder calls exactly once.
 */
export interface LogRange {
  readonly fd: number;
  /** The file, for people. */
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
  /** Base offset of the first batch; at most the offset asked for. */
  readonly baseOffset: number;
  /** The offset behind the last batch. */
  readonly endOffset: number;
  /** Copies the range into `into` at `at`. Throws VoikError storage_failed on a disk error. */
  copy(into: Buffer, at: number): void;
  release(): void;
}

export interface TimestampPosition {
  offset: number;
  timestampMs: number;
}

/** A transaction that has written to this shard and that no marker has ended. */
export interface OpenTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstOffset: number;
}

/** A transaction whose records nobody should see: those of its producer from `firstOffset` to `markerOffset`. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly markerOffset: number;
}

/** What a shard knows of an idempotent producer. */
export interface ProducerDescription {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of its last batch; -1 when there was none in this epoch. */
  readonly lastSequence: number;
  /** Largest timestamp of its last batch; -1 when that is not known. */
  readonly lastTimestampMs: number;
}

export interface ShardLog {
  /** The first offset that can be read. */
  readonly startOffset: number;
  /** The offset up to which everything is acknowledged and on the disk (durability "os": written): LATEST, high watermark. */
  readonly durableEnd: number;
  /**
   * The offset up to which every transaction has ended, durably; at most the durable end. Records before it can be shown
   * to anyone who leaves out those of aborted transactions. Throws VoikError storage_failed.
   */
  readonly stableEnd: number;
  /** The offset that the next record gets. */
  readonly endOffset: number;
  /** Bytes appended and not yet synced. */
  readonly unsyncedBytes: number;
  /** Bytes of all segments. */
  readonly sizeBytes: number;
  /** True while so much is unsynced that producers should not be read from; a TailListener hears when it ends. */
  readonly congested: boolean;
  /** Largest timestamp in the durable part, with its offset; undefined while empty. */
  readonly newest: TimestampPosition | undefined;

  /**
   * Appends one record batch that `validateBatch` has accepted: stamps base offset and leader epoch in place and
   * writes it. The bytes may be reused on return. Returns the base offset. `waiter` is told when it is durable.
   * A marker (control-batch.ts) ends its producer's transaction.
   * Throws VoikError disk_full, storage_failed, storage_damaged, batch_too_large, transaction_invalid or shutting_down.
   */
  append(batch: Buffer, waiter?: DurableWaiter): number;

  /**
   * Finds the batches from the one that holds `offset` on, at most `maxBytes` but at least one batch (however
   * large), not past the durable end, all in one segment. Undefined when `offset` is the durable end. `until`, the stable
   * end, stops it earlier: nothing from there on is found.
   * Throws VoikError offset_out_of_range outside [startOffset, durableEnd], storage_damaged on a bad range.
   */
  locate(offset: number, maxBytes: number, until?: number): LogRange | undefined;

  /** Aborted transactions with records from `from` on and before `to`, by the offsets of their markers. */
  abortedIn(from: number, to: number): readonly AbortedTransaction[];

  /** Whether a producer has a transaction here that no marker has ended, durably or not. */
  isOpen(producerId: number): boolean;

  /** All of these. */
  openTransactions(): readonly OpenTransaction[];

  /** Whether `batch` is one of the last of its idempotent producer that were stored: appending it stores nothing. */
  holds(batch: Buffer): boolean;

  /** Idempotent producers that are known here. */
  producers(): readonly ProducerDescription[];

  /** The first record with a timestamp of at least `timestampMs`; undefined when there is none. */
  offsetForTimestamp(timestampMs: number): TimestampPosition | undefined;

  /**
   * Makes `offset` the first one that can be read, for ever, and lets go what lies before it. Resolves when that is
   * durable. Throws VoikError offset_out_of_range, or what append would throw.
   */
  trimTo(offset: number): Promise<void>;

  addTailListener(listener: TailListener): void;
  removeTailListener(listener: TailListener): void;
}
