/**
 * Zstandard (RFC 8878). node:zlib decodes it, but takes a frame that is cut off for an empty one, so the frames are
 * walked first: every block must be there, and the sizes that they declare must be within the limit.
 *
 *   magic u32 = FD2FB528 | descriptor u8 | [window u8] | [dictionary 0,1,2,4] | [content bytes 0,1,2,4,8] | blocks… | [checksum u32]
 *   descriptor  bits 6-7: content size field | 5: single segment, no window | 2: checksum | 0-1: dictionary field
 *   block       header u24: bit 0 last | bits 1-2 raw, run, compressed | bits 3-23 bytes | data (1 byte for a run)
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

const FRAME_MAGIC = 0xfd2fb528;
/** 184D2A50..184D2A5F: frames of user data, which a decoder steps over. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_HEADER_BYTES = 8;
const Descriptor = { singleSegment: 0x20, reserved: 0x08, checksum: 0x04, dictionary: 0x03 };
const RUN = 1;
const RESERVED = 3;
/** What Kafka's own producer takes: zstd's default. */
const LEVEL = 3;

/** Decompresses zstd frames. Throws an Error on damaged bytes and on more than `bytesMax` of output. */
export function decompressZstd(bytes: Buffer, bytesMax: number): Buffer {
  let at = 0;
  do at = frameEnd(bytes, at, bytesMax);
  while (at < bytes.length);
  if (at !== bytes.length) throw new Error("it is cut off");
  return zstdDecompressSync(bytes, { maxOutputLength: bytesMax });
}

/** Compresses into one zstd frame. */
export function compressZstd(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** Where the frame at `start` ends. Reading past the end of the bytes is a RangeError: they are cut off. */
function frameEnd(bytes: Buffer, start: number, bytesMax: number): number {
  const magic = bytes.readUInt32LE(start);
  if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC)
    return start + SKIPPABLE_HEADER_BYTES + bytes.readUInt32LE(start + 4);
  if (magic !== FRAME_MAGIC) throw new Error("it does not start with a frame");
  const descriptor = bytes.readUInt8(start + 4);
  if ((descriptor & Descriptor.reserved) !== 0) throw new Error("its frame version is unknown");
  if ((descriptor & Descriptor.dictionary) !== 0) throw new Error("it needs a dictionary");
  const singleSegment = (descriptor & Descriptor.singleSegment) !== 0;
  let at = start + (singleSegment ? 5 : 6);
  const sizeField = descriptor >> 6;
  const size = contentSize(bytes, at, sizeField, singleSegment);
  if (size > bytesMax) throw new Error(`it has ${size} bytes, at most ${bytesMax} are allowed`);
  at += sizeField === 0 ? Number(singleSegment) : 1 << sizeField;
  for (let last = false; !last;) {
    const block = bytes.readUIntLE(at, 3);
    const type = (block >> 1) & 3;
    if (type === RESERVED) throw new Error("a block's type is unknown");
    last = (block & 1) === 1;
    at += 3 + (type === RUN ? 1 : block >> 3);
  }
  return (descriptor & Descriptor.checksum) === 0 ? at : at + 4;
}

/** The content size that a frame declares; 0 when it does not tell. */
function contentSize(bytes: Buffer, at: number, sizeField: number, singleSegment: boolean): number {
  if (sizeField === 0) return singleSegment ? bytes.readUInt8(at) : 0;
  if (sizeField === 1) return bytes.readUInt16LE(at) + 256;
  return sizeField === 2 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
}
