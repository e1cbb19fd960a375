/**
 * A log as an async sequence, for whoever reads in order: batches as they lie in the file, or records.
 *
 *   for await (const batch of readBatches(log, { from: "earliest", follow: true, signal })) …
 *
 * Every batch is held against its checksum before it is given: damage is an error, never other bytes. What leaves by
 * sendfile is not, Kafka's consumers check it themselves.
 *
 * It reads only as fast as it is asked, one piece of the log at a time, and never past the durable end. A piece is
 * copied out at once, so nothing is held open while the consumer works, breaks off or throws. Between pieces the
 * event loop gets its turn. What it gives may be kept, unless the caller asks for `reuse`.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import { intactBatchAt, offsetBehindDamage } from "./intact-batch.ts";
import { type RecordHeader, RecordReader } from "./record.ts";
import { nextOffsetOf } from "./record-batch.ts";
import type { AbortedTransaction, LogRange, ShardLog } from "./shard-log.ts";
import { isShown } from "./shard-transactions.ts";

/** Where reading starts: an offset, the first record at least as new as a time, the oldest record, or the next one. */
export type ReadFrom = number | { timestampMs: number } | "earliest" | "latest";

export interface ReadOptions {
  /** Default "earliest". Found out when the first batch is asked for. */
  from?: ReadFrom;
  /** At the end: wait for more. Without it the sequence ends where the log ended when reading began. */
  follow?: boolean;
  /**
   * Read what is committed: nothing of transactions that were aborted, no markers, and up to the first transaction that
   * is still open. Without it every batch is read.
   */
  committed?: boolean;
  /** Bytes read at a time; a larger batch is read whole all the same. */
  maxBytes?: number;
  /** Read every piece into the same memory: a third faster, but what a step gives is overwritten by a later one. */
  reuse?: boolean;
  /** Ends the sequence, without an error. */
  signal?: AbortSignal | undefined;
  clock?: Pick<Clock, "defer">;
}

/** A record with the bytes as they were written; `headers` has their order. */
export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

const PIECE_BYTES = 256 * 1024;

/**
 * The record batches of `log` in order; the first is the one that holds `from`, so it may begin before it.
 * Throws VoikError offset_out_of_range when `from` is not in the log, or retention has passed the reader by;
 * storage_failed when the log can't be read there; storage_damaged when what lies there is not what was written, with the
 * file and the offset from which another reader can go on.
 */
export async function* readBatches(log: ShardLog, options: ReadOptions = {}): AsyncGenerator<Buffer, void> {
  const { follow = false, committed = false, maxBytes = PIECE_BYTES, reuse = false } = options;
  const { signal, clock = systemClock } = options;
  let offset = startOf(log, options);
  const end = follow ? Infinity : endOf(log, committed);
  const memory = reuse ? Buffer.allocUnsafeSlow(maxBytes) : undefined;
  while (!signal?.aborted) {
    const piece = readPiece(log, offset, maxBytes, committed, memory);
    if (piece === undefined) {
      if (!follow) return;
      await durableEndMoves(log, signal);
      continue;
    }
    const { range, bytes, aborted } = piece;
    offset = range.baseOffset;
    for (let at = 0; at < bytes.length;) {
      const batch = intactBatchAt(bytes, at, offset);
      if (batch === undefined) throw damageIn(piece, at, offset);
      at += batch.length;
      offset = nextOffsetOf(batch);
      if (aborted === undefined || isShown(batch, aborted)) yield batch;
      if (signal?.aborted || offset >= end) return;
    }
    await new Promise<void>((resolve) => clock.defer(resolve));
  }
}

/** Like `readBatches`, record by record. Throws VoikError batch_invalid or decompression_failed as well. */
export async function* readRecords(
  log: ShardLog,
  options: ReadOptions = {},
): AsyncGenerator<LogRecord, void> {
  const from = startOf(log, options);
  for await (const batch of readBatches(log, { ...options, from })) {
    const reader = new RecordReader(batch);
    while (reader.next()) {
      const { offset, timestampMs } = reader;
      if (offset < from) continue;
      yield { offset, timestampMs, key: reader.key(), value: reader.value(), headers: reader.headers() };
      if (options.signal?.aborted) return;
    }
  }
}

function startOf(log: ShardLog, { from = "earliest", committed = false }: ReadOptions): number {
  if (from === "earliest") return log.startOffset;
  if (from === "latest") return endOf(log, committed);
  if (typeof from === "number") return from;
  return log.offsetForTimestamp(from.timestampMs)?.offset ?? endOf(log, committed);
}

const endOf = (log: ShardLog, committed: boolean): number => (committed ? log.stableEnd : log.durableEnd);

/** Whole batches. */
interface Piece {
  /** Where they lie; released. */
  range: LogRange;
  bytes: Buffer;
  /** Which transactions in it are not to be shown; undefined when everything is. */
  aborted: readonly AbortedTransaction[] | undefined;
}

/** Batches from `offset` on, in `memory` if they fit there; undefined at the end. */
function readPiece(
  log: ShardLog,
  offset: number,
  maxBytes: number,
  committed: boolean,
  memory: Buffer | undefined,
): Piece | undefined {
  const range = log.locate(offset, maxBytes, committed ? log.stableEnd : undefined);
  if (range === undefined) return undefined;
  try {
    const fits = memory !== undefined && memory.length >= range.bytes;
    const bytes = fits ? memory.subarray(0, range.bytes) : Buffer.allocUnsafeSlow(range.bytes);
    range.copy(bytes, 0);
    return {
      range,
      bytes,
      aborted: committed ? log.abortedIn(range.baseOffset, range.endOffset) : undefined,
    };
  } finally {
    range.release();
  }
}

/** What is said of the batch at `at`, which should start at `offset`. */
function damageIn({ range, bytes }: Piece, at: number, offset: number): VoikError {
  const behind = offsetBehindDamage(bytes, at, offset, range.endOffset);
  return new VoikError(
    "storage_damaged",
    `damaged record batch in ${range.path} at byte ${range.position + at}, offsets ${offset} to ${behind - 1}: ` +
      `other records stay readable, the next ones from offset ${behind} on`,
  );
}

/** Resolves when more can be read, or when `signal` says that nobody wants it. */
function durableEndMoves(log: ShardLog, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const listener = { onDurableEnd: done };
    function done(): void {
      log.removeTailListener(listener);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    log.addTailListener(listener);
    signal?.addEventListener("abort", done);
  });
}
