/**
 * Whole batches of a file, checksums and all, through one window that grows to the largest batch it meets: for
 * recovery, and for whoever looks for damage. It trusts nothing in the file, and never throws on what it finds.
 *
 *   | batch | batch | bad bytes … | batch |      batchAt steps over good ones, nextBatch finds the one behind bad bytes
 */
import type { Boundary } from "./log-end.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  batchBytesOf,
  isIntactBatch,
  magicOf,
  nextOffsetOf,
} from "./record-batch.ts";

const WINDOW_BYTES = 1 << 20;
/** The format's version, and where a header has it. */
const MAGIC = 2;
const MAGIC_POSITION = 16;

/** A file as a scan needs it: a LogFile or an OpenFile. */
interface Readable {
  read(into: Buffer, position: number): number;
}

export class BatchScan {
  private window: Buffer;
  private windowAt = 0;
  private windowBytes = 0;

  /** Scans the first `end` bytes of `file`, reading `windowBytes` at a time. */
  constructor(
    private readonly file: Readable,
    private readonly end: number,
    windowBytes = WINDOW_BYTES,
  ) {
    this.window = Buffer.allocUnsafe(Math.min(windowBytes, Math.max(end, BATCH_HEADER_BYTES)));
  }

  /** The intact batch at `position`; undefined when there is none. A view that the next call overwrites. */
  batchAt(position: number): Buffer | undefined {
    const header = this.view(position, BATCH_HEADER_BYTES);
    if (header === undefined || magicOf(header) !== MAGIC) return undefined;
    const bytes = batchBytesOf(header);
    if (bytes < BATCH_HEADER_BYTES) return undefined;
    const batch = this.view(position, bytes);
    return batch !== undefined && isIntactBatch(batch) ? batch : undefined;
  }

  /**
   * Where the first intact batch with an offset of at least `offset` starts, at `position` or behind it and before
   * byte `before`; undefined when there is none.
   */
  nextBatch(position: number, offset: number, before = this.end): number | undefined {
    for (let at = position; at < before && this.view(at, BATCH_HEADER_BYTES); at++) {
      at = this.nextMagic(at);
      const header = at < before ? this.view(at, BATCH_HEADER_BYTES) : undefined;
      if (header === undefined || magicOf(header) !== MAGIC || baseOffsetOf(header) < offset) continue;
      const bytes = batchBytesOf(header);
      if (bytes >= BATCH_HEADER_BYTES && at + bytes <= this.end && this.batchAt(at)) return at;
    }
    return undefined;
  }

  /**
   * Where batches go on behind the bad byte at `position`, and at which offset, one of `from` to `to`: at the end and
   * at `to` when none follows.
   */
  behind(position: number, from: number, to: number): Boundary {
    for (let at = this.nextBatch(position + 1, from); at !== undefined; at = this.nextBatch(at + 1, from)) {
      const batch = this.batchAt(at);
      if (batch && nextOffsetOf(batch) <= to) return { position: at, offset: baseOffsetOf(batch) };
    }
    return { position: this.end, offset: to };
  }

  /** The next position from `at` on, inside or just behind the window, where the magic byte of a header could be. */
  private nextMagic(at: number): number {
    const found = this.window.indexOf(MAGIC, at - this.windowAt + MAGIC_POSITION);
    return (
      this.windowAt + (found < 0 ? this.windowBytes : Math.min(found, this.windowBytes)) - MAGIC_POSITION
    );
  }

  /** The `bytes` bytes at `position`; undefined when the file has fewer. */
  private view(position: number, bytes: number): Buffer | undefined {
    if (position + bytes > this.end) return undefined;
    if (position < this.windowAt || position + bytes > this.windowAt + this.windowBytes) {
      if (bytes > this.window.length) this.window = Buffer.allocUnsafe(bytes);
      this.windowAt = position;
      this.windowBytes = this.file.read(
        this.window.subarray(0, Math.min(this.window.length, this.end - position)),
        position,
      );
      if (this.windowBytes < bytes) return undefined;
    }
    const at = position - this.windowAt;
    return this.window.subarray(at, at + bytes);
  }
}
