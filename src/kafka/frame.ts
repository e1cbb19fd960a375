/**
 * Cuts a byte stream into frames: `size i32 | size bytes`. Pull, not push: `next` gives one frame at a time, so a
 * connection that is busy takes none and nothing piles up behind it.
 *
 * A frame that lies whole in one arrived chunk is a view of that chunk. A frame that comes in pieces is assembled in
 * a buffer that grows with the bytes that really came (doubling), never with what the size promises. A frame is
 * valid until the next call of `next`, unless the peer is trusted.
 *
 * What nobody sees any more is given back at once, not when it is collected: of clients that send large frames, or come
 * and go by the thousand, tens of megabytes of dead chunks would be waiting.
 */
import { release } from "../base/bytes.ts";
import { EMPTY_BYTES, FrameError } from "./codec/reader.ts";
import type { MemoryBudget, MemoryClaimant } from "./memory-budget.ts";

const PREFIX_BYTES = 4;
/** Frames up to this size are assembled without asking the budget. */
const FREE_FRAME_BYTES = 16 * 1024;
const ASSEMBLY_BYTES_MIN = 4 * 1024;
/** An assembly buffer up to this size is kept for the next frame. */
const KEPT_ASSEMBLY_BYTES = 1024 * 1024 + 64 * 1024;

export interface FrameDecoderOptions {
  /** Sizes outside of these are refused. */
  frameBytesMin: number;
  frameBytesMax: number;
  /** Asked before a large frame is assembled, on behalf of `claimant`. */
  budget?: MemoryBudget;
  claimant?: MemoryClaimant;
  /**
   * The peer is our own broker: its sizes are believed, so a frame is assembled in one allocation, and frames belong
   * to the caller for good.
   */
  trusted?: boolean;
}

export class FrameDecoder {
  /** Bytes arrived and not taken yet. */
  private chunk: Buffer = EMPTY_BYTES;
  private chunkAt = 0;
  /** Whether a frame that may be looked at is a view of the chunk. */
  private lent = false;
  private readonly prefix = Buffer.alloc(PREFIX_BYTES);
  private prefixBytes = 0;
  /** Size of the frame that is being assembled; -1 between frames. */
  private frameBytes = -1;
  private assembly: Buffer = EMPTY_BYTES;
  /** Bytes of the current frame that came. */
  assembledBytes = 0;
  private claimedBytes = 0;
  private frameBytesMax: number;

  constructor(private readonly options: FrameDecoderOptions) {
    this.frameBytesMax = options.frameBytesMax;
  }

  /** Takes frames of up to `frameBytesMax` from the next one on. */
  allow(frameBytesMax: number): void {
    this.frameBytesMax = frameBytesMax;
  }

  /** Whether there are bytes that no frame has taken yet. */
  get hasBytes(): boolean {
    return this.chunkAt < this.chunk.length;
  }

  /** Whether a frame has begun to arrive and is not whole. */
  get isMidFrame(): boolean {
    return this.prefixBytes > 0 || this.frameBytes >= 0 || this.hasBytes;
  }

  /** Adds arrived bytes, which the decoder keeps: call it when `hasBytes` is false, or pay a copy. */
  push(bytes: Buffer): void {
    const chunk = this.hasBytes ? Buffer.concat([this.chunk.subarray(this.chunkAt), bytes]) : bytes;
    this.dropChunk();
    this.chunk = chunk;
  }

  /**
   * The next whole frame, without its size; undefined when more bytes or more memory are needed. Throws FrameError
   * on a size that no request has.
   */
  next(): Buffer | undefined {
    const frame = this.take();
    if (frame === undefined && !this.hasBytes) {
      this.takeBack();
      this.dropChunk();
    }
    return frame;
  }

  private take(): Buffer | undefined {
    if (this.frameBytes < 0) {
      this.releaseClaim();
      if (this.assembly.length > KEPT_ASSEMBLY_BYTES) this.dropAssembly();
      const whole = this.startFrame();
      if (whole !== undefined || this.frameBytes < 0) return whole;
    }
    return this.assemble();
  }

