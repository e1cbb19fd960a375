/**
 * LZ4 frames, as Kafka clients write them (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). The package
 * decodes a whole frame to any size, so the frame is walked here and the package decodes single blocks, each
 * bounded by the frame's block size. It is loaded at the first use.
 *
 *   magic u32 = 184D2204 | FLG u8 | BD u8 | [content bytes u64] | header checksum u8 | blocks… | 0 u32 | [checksum u32]
 *   FLG    version 01 | 5 independent blocks | 4 block checksums | 3 content bytes | 2 content checksum | 0 dictionary
 *   BD     bits 4-6: block size 4..7 = 64 KiB, 256 KiB, 1 MiB, 4 MiB
 *   block  bytes u32, bit 31 = stored as is | data | [checksum u32]
 *
 * All little-endian. Checksums are skipped: the batch's CRC-32C covers the same bytes.
 */
import { release } from "../base/bytes.ts";

const FRAME_MAGIC = 0x184d2204;
/** 184D2A50..184D2A5F: frames of user data, which a decoder steps over. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const Flag = {
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
};
const STORED = 0x80000000;
/** How far back a match may reach: what a linked block needs of those before it. */
const WINDOW_BYTES = 64 << 10;
/** A byte of a block stands for at most 255. */
const RATIO_MAX = 255;
/** 64 times as many as the limit in the smallest block size: hostile crumbs must not cost seconds. */
const BLOCKS_MAX = 1 << 16;

const lz4 = () => require("lz4-napi") as typeof import("lz4-napi");

/** Decompresses LZ4 frames. Throws an Error on damaged bytes and on more than `bytesMax` of output. */
export function decompressLz4(bytes: Buffer, bytesMax: number): Buffer {
  const reader = new FrameReader(bytes, bytesMax);
  const { blocks } = reader;
  try {
    do reader.frame();
    while (reader.at < bytes.length);
    return blocks.length === 1 ? (blocks.pop() as Buffer) : Buffer.concat(blocks);
  } finally {
    for (const block of blocks) release(block);
  }
}

/** Compresses into one frame of independent blocks, the only kind that Java clients read. */
export function compressLz4(bytes: Buffer): Buffer {
  return lz4().compressFrameSync(bytes);
}

class FrameReader {
  at = 0;
  readonly blocks: Buffer[] = [];
  /** The last WINDOW_BYTES of output, kept for linked blocks only. */
  private window: Buffer = Buffer.alloc(0);
  private blockBytesMax = 0;

  constructor(
    private readonly bytes: Buffer,
    private bytesLeft: number,
  ) {}

  frame(): void {
    const magic = this.uint32();
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      this.skip(this.uint32());
      return;
    }
    if (magic !== FRAME_MAGIC) throw new Error("it does not start with a frame");
    const flags = this.header();
    this.window = Buffer.alloc(0);
    for (;;) {
      const size = this.uint32();
      if (size === 0) break;
      this.block(size, flags);
      if ((flags & Flag.blockChecksum) !== 0) this.skip(4);
    }
    if ((flags & Flag.contentChecksum) !== 0) this.skip(4);
  }

  /** Reads the frame's header behind the magic; returns its flags. */
  private header(): number {
    const at = this.skip(2);
    const flags = this.bytes[at] as number;
    const blockSize = ((this.bytes[at + 1] as number) >> 4) & 7;
    if (flags >> 6 !== 1) throw new Error("its frame version is unknown");
    if ((flags & Flag.dictionary) !== 0) throw new Error("it needs a dictionary");
    if (blockSize < 4) throw new Error("its block size is unknown");
    this.blockBytesMax = 1 << (8 + 2 * blockSize);
    if ((flags & Flag.contentSize) !== 0) {
      const size = this.bytes.readBigUInt64LE(this.skip(8));
      if (size > this.bytesLeft) throw new Error(`it has ${size} bytes, more than the limit allows`);
    }
    this.skip(1);
    return flags;
  }

  private block(size: number, flags: number): void {
    const stored = size >= STORED;
    const bytes = stored ? size - STORED : size;
    if (bytes > this.blockBytesMax)
      throw new Error(`a block has ${bytes} bytes, at most ${this.blockBytesMax} fit`);
    const at = this.skip(bytes);
    const data = this.bytes.subarray(at, at + bytes);
    const linked = (flags & Flag.independent) === 0;
    const block = stored ? data : this.decompress(data, linked);
    this.bytesLeft -= block.length;
    if (this.bytesLeft < 0) throw new Error("it has more bytes than the limit allows");
    if (this.blocks.length === BLOCKS_MAX) throw new Error(`it has more than ${BLOCKS_MAX} blocks`);
    this.blocks.push(block);
    if (linked) this.window = lastBytes(this.window, block);
  }

  private decompress(data: Buffer, linked: boolean): Buffer {
    // The package takes the most that may come out as four bytes in front of the block, and allocates that.
    const most = Math.min(this.blockBytesMax, data.length * RATIO_MAX, this.bytesLeft);
    const prefixed = Buffer.allocUnsafe(4 + data.length);
    prefixed.writeUInt32LE(most, 0);
    data.copy(prefixed, 4);
    return lz4().uncompressSync(prefixed, linked ? this.window : undefined);
  }

  private uint32(): number {
    return this.bytes.readUInt32LE(this.skip(4));
  }

  /** Steps over `bytes` bytes and returns where they start. */
  private skip(bytes: number): number {
    const start = this.at;
    this.at += bytes;
    if (this.at > this.bytes.length) throw new Error("it is cut off");
    return start;
  }
}

/** The last WINDOW_BYTES of `before` with `block` behind it. */
function lastBytes(before: Buffer, block: Buffer): Buffer {
  if (block.length >= WINDOW_BYTES) return block.subarray(block.length - WINDOW_BYTES);
  const joined = Buffer.concat([before, block]);
  return joined.subarray(Math.max(0, joined.length - WINDOW_BYTES));
}
