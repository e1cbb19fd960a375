/**
 * The records inside a batch (https://kafka.apache.org/documentation/#record): opened for Kinesis, time look-ups,
 * the console and the CLI; never on the Kafka produce or fetch path.
 *
 *   length varint | attributes i8 | timestampDelta varlong | offsetDelta varint
 *   keyLength varint (-1 = null) | key | valueLength varint (-1 = null) | value | headerCount varint | headers…
 *   header: keyLength varint | key | valueLength varint (-1 = null) | value
 */
import { VoikError } from "../base/errors.ts";
import { type Cursor, readVarint, readVarlong } from "../base/varint.ts";
import { decompressRecords } from "./compression.ts";
import {
  Attribute,
  attributesOf,
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseTimestampOf,
  compressionOf,
  maxTimestampOf,
  recordCountOf,
} from "./record-batch.ts";

export interface RecordHeader {
  key: string;
  value: Buffer | null;
}

/**
 * Walks the records of one whole batch. `next` moves to the next record and says whether there is one; the fields
 * then describe it. Nothing is allocated per record but what `key`, `value` and `headers` are asked for; the
 * Buffers they give are views of the batch (or of its decompressed copy).
 * Throws VoikError batch_invalid on records that do not parse, decompression_failed on bad or too large ones.
 */
export class RecordReader implements Cursor {
  bytes: Buffer;
  at: number;
  offset = -1;
  timestampMs = -1;
  private readonly baseOffset: number;
  private readonly baseTimestamp: number;
  private readonly appendTimeMs: number | undefined;
  private left: number;
  private end = 0;
  private keyAt = 0;
  private keyBytes = -1;
  private valueAt = 0;
  private valueBytes = -1;
  private headersAt = 0;

  constructor(batch: Buffer) {
    this.baseOffset = baseOffsetOf(batch);
    this.baseTimestamp = baseTimestampOf(batch);
    this.appendTimeMs = attributesOf(batch) & Attribute.logAppendTime ? maxTimestampOf(batch) : undefined;
    this.left = attributesOf(batch) & Attribute.control ? 0 : recordCountOf(batch);
    const compression = compressionOf(batch);
    if (compression === 0) {
      this.bytes = batch;
      this.at = BATCH_HEADER_BYTES;
    } else {
      this.bytes = decompressRecords(compression, batch.subarray(BATCH_HEADER_BYTES));
      this.at = 0;
    }
    this.end = this.at;
  }

  next(): boolean {
    if (this.left === 0) return false;
    this.left--;
    this.at = this.end;
    try {
      const bytes = readVarint(this);
      this.end = this.at + bytes;
      if (bytes < 0 || this.end > this.bytes.length) throw new RangeError("record runs past the batch");
      this.at++; // attributes: no bit of them is in use
      const timestampDelta = readVarlong(this);
      this.timestampMs = this.appendTimeMs ?? this.baseTimestamp + timestampDelta;
      this.offset = this.baseOffset + readVarint(this);
      this.keyBytes = readVarint(this);
      this.keyAt = this.skip(this.keyBytes);
      this.valueBytes = readVarint(this);
      this.valueAt = this.skip(this.valueBytes);
      this.headersAt = this.at;
    } catch (error) {
      if (error instanceof RangeError)
        throw new VoikError("batch_invalid", `a record does not parse: ${error.message}`);
      throw error;
    }
    return true;
  }

  /** The key; null when the record has none. */
  key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyBytes);
  }

  /** The value; null when the record has none (a tombstone). */
  value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueBytes);
  }

  headers(): RecordHeader[] {
    const headers: RecordHeader[] = [];
    this.at = this.headersAt;
    try {
      const count = readVarint(this);
      if (count < 0 || count > this.end - this.at) throw new RangeError("header count");
      for (let i = 0; i < count; i++) {
        const keyBytes = readVarint(this);
        const keyAt = this.skip(keyBytes);
        const valueBytes = readVarint(this);
        const valueAt = this.skip(valueBytes);
        headers.push({
          key: this.bytes.toString("utf8", keyAt, keyAt + Math.max(0, keyBytes)),
          value: valueBytes < 0 ? null : this.bytes.subarray(valueAt, valueAt + valueBytes),
        });
      }
    } catch (error) {
      if (error instanceof RangeError)
        throw new VoikError("batch_invalid", `headers do not parse: ${error.message}`);
      throw error;
    }
    return headers;
  }

  /** Steps over `bytes` bytes (none when negative) and returns where they start. */
  private skip(bytes: number): number {
    const start = this.at;
    if (bytes > 0) this.at += bytes;
    if (bytes < -1 || this.at > this.end) throw new RangeError("field runs past its record");
    return start;
  }
}
