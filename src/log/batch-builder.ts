/**
 * Builds record batches from records: for Kinesis, the CLI and tests. Records are written straight into one
 * growing array, header and all, so a batch costs one allocation and one checksum however many records it has.
 */
import { writeInt64 } from "../base/bytes.ts";
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from "../base/varint.ts";
import { type CompressionName, compressRecords, compressionNumber } from "./compression.ts";
import type { RecordHeader } from "./record.ts";
import { BATCH_HEADER_BYTES, BATCH_LENGTH_OVERHEAD, computeCrc } from "./record-batch.ts";

/** Copied byte by byte sooner than by a call. */
const SHORT_KEY_BYTES = 32;

export class BatchBuilder {
  private bytes: Buffer;
  private at = BATCH_HEADER_BYTES;
  private baseTimestampMs = 0;
  private maxTimestampMs = 0;
  /** Records added so far. */
  count = 0;

  /** `memory`: what it writes to, or the bytes to start with; it grows as needed. */
  constructor(memory: Buffer | number = 4096) {
    this.bytes =
      typeof memory === "number" ? Buffer.allocUnsafe(Math.max(memory, BATCH_HEADER_BYTES)) : memory;
  }

  /** Bytes of the batch so far, uncompressed. */
  get size(): number {
    return this.at;
  }

  /** Adds a record; `timestampMs` is its own time. Returns its offset within the batch. */
  add(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers?: readonly RecordHeader[],
  ): number {
    const timestampDelta = this.noteTime(timestampMs);
    const offsetDelta = this.count++;
    const bytes =
      1 +
      varlongBytes(timestampDelta) +
      varintBytes(offsetDelta) +
      fieldBytes(key) +
      fieldBytes(value) +
      headersBytes(headers);
    this.reserve(bytes + 5);
    const out = this.bytes;
    let at = writeVarint(out, bytes, this.at);
    out[at++] = 0;
    at = writeVarlong(out, timestampDelta, at);
    at = writeVarint(out, offsetDelta, at);
    at = writeField(out, key, at);
    at = writeField(out, value, at);
    at = writeVarint(out, headers?.length ?? 0, at);
    for (const header of headers ?? []) {
      at = writeField(out, Buffer.from(header.key, "utf8"), at);
      at = writeField(out, header.value, at);
    }
    this.at = at;
    return offsetDelta;
  }

  /**
   * Adds a record without headers whose key and value lie in `from`, a key start of -1 standing for no key. Returns its
   * offset within the batch.
   */
  addPiece(
    from: Buffer,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
  ): number {
    const keyBytes = keyStart < 0 ? -1 : keyEnd - keyStart;
    const valueBytes = valueEnd - valueStart;
    const timestampDelta = this.noteTime(timestampMs);
    const offsetDelta = this.count++;
    const bytes =
      2 +
      varlongBytes(timestampDelta) +
      varintBytes(offsetDelta) +
      varintBytes(keyBytes) +
      Math.max(keyBytes, 0) +
      varintBytes(valueBytes) +
      valueBytes;
    this.reserve(bytes + 5);
    const out = this.bytes;
    let at = writeVarint(out, bytes, this.at);
    out[at++] = 0;
    at = writeVarlong(out, timestampDelta, at);
    at = writeVarint(out, offsetDelta, at);
    at = writeVarint(out, keyBytes, at);
    if (keyBytes > SHORT_KEY_BYTES) at += from.copy(out, at, keyStart, keyEnd);
    else for (let i = 0; i < keyBytes; i++) out[at++] = from[keyStart + i] as number;
    at = writeVarint(out, valueBytes, at);
    at += from.copy(out, at, valueStart, valueEnd);
    out[at++] = 0;
    this.at = at;
    return offsetDelta;
  }

  /** The finished batch, at base offset 0 and without a producer id. Call once, with at least one record added. */
  build(compression: CompressionName = "none"): Buffer {
    let batch = this.bytes.subarray(0, this.at);
    if (compression !== "none") {
      const records = compressRecords(compression, batch.subarray(BATCH_HEADER_BYTES));
      batch = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records]);
    }
    writeInt64(batch, 0, 0);
    batch.writeInt32BE(batch.length - BATCH_LENGTH_OVERHEAD, 8);
    batch.writeInt32BE(-1, 12);
    batch.writeInt8(2, 16);
    batch.writeInt16BE(compressionNumber(compression), 21);
    batch.writeInt32BE(this.count - 1, 23);
    writeInt64(batch, this.baseTimestampMs, 27);
    writeInt64(batch, this.maxTimestampMs, 35);
    writeInt64(batch, -1, 43);
    batch.writeInt16BE(-1, 51);
    batch.writeInt32BE(-1, 53);
    batch.writeInt32BE(this.count, 57);
    batch.writeUInt32BE(computeCrc(batch), 17);
    return batch;
  }

  /** Takes the time of the record that is about to be added; how far it is from the first one's. */
  private noteTime(timestampMs: number): number {
    if (this.count === 0) this.baseTimestampMs = this.maxTimestampMs = timestampMs;
    if (timestampMs > this.maxTimestampMs) this.maxTimestampMs = timestampMs;
    return timestampMs - this.baseTimestampMs;
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + bytes));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function headersBytes(headers: readonly RecordHeader[] | undefined): number {
  if (headers === undefined || headers.length === 0) return 1;
  let bytes = varintBytes(headers.length);
  for (const header of headers) {
    const key = Buffer.byteLength(header.key, "utf8");
    bytes += varintBytes(key) + key + fieldBytes(header.value);
  }
  return bytes;
}

function writeField(out: Buffer, field: Uint8Array | null, at: number): number {
  if (field === null) return writeVarint(out, -1, at);
  at = writeVarint(out, field.length, at);
  out.set(field, at);
  return at + field.length;
}
