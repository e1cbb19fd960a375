/**
 * Reads records of a shard for GetRecords. Batches are read from the log in growing pieces and opened one by one;
 * a call ends at the asked number of records, at 10 MiB of data, at the durable end, when it has opened WORK_BYTES_MAX, or
 * before it gets large where memory is short, whatever comes first. It may end inside a batch: the next call goes on at
 * its offset.
 *
 * Records of Kafka transactions are read as read_committed has it: what is still open, and all behind it, comes later,
 * what was aborted never, and markers are passed over.
 *
 * What a Kafka client put inside a batch was never looked at before, so nothing in it is believed: offsets must lie
 * in the batch, times are held to what clients can show, and a batch that does not open is an error that says
 * how to go on behind it. So is one whose checksum does not match: a Kafka client would see that itself, ours can't.
 */
import { release } from "../base/bytes.ts";
import { VoikError } from "../base/errors.ts";
import { intactBatchAt, offsetBehindDamage } from "../log/intact-batch.ts";
import { compressionOf, maxTimestampOf, nextOffsetOf } from "../log/record-batch.ts";
import { RecordReader } from "../log/record.ts";
import type { AbortedTransaction } from "../log/shard-log.ts";
import { isShown } from "../log/shard-transactions.ts";
import type { Shard } from "../streams/broker.ts";
import { SequenceNumbers, sequenceNumber } from "../streams/sequence-number.ts";
import { invalidArgument, KinesisError } from "./errors.ts";
import { tooMuchInWork } from "./memory-budget.ts";
import type { OpenBatch, OpenBatches } from "./open-batches.ts";
import type { RecordList } from "./record-list.ts";
import { shardIdOf } from "./shard-view.ts";
import { shownPartitionKey } from "./shown-partition-key.ts";
import { distributionOf } from "./stream-settings.ts";

export interface ReadLimits {
  readonly recordsMax: number;
  /** Data and partition keys; one record may pass it. */
  readonly bytesMax: number;
}

/** How far a read came. */
export interface ReadEnd {
  /** Where the next read goes on. */
  readonly nextOffset: number;
  /** Of the last record given, else of a batch passed over; undefined when there was neither. */
  readonly lastTimestampMs: number | undefined;
}

export interface ReadRecords extends ReadEnd {
  readonly records: RecordList;
  readonly dataBytes: number;
}

/** Bytes of batches, decompressed ones counted so, that one call opens before it answers with what it has. */
const WORK_BYTES_MAX = 16 * 1024 * 1024;
/** Most polls find little: the first piece is small, and each next one twice as large. */
const PIECE_BYTES_MIN = 64 * 1024;
const PIECE_BYTES_MAX = 1024 * 1024;
/** The end of the year 9999: some clients fail on anything later. */
const TIMESTAMP_MS_MAX = 253_402_300_799_999;

const NO_DATA = Buffer.alloc(0);

/**
 * Records of `shard` from `from` on, into the empty list `records`, up to `limits` but at least one. Throws
 * ServiceUnavailable when the list has no room for the first one, InvalidArgumentException when the first batch
 * can't be opened, InternalFailure when it is damaged, and the log's own VoikErrors; with records in hand it gives those and
 * leaves the error to the next call.
 */
export function readRecords(
  shard: Shard,
  from: number,
  limits: ReadLimits,
  records: RecordList,
  openBatches: OpenBatches,
): ReadRecords {
  const read = new Read(shard, from, limits, records, openBatches);
  try {
    read.run();
  } catch (error) {
    if (!(error instanceof VoikError)) throw error;
    if (read.records.count === 0) throw read.explain(error);
  }
  return read;
}

/** 0 says that nothing settled is left to read; anything else is at least 1. */
export function millisBehindLatest(read: ReadEnd, shard: Shard, nowMs: number): number {
  if (read.nextOffset >= shard.log.stableEnd) return 0;
  return Math.max(1, nowMs - (read.lastTimestampMs ?? nowMs));
}

class Read implements ReadRecords {
  private readonly sequenceNumbers: SequenceNumbers;
  /** Whether a record without a key shows none: in streams whose producers need none. */
  private readonly keyless: boolean;
  dataBytes = 0;
  lastTimestampMs: number | undefined;
  private countedBytes = 0;
  private workBytes = 0;
  /** End of the batch that is being opened or read. */
  private batchEnd: number | undefined;
  /** Where the piece that is being read starts and ends, and the aborted transactions in it. */
  private pieceStart = 0;
  private pieceEnd = 0;
  private aborted: readonly AbortedTransaction[] = [];

  constructor(
    private readonly shard: Shard,
    public nextOffset: number,
    private readonly limits: ReadLimits,
    readonly records: RecordList,
    private readonly openBatches: OpenBatches,
  ) {
    this.keyless = distributionOf(shard.stream) === "AUTO";
    this.sequenceNumbers = new SequenceNumbers(shard);
  }

