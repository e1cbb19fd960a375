/**
 * Walks batch headers in a log file, one small read for many of them. The walker never trusts a header further than
 * it can check: format, length, offsets that ascend. It allocates once, whatever it walks over.
 */
import { assert } from "../base/assert.ts";
import {
  BATCH_HEADER_BYTES,
  batchBytesOf,
  baseOffsetOf,
  compressionOf,
  lastOffsetDeltaOf,
  magicOf,
  maxTimestampOf,
  recordCountOf,
} from "./record-batch.ts";

const WINDOW_BYTES = 4 * 1024;

/** A file as a scan needs it: a LogFile or an OpenFile. */
interface Readable {
  read(into: Buffer, position: number): number;
}

/** One scanner serves every look-up of a thread: look-ups are synchronous and don't nest. */
export class HeaderScan {
  readonly window: Buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  private windowAt = 0;
  private windowBytes = 0;
  private file: Readable | undefined;
  private end = 0;
  private nextPosition = 0;
  /** Where the header stands that the fields below describe. */
  position = 0;
  /** Where that header lies in `window`. */
  at = 0;
  bytes = 0;
  baseOffset = 0;
  nextOffset = 0;
  maxTimestampMs = 0;
  /** Compression number of its records. */
  compression = 0;
  recordCount = 0;

  /** Starts over: the walk goes from `position` to `end` (bytes) of `file`, at offsets from `offset` up. */
  start(file: Readable, position: number, end: number, offset: number): void {
    this.file = file;
    this.windowBytes = 0;
    this.nextPosition = position;
    this.end = end;
    this.nextOffset = offset;
  }

  /**
   * Steps to the next batch. "end" at the end of the walk; "bad" when what lies there is no batch header that
   * belongs here (`position` then says where).
   */
  next(): "batch" | "end" | "bad" {
    const position = (this.position = this.nextPosition);
    if (position >= this.end) return "end";
    if (position + BATCH_HEADER_BYTES > this.end) return "bad";
    const at = (this.at = this.headerAt(position));
    if (at < 0) return "bad";
    const header = this.window;
    this.bytes = batchBytesOf(header, at);
    this.baseOffset = baseOffsetOf(header, at);
    const lastDelta = lastOffsetDeltaOf(header, at);
    if (
      magicOf(header, at) !== 2 ||
      this.bytes < BATCH_HEADER_BYTES ||
      position + this.bytes > this.end ||
      this.baseOffset !== this.nextOffset ||
      lastDelta < 0 ||
      recordCountOf(header, at) !== lastDelta + 1 // every batch that was let in is dense, so one checks the other
    ) {
      return "bad";
    }
    this.nextOffset = this.baseOffset + lastDelta + 1;
    this.maxTimestampMs = maxTimestampOf(header, at);
    this.compression = compressionOf(header, at);
    this.recordCount = recordCountOf(header, at);
    this.nextPosition = position + this.bytes;
    return "batch";
  }

  /** Where in the window the header at `position` lies, reading it when needed; -1 when the file is too short. */
  private headerAt(position: number): number {
    const at = position - this.windowAt;
    if (this.windowBytes > 0 && at >= 0 && at + BATCH_HEADER_BYTES <= this.windowBytes) return at;
    assert(this.file !== undefined, "a scan is started before it steps");
    this.windowAt = position;
    this.windowBytes = this.file.read(
      this.window.subarray(0, Math.min(WINDOW_BYTES, this.end - position)),
      position,
    );
    return this.windowBytes >= BATCH_HEADER_BYTES ? 0 : -1;
  }
}

export const headerScan = new HeaderScan();
