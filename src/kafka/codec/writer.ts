/**
 * Writes the primitive types of Kafka's protocol into one growing array. Record data of fetch responses is not
 * copied in: it is kept as a LogRange together with the place where it belongs, so that the sender can hand it from
 * file to socket.
 *
 *   bytes   [ header, fields … ][ fields … ][ fields … ]
 *   ranges                     ^ range 0   ^ range 1         (at = position in `bytes`)
 */
import { assert } from "../../base/assert.ts";
import { writeInt64 } from "../../base/bytes.ts";
import { unsignedVarintBytes, writeUnsignedVarint } from "../../base/varint.ts";
import type { LogRange } from "../../log/shard-log.ts";

/** Record batches: bytes in memory, or a range of a log file. */
export type RecordBytes = Buffer | LogRange;

/** A range that belongs in front of byte `at` of the writer's own bytes. */
export interface PlacedRange {
  at: number;
  range: LogRange;
}

export class Writer {
  bytes: Buffer;
  at = 0;
  readonly ranges: PlacedRange[] = [];
  /** Bytes of all ranges placed so far. */
  rangeBytes = 0;

  private scratchWriter: Writer | undefined;

  constructor(sizeHint = 512) {
    this.bytes = Buffer.allocUnsafeSlow(sizeHint);
  }

  /** Makes room for `count` bytes and returns where they go. */
  reserve(count: number): number {
    const start = this.at;
    this.at = start + count;
    if (this.at > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at));
      this.bytes.copy(grown, 0, 0, start);
      this.bytes = grown;
    }
    return start;
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  int8(value: number): void {
    const at = this.reserve(1);
    this.bytes.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.bytes.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.reserve(4);
    this.bytes.writeInt32BE(value, at);
  }

  uint16(value: number): void {
    const at = this.reserve(2);
    this.bytes.writeUInt16BE(value, at);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.bytes.writeUInt32BE(value, at);
  }

  int64(value: number): void {
    const at = this.reserve(8);
    writeInt64(this.bytes, value, at);
  }

  float64(value: number): void {
    const at = this.reserve(8);
    this.bytes.writeDoubleBE(value, at);
  }

  /** `value`: 32 hex digits. */
  uuid(value: string): void {
    const at = this.reserve(16);
    const written = this.bytes.write(value, at, 16, "hex");
    assert(written === 16, `not a uuid of 32 hex digits: ${value}`);
  }

  unsignedVarint(value: number): void {
    const at = this.reserve(unsignedVarintBytes(value));
    writeUnsignedVarint(this.bytes, value, at);
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    assert(length <= 0x7fff, `a string of ${length} bytes, the protocol's limit is 32767`);
    this.int16(length);
    const at = this.reserve(length);
    this.bytes.write(value, at, length, "utf8");
  }

  compactString(value: string): void {
    const length = Buffer.byteLength(value);
    this.unsignedVarint(length + 1);
    const at = this.reserve(length);
    this.bytes.write(value, at, length, "utf8");
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactString(value);
  }

  bytesField(value: RecordBytes): void {
    this.int32(lengthOf(value));
    this.place(value);
  }

  compactBytes(value: RecordBytes): void {
    this.unsignedVarint(lengthOf(value) + 1);
    this.place(value);
  }

  nullableBytes(value: RecordBytes | null): void {
    if (value === null) this.int32(-1);
    else this.bytesField(value);
  }

  compactNullableBytes(value: RecordBytes | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactBytes(value);
  }

  /** `count` -1 means null. */
  arrayCount(count: number): void {
    this.int32(count);
  }

  compactArrayCount(count: number): void {
    this.unsignedVarint(count + 1);
  }

  /** The number of a tagged field. */
  tag(number: number): void {
    this.unsignedVarint(number);
  }

  /** A second writer for the value of a tagged field, whose size goes in front of it. */
  scratch(): Writer {
    return (this.scratchWriter ??= new Writer(64));
  }

  /** Appends the bytes of `other` behind their size. */
  append(other: Writer): void {
    this.unsignedVarint(other.at);
    const at = this.reserve(other.at);
    other.bytes.copy(this.bytes, at, 0, other.at);
  }

  private place(value: RecordBytes): void {
    if (Buffer.isBuffer(value)) {
      const at = this.reserve(value.length);
      value.copy(this.bytes, at);
    } else {
      this.ranges.push({ at: this.at, range: value });
      this.rangeBytes += value.bytes;
    }
  }
}

function lengthOf(value: RecordBytes): number {
  return Buffer.isBuffer(value) ? value.length : value.bytes;
}