  run(): void {
    const parked = this.openBatches.take(this.shard.log, this.nextOffset);
    if (parked !== undefined && !this.takeRecords(parked)) return;
    let pieceBytes = PIECE_BYTES_MIN;
    while (this.workBytes < WORK_BYTES_MAX) {
      const piece = this.readPiece(pieceBytes);
      if (piece === undefined) return;
      try {
        if (!this.takeBatches(piece)) return;
      } finally {
        if (!this.records.keepsData) release(piece);
      }
      pieceBytes = Math.min(pieceBytes * 2, PIECE_BYTES_MAX);
    }
  }

  /** False when the call is full. */
  private takeBatches(piece: Buffer): boolean {
    let offset = this.pieceStart;
    for (let at = 0; at < piece.length;) {
      const batch = intactBatchAt(piece, at, offset);
      if (batch === undefined) {
        this.batchEnd = offsetBehindDamage(piece, at, offset, this.pieceEnd);
        throw new VoikError("storage_damaged", "they are damaged on the disk");
      }
      if (!this.takeBatch(batch)) return false;
      offset = nextOffsetOf(batch);
      at += batch.length;
    }
    return true;
  }

  /** What the client is told when nothing could be read. */
  explain(error: VoikError): Error {
    if (this.batchEnd === undefined) return error;
    const { index, stream } = this.shard;
    const message =
      `The records from sequence number ${sequenceNumber(this.shard, this.nextOffset)} on, in ${shardIdOf(index)} of ` +
      `stream ${stream.name}, can't be opened: ${error.messageToClients}. To go on behind them, ask for an iterator ` +
      `AFTER_SEQUENCE_NUMBER ${sequenceNumber(this.shard, this.batchEnd - 1)}.`;
    if (error.code === "storage_damaged") return new KinesisError("InternalFailure", message, 500);
    return invalidArgument(message);
  }

  private readPiece(bytesMax: number): Buffer | undefined {
    this.batchEnd = undefined;
    const { log } = this.shard;
    const range = log.locate(this.nextOffset, bytesMax, log.stableEnd);
    if (range === undefined) return undefined;
    try {
      this.aborted = log.abortedIn(range.baseOffset, range.endOffset);
      this.pieceStart = range.baseOffset;
      this.pieceEnd = range.endOffset;
      const piece = Buffer.allocUnsafe(range.bytes);
      range.copy(piece, 0);
      return piece;
    } finally {
      range.release();
    }
  }

  /** False when the call is full. */
  private takeBatch(batch: Buffer): boolean {
    const endOffset = nextOffsetOf(batch);
    if (endOffset <= this.nextOffset) return true;
    if (this.workBytes >= WORK_BYTES_MAX) return false;
    this.batchEnd = endOffset;
    if (isShown(batch, this.aborted)) {
      const reader = new RecordReader(batch);
      this.workBytes += reader.bytes.length;
      if (reader.next())
        return this.takeRecords({ reader, endOffset, compressed: compressionOf(batch) !== 0 });
    } else {
      this.workBytes += batch.length;
    }
    this.lastTimestampMs ??= maxTimestampOf(batch);
    this.nextOffset = endOffset;
    return true;
  }

  private takeRecords(batch: OpenBatch): boolean {
    const { reader, endOffset } = batch;
    this.batchEnd = endOffset;
    do {
      if (reader.offset < this.nextOffset) continue;
      if (reader.offset >= endOffset) throw new VoikError("batch_invalid", "a record lies outside its batch");
      if (!this.takeRecord(reader)) {
        if (batch.compressed) this.openBatches.park(this.shard.log, this.nextOffset, batch);
        return false;
      }
    } while (reader.next());
    this.nextOffset = endOffset;
    return true;
  }

  private takeRecord(record: RecordReader): boolean {
    const value = record.value() ?? NO_DATA;
    const key = record.key();
    const bytes = value.length + (key?.length ?? 0);
    if (this.records.count >= this.limits.recordsMax) return false;
    if (this.records.count > 0 && this.countedBytes + bytes > this.limits.bytesMax) return false;
    const timestampMs = Math.min(Math.max(record.timestampMs, 0), TIMESTAMP_MS_MAX);
    const taken = this.records.add(
      this.sequenceNumbers.of(record.offset),
      timestampMs,
      value,
      key === null && this.keyless ? undefined : shownPartitionKey(key, record.offset),
    );
    if (!taken && this.records.count === 0) throw tooMuchInWork();
    if (!taken) return false;
    this.countedBytes += bytes;
    this.dataBytes += value.length;
    this.lastTimestampMs = timestampMs;
    this.nextOffset = record.offset + 1;
    return true;
  }
}
