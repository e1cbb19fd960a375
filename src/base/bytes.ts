/**
 * Fixed-width integers in byte arrays, big-endian as Kafka has them.
 *
 * 64-bit values (offsets, timestamps, producer ids) are JavaScript numbers everywhere inside voik: exact to
 * 2^53, which at a million records a second lasts 285 years, and free of an allocation per read
 * (docs/decisions/0002-offsets-are-numbers.md).
 */

const TWO_32 = 4294967296;

/** Reads a signed 64-bit big-endian integer at `at`. Values past ±2^53 lose their low bits. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4);
}

/** Writes `value` (an integer within ±2^53) as a signed 64-bit big-endian integer at `at`. */
export function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_32);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * TWO_32, at + 4);
}

/** A Buffer over the same memory as `bytes`; no copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What is smaller may share its memory with others, and is soon collected anyway. */
const RELEASE_BYTES_MIN = 4 * 1024;

/**
 * Gives the memory of a large array back at once, and with it the next one is made from pages that are warm: collected
 * by and by, hundreds of megabytes of dead bodies would be waiting. To be called by the one who has it to themselves; it,
 * and whatever else looks into it, is empty afterwards. A view of something larger is left alone.
 */
export function release(bytes: Uint8Array): void {
  const { byteLength } = bytes;
  if (byteLength < RELEASE_BYTES_MIN) return;
  const { buffer } = bytes;
  if (byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
