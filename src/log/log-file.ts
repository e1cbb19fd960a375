/**
 * The bytes of one segment: appended at the end, read at positions. FileLogFile does it with positioned file I/O,
 * MappedLogFile (mapped-log-file.ts) with a memory mapping; log-io.ts picks one.
 *
 *   | batch | batch | batch | held batches | zeros: space that is reserved (fallocate) |
 *                           ^ written      ^ endPosition                               ^ size of the file
 *
 * Space is reserved ahead, because writes and syncs that neither find blocks nor move the file's size are faster. What
 * lies behind the end is cut off when the segment is full or closed; after a crash it is still there, and recovery
 * knows zeros for what they are. Without support or room for it, writing simply goes on at the file's end.
 *
 * Small batches are held in memory and written together: before they are synced, and before anybody reads them. Only
 * into reserved space, so that a disk that is full says so when a batch is appended; a held one that can't be written
 * is as bad as a failed sync, and shows there.
 *
 * A file is held open by the segment and by every LogRange that is still being sent; the descriptor closes when the
 * last of them lets go, so a segment can be deleted under a slow reader.
 */
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import { readErrors } from "../base/read-errors.ts";
import type { OpenFile } from "../base/file-system.ts";
import type { AppendBuffers } from "./append-buffers.ts";

/** A log reserves as much again as it holds, between these bounds: small logs stay small. */
const RESERVE_BYTES_MIN = 64 << 10;
const RESERVE_BYTES_MAX = 4 << 20;
const PAGE_BYTES = 4096;
/** Writing larger batches together gains nothing. */
const HELD_BATCH_BYTES_MAX = 16 << 10;

export interface LogFile {
  readonly fd: number;
  /** Where the next batch goes: the end of the last whole batch. */
  readonly endPosition: number;
  /**
   * Appends one whole batch and returns its position. On failure the file ends where it did before. Throws VoikError
   * disk_full or storage_failed.
   */
  append(batch: Buffer): number;
  /** Writes what is held of the bytes before `end`, for who reads through `fd`. Throws VoikError disk_full or storage_failed. */
  flush(end?: number): void;
  /** Copies the bytes from `position` to the end into `into`, if they are all held; whether they were. */
  copyHeld(into: Buffer, position: number): boolean;
  /** Reads up to `into.length` bytes from `position`; returns the count, short at the end of the file. */
  read(into: Buffer, position: number): number;
  /** Writes what is held, then fdatasync, off the event loop. */
  sync(): Promise<void>;
  /** Cuts the file to `position`. */
  cutAt(position: number): void;
  /**
   * Cuts off what lies behind the end: space reserved there, what a failed append left. Before the segment is sealed.
   * Throws VoikError storage_failed.
   */
  trim(): void;
  dropCache(): void;
  retain(): void;
  /** Undoes one `retain`, or the opening. */
  release(): void;
}

/** What a disk means that takes less than it was given. */
const SHORT_WRITE = { code: "ENOSPC" };

/** Turns what the disk answered into an error that says what to do. */
export function storageError(error: unknown, doing: string): VoikError {
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VoikError("disk_full", `disk full while ${doing}: free space, and writing goes on by itself`, {
      cause: error,
    });
  }
  return new VoikError("storage_failed", `the disk failed while ${doing}: ${message}`, { cause: error });
}

/** Whether `error` says that the file system takes no more writes: it has met an error, or was told so. */
export function saysReadOnly(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as { code?: string }).code === "EROFS") return true;
  return false;
}

export class FileLogFile implements LogFile {
  endPosition: number;
  /** Size that the file was grown to; 0 when nothing is reserved. */
  protected reserved = 0;
  /** What may lie behind `endPosition`: zeros, or also a part of a failed append. */
  private tail: "none" | "zeros" | "ragged" = "none";
  private canReserve = true;
  private holders = 1;
  /** The last `held` bytes before `endPosition` are at the start of `buffer`, and not in the file yet. */
  private held = 0;
  private buffer: Buffer | undefined;

  /** With `buffers` it may hold batches. */
  constructor(
    protected readonly file: OpenFile,
    private readonly buffers?: AppendBuffers,
  ) {
    this.endPosition = file.size();
  }

