/**
 * Variable-length integers: unsigned LEB128 groups of seven bits, and zig-zag over them, as Protocol Buffers and
 * Kafka's record format have them (https://kafka.apache.org/documentation/#recordformat).
 *
 * Readers take a cursor, so that nothing is allocated per value. They throw RangeError past the end of the
 * bytes and on a value of more than the allowed groups; callers turn that into their own error.
 */

/** A position in a byte array that the readers below advance. */
export interface Cursor {
  bytes: Buffer;
  at: number;
}

/** Reads an unsigned varint of at most 32 bits (5 bytes). */
export function readUnsignedVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  let value = 0;
  let at = cursor.at;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError("varint runs past the end");
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (shift === 28 && byte > 0x0f) break;
      cursor.at = at;
      return value >>> 0;
    }
  }
  throw new RangeError("varint is longer than 32 bits");
}

/** Reads a zig-zag varint of at most 32 bits. */
export function readVarint(cursor: Cursor): number {
  const value = readUnsignedVarint(cursor);
  return (value >>> 1) ^ -(value & 1);
}

/** Reads a zig-zag varlong (at most 10 bytes); exact within ±2^53. */
export function readVarlong(cursor: Cursor): number {
  const { bytes } = cursor;
  let at = cursor.at;
  let value = 0;
  let scale = 1;
  let odd = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError("varlong runs past the end");
    if (i === 0) {
      odd = byte & 1;
      value = (byte & 0x7f) >> 1;
      scale = 64;
    } else {
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (byte < 0x80) {
      cursor.at = at;
      return odd === 1 ? -value - 1 : value;
    }
  }
  throw new RangeError("varlong is longer than 64 bits");
}

/** Bytes that `value` (0..2^32-1) takes as an unsigned varint. */
export function unsignedVarintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Bytes that `value` (a 32-bit integer) takes as a zig-zag varint. */
export function varintBytes(value: number): number {
  return unsignedVarintBytes(((value << 1) ^ (value >> 31)) >>> 0);
}

/** Bytes that `value` (within ±2^52) takes as a zig-zag varlong. */
export function varlongBytes(value: number): number {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  let bytes = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 128);
    bytes++;
  }
  return bytes;
}

/** Writes an unsigned varint at `at`; returns the position after it. */
export function writeUnsignedVarint(bytes: Buffer, value: number, at: number): number {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Writes a zig-zag varint at `at`; returns the position after it. */
export function writeVarint(bytes: Buffer, value: number, at: number): number {
  return writeUnsignedVarint(bytes, ((value << 1) ^ (value >> 31)) >>> 0, at);
}

/** Writes a zig-zag varlong (within ±2^52) at `at`; returns the position after it. */
export function writeVarlong(bytes: Buffer, value: number, at: number): number {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}
