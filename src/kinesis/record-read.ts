/**
 * Reads records of a shard for GetRecords. Batches are read from the log in growing pieces and opened one by one;
 * a call ends at the asked number of records, at 10 MiB of data, at the durable end, or when it has opened
 * WORK_BYTES_MAX, whatever comes first. It may end inside a batch: the next call skips to its offset.
 */
import { VoikError } from "../base/errors.ts";
import { RecordReader } from "../log/record.ts";
import {
  Attribute,
  attributesOf,
  baseOffsetOf,
  batchBytesOf,
  maxTimestampOf,
  nextOffsetOf,
} from "../log/record-batch.ts";
import type { Shard } from "../streams/broker.ts";
import { sequenceNumber } from "../streams/sequence-number.ts";
import type { BodyFormat, WireBlob, WireTimestamp } from "./body.ts";
import { invalidArgument } from "./errors.ts";
import { GET_RECORDS_BYTES_MAX } from "./members.ts";
import { shownPartitionKey } from "./shown-partition-key.ts";

interface RecordView {
  SequenceNumber: string;
  ApproximateArrivalTimestamp: WireTimestamp;
  Data: WireBlob;
  PartitionKey: string;
}

export interface ReadRecords {
  records: RecordView[];
  dataBytes: number;
  /** Where the next read goes on. */
  nextOffset: number;
  /** Of the last record given or batch passed over; undefined when there was neither. */
  lastTimestampMs: number | undefined;
}

/** Bytes of batches, decompressed ones counted so, that one call opens before it answers with what it has. */
const WORK_BYTES_MAX = 16 * 1024 * 1024;
/** Most polls find little: the first piece is small, and each next one twice as large. */
const PIECE_BYTES_MIN = 64 * 1024;
const PIECE_BYTES_MAX = 1024 * 1024;

const NO_DATA = Buffer.alloc(0);

/**
 * Up to `limit` records of `shard` from `from` on. Throws InvalidArgumentException when the very first batch can't
 * be opened, and the log's own VoikErrors; with records in hand it gives those and leaves the error to the next.
 */
export function readRecords(shard: Shard, from: number, limit: number, format: BodyFormat): ReadRecords {
  const read = new Read(shard, from, limit, format);
  try {
    read.run();
  } catch (error) {
    if (!(error instanceof VoikError) || read.records.length === 0) throw error;
  }
  return read;
}

class Read implements ReadRecords {
  readonly records: RecordView[] = [];
  dataBytes = 0;
  lastTimestampMs: number | undefined;
  private countedBytes = 0;
  private workBytes = 0;

  constructor(
    private readonly shard: Shard,
    public nextOffset: number,
    private readonly limit: number,
    private readonly format: BodyFormat,
  ) {}

  run(): void {
    let pieceBytes = PIECE_BYTES_MIN;
    while (this.workBytes < WORK_BYTES_MAX) {
      const piece = this.readPiece(pieceBytes);
      if (piece === undefined) return;
      for (let at = 0; at < piece.length;) {
        const end = at + batchBytesOf(piece, at);
        if (!this.takeBatch(piece.subarray(at, end))) return;
        at = end;
      }
      pieceBytes = Math.min(pieceBytes * 2, PIECE_BYTES_MAX);
    }
  }

  private readPiece(bytesMax: number): Buffer | undefined {
    const range = this.shard.log.locate(this.nextOffset, bytesMax);
    if (range === undefined) return undefined;
    try {
      const piece = Buffer.allocUnsafe(range.bytes);
      range.copy(piece, 0);
      return piece;
    } finally {
      range.release();
    }
  }

  /** False when the call is full. */
  private takeBatch(batch: Buffer): boolean {
    const behind = nextOffsetOf(batch);
    if (behind <= this.nextOffset) return true;
    if (this.workBytes >= WORK_BYTES_MAX) return false;
    if ((attributesOf(batch) & Attribute.control) === 0) {
      const reader = this.open(batch);
      this.workBytes += reader.bytes.length;
      while (reader.next()) {
        if (reader.offset < this.nextOffset) continue;
        if (!this.takeRecord(reader)) return false;
      }
    } else {
      this.workBytes += batch.length;
    }
    // Control batches, and offsets that compaction took, leave nothing to give and are passed all the same.
    this.lastTimestampMs ??= maxTimestampOf(batch);
    this.nextOffset = behind;
    return true;
  }

  private open(batch: Buffer): RecordReader {
    try {
      return new RecordReader(batch);
    } catch (error) {
      if (!(error instanceof VoikError) || this.records.length > 0) throw error;
      throw invalidArgument(
        `The records from ${sequenceNumber(this.shard, baseOffsetOf(batch))} on were written so that they can't be ` +
          `opened (${error.message}). Go on behind them: AFTER_SEQUENCE_NUMBER ` +
          sequenceNumber(this.shard, nextOffsetOf(batch) - 1),
      );
    }
  }

  private takeRecord(record: RecordReader): boolean {
    const value = record.value() ?? NO_DATA;
    const key = record.key();
    const bytes = value.length + (key?.length ?? 0);
    if (this.records.length >= this.limit) return false;
    if (this.records.length > 0 && this.countedBytes + bytes > GET_RECORDS_BYTES_MAX) return false;
    this.countedBytes += bytes;
    this.dataBytes += value.length;
    this.records.push({
      SequenceNumber: sequenceNumber(this.shard, record.offset),
      ApproximateArrivalTimestamp: this.format.timestamp(record.timestampMs),
      Data: this.format.blob(value),
      PartitionKey: shownPartitionKey(key, record.offset),
    });
    this.lastTimestampMs = record.timestampMs;
    this.nextOffset = record.offset + 1;
    return true;
  }
}