  /** Gives up kept memory; call it when the connection has been idle. */
  trim(): void {
    if (this.frameBytes < 0 && !this.hasBytes) {
      this.assembly = EMPTY_BYTES;
      this.dropChunk();
    }
  }

  /** Gives back everything; the decoder is of no use any more. */
  dispose(): void {
    this.releaseClaim();
    this.takeBack();
    this.dropAssembly();
    this.dropChunk();
    const { budget, claimant } = this.options;
    if (claimant) budget?.forget(claimant);
  }

  /** Reads the size; returns the frame if all of it is here, else sets `frameBytes` when the size is known. */
  private startFrame(): Buffer | undefined {
    const { chunk } = this;
    let size: number;
    if (this.prefixBytes === 0 && chunk.length - this.chunkAt >= PREFIX_BYTES) {
      size = chunk.readInt32BE(this.chunkAt);
      this.chunkAt += PREFIX_BYTES;
    } else {
      const taken = Math.min(PREFIX_BYTES - this.prefixBytes, chunk.length - this.chunkAt);
      chunk.copy(this.prefix, this.prefixBytes, this.chunkAt, this.chunkAt + taken);
      this.chunkAt += taken;
      this.prefixBytes += taken;
      if (this.prefixBytes < PREFIX_BYTES) return undefined;
      this.prefixBytes = 0;
      size = this.prefix.readInt32BE(0);
    }
    const { frameBytesMax } = this;
    const { frameBytesMin } = this.options;
    if (size < frameBytesMin || size > frameBytesMax) {
      throw new FrameError(
        "size",
        `a frame of ${size} bytes: ${frameBytesMin} to ${frameBytesMax} are allowed`,
      );
    }
    if (chunk.length - this.chunkAt >= size) {
      const frame = chunk.subarray(this.chunkAt, this.chunkAt + size);
      this.chunkAt += size;
      this.lent = true;
      return frame;
    }
    this.frameBytes = size;
    this.assembledBytes = 0;
    return undefined;
  }

  private assemble(): Buffer | undefined {
    if (!this.claim()) return undefined;
    const { chunk, frameBytes } = this;
    const taken = Math.min(frameBytes - this.assembledBytes, chunk.length - this.chunkAt);
    const needed = this.assembledBytes + taken;
    if (needed > this.assembly.length) {
      const wanted = this.options.trusted
        ? frameBytes
        : Math.max(this.assembledBytes * 2, ASSEMBLY_BYTES_MIN);
      const grown = Buffer.allocUnsafeSlow(Math.max(Math.min(frameBytes, wanted), needed));
      this.assembly.copy(grown, 0, 0, this.assembledBytes);
      this.dropAssembly();
      this.assembly = grown;
    }
    chunk.copy(this.assembly, this.assembledBytes, this.chunkAt, this.chunkAt + taken);
    this.chunkAt += taken;
    this.assembledBytes = needed;
    if (needed < frameBytes) return undefined;
    this.frameBytes = -1;
    const frame = this.assembly.subarray(0, frameBytes);
    if (this.options.trusted) this.assembly = EMPTY_BYTES; // it belongs to the caller now
    return frame;
  }

  /** Frames that were given out are valid no more, unless they are the caller's for good. */
  private takeBack(): void {
    if (!this.options.trusted) this.lent = false;
  }

  private dropChunk(): void {
    if (!this.lent) release(this.chunk);
    this.chunk = EMPTY_BYTES;
    this.chunkAt = 0;
    this.lent = false;
  }

  private dropAssembly(): void {
    release(this.assembly);
    this.assembly = EMPTY_BYTES;
  }

  private claim(): boolean {
    const { frameBytes } = this;
    const { budget, claimant } = this.options;
    if (budget === undefined || claimant === undefined) return true;
    if (this.claimedBytes > 0 || frameBytes <= FREE_FRAME_BYTES) return true;
    if (!budget.claim(frameBytes, claimant)) return false;
    this.claimedBytes = frameBytes;
    return true;
  }

  private releaseClaim(): void {
    if (this.claimedBytes === 0) return;
    const bytes = this.claimedBytes;
    this.claimedBytes = 0;
    this.options.budget?.release(bytes);
  }
}
