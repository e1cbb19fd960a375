/**
 * Reads the primitive types of Kafka's protocol (https://kafka.apache.org/protocol#protocol_types) from one frame.
 *
 * Nothing from the wire is believed: each length and count is held against the bytes left before anything is
 * allocated, and a frame makes at most ELEMENTS_MAX array elements, because an element costs more memory here than
 * on the wire. Whatever does not fit throws FrameError, which closes the connection.
 */
import { readInt64 } from "../../base/bytes.ts";

/** Most array elements in one request, all its arrays together. */
export const ELEMENTS_MAX = 262_144;

export const EMPTY_BYTES: Buffer = Buffer.alloc(0);

/** Why a frame was refused; a label of the metric that counts them. */
export type FrameFault = "size" | "header" | "api" | "version" | "body";

/** The peer does not speak the protocol: the connection ends without an answer. */
export class FrameError extends Error {
  override name = "FrameError";

  constructor(
    readonly fault: FrameFault,
    message: string,
  ) {
    super(message);
  }
}

export class Reader {
  private elements = 0;

  /** `bytes` is the frame; reading starts at `at`. */
  constructor(
    readonly bytes: Buffer,
    public at = 0,
  ) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Steps over `count` bytes and returns where they start. */
  take(count: number): number {
    const start = this.at;
    if (count < 0 || count > this.bytes.length - start) {
      throw new FrameError("body", `${count} bytes wanted at ${start} of ${this.bytes.length}`);
    }
    this.at = start + count;
    return start;
  }

  bool(): boolean {
    return this.bytes[this.take(1)] !== 0;
  }

  int8(): number {
    return this.bytes.readInt8(this.take(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.take(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.take(4));
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.take(2));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4));
  }

  int64(): number {
    return readInt64(this.bytes, this.take(8));
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  /** 32 hex digits. */
  uuid(): string {
    const at = this.take(16);
    return this.bytes.toString("hex", at, at + 16);
  }

  unsignedVarint(): number {
    const { bytes } = this;
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw new FrameError("body", "a varint runs past the end of the frame");
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new FrameError("body", "a varint is longer than 32 bits");
  }

  string(): string {
    return this.text(this.int16());
  }

  compactString(): string {
    return this.text(this.unsignedVarint() - 1);
  }

  nullableString(): string | null {
    const length = this.int16();
    return length === -1 ? null : this.text(length);
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length === -1 ? null : this.text(length);
  }

  bytesField(): Buffer {
    return this.view(this.int32());
  }

  compactBytes(): Buffer {
    return this.view(this.unsignedVarint() - 1);
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length === -1 ? null : this.view(length);
  }

  compactNullableBytes(): Buffer | null {
    const length = this.unsignedVarint() - 1;
    return length === -1 ? null : this.view(length);
  }

  /** Elements of an array that each take at least `elementBytesMin`; -1 for null. */
  arrayCount(elementBytesMin: number): number {
    return this.count(this.int32(), elementBytesMin);
  }

  compactArrayCount(elementBytesMin: number): number {
    return this.count(this.unsignedVarint() - 1, elementBytesMin);
  }

  /** An array that may not be null was. */
  refuseNull(): never {
    throw new FrameError("body", "null where the protocol allows none");
  }

  /** Reads a tagged field's size and returns where it ends. */
  taggedFieldEnd(): number {
    const size = this.unsignedVarint();
    if (size > this.left) throw new FrameError("body", `a tagged field of ${size} bytes, ${this.left} left`);
    return this.at + size;
  }

  /** A known tagged field must have filled its size exactly. */
  expectAt(end: number): void {
    if (this.at !== end) throw new FrameError("body", "a tagged field's size does not match its value");
  }

  private count(count: number, elementBytesMin: number): number {
    if (count === -1) return -1;
    if (count < 0 || count * elementBytesMin > this.left) {
      throw new FrameError("body", `an array of ${count} elements, ${this.left} bytes left`);
    }
    this.elements += count;
    if (this.elements > ELEMENTS_MAX)
      throw new FrameError("body", `more than ${ELEMENTS_MAX} array elements`);
    return count;
  }

  private text(length: number): string {
    const at = this.take(length);
    const text = this.bytes.toString("utf8", at, at + length);
    // A bad byte becomes a three-byte replacement: a name that grows so might not fit into the reply that names it.
    if (Buffer.byteLength(text) !== length) throw new FrameError("body", "a string is not UTF-8");
    return text;
  }

  private view(length: number): Buffer {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }
}
