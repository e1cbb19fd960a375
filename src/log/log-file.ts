/**
 * The bytes of one segment: appended at the end, read at positions. FileLogFile does it with positioned file I/O;
 * the interface leaves room for a mapped one beside it.
 *
 * A file is held open by the segment and by every LogRange that is still being sent; the descriptor closes when the
 * last of them lets go, so a segment can be deleted under a slow reader.
 */
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";

export interface LogFile {
  readonly fd: number;
  /** Where the next batch goes: the end of the last whole batch. */
  readonly endPosition: number;
  /**
   * Appends one whole batch and returns its position. On failure the log ends where it did before. Throws VoikError
   * disk_full or storage_failed.
   */
  append(batch: Buffer): number;
  /** Cuts off what a failed append has left behind the end, if it could not do so itself. Throws storage_failed. */
  trim(): void;
  /** Reads up to `into.length` bytes from `position`; returns the count, short at the end of the file. */
  read(into: Buffer, position: number): number;
  /** fdatasync, off the event loop. */
  sync(): Promise<void>;
  /** Cuts the file to `position`. */
  cutAt(position: number): void;
  dropCache(): void;
  retain(): void;
  /** Undoes one `retain`, or the opening. */
  release(): void;
}

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

export class FileLogFile implements LogFile {
  private holders = 1;
  /** A part of a failed append may lie behind the end. */
  private ragged = false;
  endPosition: number;

  private constructor(private readonly file: OpenFile) {
    this.endPosition = file.size();
  }

  static create(fileSystem: FileSystem, path: string): LogFile {
    return new FileLogFile(fileSystem.open(path, "create"));
  }

  static open(fileSystem: FileSystem, path: string): LogFile {
    return new FileLogFile(fileSystem.open(path, "write"));
  }

  get fd(): number {
    return this.file.fd;
  }

  append(batch: Buffer): number {
    this.trim();
    const position = this.endPosition;
    let failure: unknown = { code: "ENOSPC" };
    try {
      if (this.file.write(batch, position) === batch.length) {
        this.endPosition = position + batch.length;
        return position;
      }
    } catch (error) {
      failure = error;
    }
    this.ragged = true;
    this.trim();
    throw storageError(failure, "appending a record batch");
  }

  trim(): void {
    if (!this.ragged) return;
    try {
      this.file.truncate(this.endPosition);
      this.ragged = false;
    } catch (error) {
      throw storageError(error, "cutting off what a failed append left");
    }
  }

  read(into: Buffer, position: number): number {
    try {
      return this.file.read(into, position);
    } catch (error) {
      throw storageError(error, "reading records");
    }
  }

  sync(): Promise<void> {
    return this.file.sync();
  }

  cutAt(position: number): void {
    this.file.truncate(position);
    this.endPosition = position;
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
    if (--this.holders === 0) this.file.close();
  }
}