  get fd(): number {
    return this.file.fd;
  }

  append(batch: Buffer): number {
    const position = this.endPosition;
    const end = position + batch.length;
    if (this.tail === "ragged") this.trim();
    if (end > this.reserved && this.canReserve) this.reserveAhead(end);
    if (!this.hold(batch, end)) this.write(batch, position);
    this.endPosition = end;
    return position;
  }

  flush(end = Infinity): void {
    if (this.held === 0 || end <= this.endPosition - this.held) return;
    const buffer = this.buffer as Buffer;
    try {
      const bytes = buffer.subarray(0, this.held);
      if (this.file.write(bytes, this.endPosition - this.held) !== this.held) throw SHORT_WRITE;
    } catch (error) {
      throw storageError(error, "writing record batches");
    }
    this.held = 0;
    this.buffer = undefined;
    this.buffers?.giveBack(buffer);
  }

  copyHeld(into: Buffer, position: number): boolean {
    const at = position - (this.endPosition - this.held);
    if (at < 0 || this.buffer === undefined) return false;
    this.buffer.copy(into, 0, at, this.held);
    return true;
  }

  trim(): void {
    this.flush();
    if (this.tail === "none") return;
    try {
      this.cutAt(this.endPosition);
    } catch (error) {
      throw storageError(error, "cutting off what lies behind the last record batch");
    }
  }

  read(into: Buffer, position: number): number {
    this.flush(position + into.length);
    try {
      return this.file.read(into, position);
    } catch (error) {
      readErrors.note();
      throw storageError(error, "reading records");
    }
  }

  async sync(): Promise<void> {
    this.flush();
    await this.file.sync();
  }

  cutAt(position: number): void {
    this.file.truncate(position);
    this.endPosition = position;
    this.reserved = 0;
    this.tail = "none";
  }

  dropCache(): void {
    this.file.dropCache();
  }

  retain(): void {
    assert(this.holders > 0, "a closed log file can't be retained");
    this.holders++;
  }

  release(): void {
    assert(this.holders > 0, "a log file is released once per hold");
    if (--this.holders === 0) this.close();
  }

  protected close(): void {
    try {
      this.trim();
    } catch {
      // The zeros stay: the next start knows them for what they are.
    }
    this.file.close();
  }

  /** Keeps `batch`, which ends at `end`, to be written later; false when it has to be written now. */
  private hold(batch: Buffer, end: number): boolean {
    if (batch.length > HELD_BATCH_BYTES_MAX || end > this.reserved) return false;
    if (this.buffer && this.held + batch.length > this.buffer.length) this.flush();
    this.buffer ??= this.buffers?.take();
    if (this.buffer === undefined) return false;
    this.buffer.set(batch, this.held);
    this.held += batch.length;
    return true;
  }

  private write(batch: Buffer, position: number): void {
    this.flush();
    let failure: unknown = SHORT_WRITE;
    try {
      if (this.file.write(batch, position) === batch.length) return;
    } catch (error) {
      failure = error;
    }
    this.tail = "ragged";
    this.trim();
    throw storageError(failure, "appending a record batch");
  }

  /** How far to reserve so that the file has room up to `end` and some more. */
  protected stretchTo(end: number): number {
    return Math.max(end, this.endPosition + clamp(this.endPosition, RESERVE_BYTES_MIN, RESERVE_BYTES_MAX));
  }

  /** Reserves space up to `end` or a little more. Throws the system's error, and then nothing is reserved. */
  protected reserve(end: number): void {
    if (this.tail === "ragged") this.trim();
    const bytes = Math.max(this.reserved, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES);
    try {
      if (bytes > this.reserved) this.file.allocate(bytes, this.reserved);
    } catch (error) {
      this.tail = "ragged"; // it may have grown by what there was
      this.trim();
      throw error;
    }
    this.tail = "zeros";
    this.reserved = bytes;
  }

  private reserveAhead(end: number): void {
    try {
      this.reserve(this.stretchTo(end));
    } catch (error) {
      // On a full disk the batch may fit all the same; other errors say that this file system can't.
      this.canReserve = storageError(error, "").code === "disk_full";
    }
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
