/**
 * Replies on their way out of one connection, in order: bytes of a growing buffer with ranges of log files between
 * them. The buffer's bytes go through socket.write, which takes what the kernel takes and keeps nothing; ranges go
 * by sendfile(2) where the system has it and the log has a descriptor, else through a bounded copy.
 *
 *   writer.bytes  [ sent … | unsent reply ]^[ reply ][ reply ]
 *                                          ^ a LogRange belongs here
 *
 * When the kernel takes no more, `flush` returns and the socket's drain event calls it again. sendfile's EAGAIN arms
 * no such event, so a small piece of the range is then pushed through socket.write, whose short count does.
 */
import { Errno } from "../base/libc.ts";
import { readAt } from "../base/read-at.ts";
import { readErrors } from "../base/read-errors.ts";
import type { LogRange } from "../log/shard-log.ts";
import { Writer } from "./codec/writer.ts";
import type { SendFile } from "./options.ts";

/** One sendfile call moves at most so much, so that a slow disk holds up other connections only briefly. */
const SENDFILE_BYTES_MAX = 1024 * 1024;
/** One flush moves at most so much before other connections get their turn. */
const FLUSH_BYTES_MAX = 8 * 1024 * 1024;
const PUSH_BYTES = 4096;
const PIECE_BYTES = 256 * 1024;
const BLOCKED = -1;
const BROKEN = -2;
const WRITER_KEPT_BYTES = 256 * 1024;
const WRITER_COMPACT_BYTES = 1024 * 1024;

/** The part of Bun's socket that an outbox needs. */
export interface OutboxSocket {
  write(bytes: Buffer): number;
  readonly fd?: number;
}

/** Shared by all connections: filled and handed to the kernel within one call. */
const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

export class Outbox {
  writer = new Writer();
  /** Bytes that the kernel has taken so far, of this connection. */
  sentBytes = 0;
  /** Where sending stands in the writer's bytes. */
  private at = 0;
  private rangeIndex = 0;
  /** Bytes of the current range that are sent. */
  private rangeAt = 0;
  /** A copy of the current range, where its log has no file. */
  private rangeCopy: Buffer | undefined;
  private againScheduled = false;

  /** `onAgain` is called when a flush has stopped to let others have their turn and should go on. */
  constructor(
    private readonly socket: OutboxSocket,
    private readonly sendFile: SendFile | null,
    private readonly onAgain: () => void,
  ) {}

  get unsentBytes(): number {
    return this.writer.at - this.at + this.writer.rangeBytes;
  }

  /** Sends until all is sent or the kernel takes no more. False when the connection is broken. */
  flush(): boolean {
    this.compact();
    const { writer } = this;
    let left = FLUSH_BYTES_MAX;
    while (left > 0) {
      const placed = writer.ranges[this.rangeIndex];
      const end = placed === undefined ? writer.at : placed.at;
      if (this.at < end) {
        const written = this.socket.write(writer.bytes.subarray(this.at, end));
        if (written < 0) return false;
        this.at += written;
        this.sentBytes += written;
        left -= written;
        if (this.at < end) return true;
      }
      if (placed === undefined) {
        this.reset();
        return true;
      }
      const moved = this.sendRange(placed.range);
      if (moved === BROKEN) return false;
      if (moved === BLOCKED) return true;
      left -= moved;
      if (this.rangeAt === placed.range.bytes) this.finishRange(placed.range);
    }
    this.flushSoon();
    return true;
  }

  /** Lets go of everything unsent. */
  dispose(): void {
    const { ranges } = this.writer;
    for (let i = this.rangeIndex; i < ranges.length; i++) ranges[i]?.range.release();
    this.writer = new Writer(0);
    this.at = this.rangeIndex = this.rangeAt = 0;
    this.rangeCopy = undefined;
  }

  /** Moves a part of `range`: the bytes moved, BLOCKED (drain will come) or BROKEN. */
  private sendRange(range: LogRange): number {
    const socketFd = this.socket.fd ?? -1;
    if (this.sendFile === null || range.fd < 0 || socketFd < 0) return this.push(range, PIECE_BYTES);
    const bytes = Math.min(range.bytes - this.rangeAt, SENDFILE_BYTES_MAX);
    const sent = this.sendFile(socketFd, range.fd, range.position + this.rangeAt, bytes);
    if (sent > 0) {
      this.countSent(sent);
      return sent;
    }
    if (sent === -Errno.EAGAIN) return this.push(range, PUSH_BYTES);
    if (sent === -Errno.EIO) readErrors.note();
    return BROKEN;
  }

  /** Pushes at most `bytesMax` of the rest of `range` through socket.write. */
  private push(range: LogRange, bytesMax: number): number {
    const bytes = this.copyPiece(range, Math.min(range.bytes - this.rangeAt, bytesMax));
    if (bytes.length === 0) return BROKEN;
    const written = this.socket.write(bytes);
    if (written < 0) return BROKEN;
    this.countSent(written);
    return written < bytes.length ? BLOCKED : written;
  }

  private copyPiece(range: LogRange, bytes: number): Buffer {
    if (range.fd >= 0) {
      return piece.subarray(0, readAt(range.fd, piece.subarray(0, bytes), range.position + this.rangeAt));
    }
    if (this.rangeCopy === undefined) {
      this.rangeCopy = Buffer.allocUnsafeSlow(range.bytes);
      range.copy(this.rangeCopy, 0);
    }
    return this.rangeCopy.subarray(this.rangeAt, this.rangeAt + bytes);
  }

  private countSent(bytes: number): void {
    this.rangeAt += bytes;
    this.writer.rangeBytes -= bytes;
    this.sentBytes += bytes;
  }

  private finishRange(range: LogRange): void {
    range.release();
    this.rangeCopy = undefined;
    this.rangeAt = 0;
    this.rangeIndex++;
    if (this.rangeIndex === this.writer.ranges.length) {
      this.writer.ranges.length = 0;
      this.rangeIndex = 0;
    }
  }

  /** All is sent: starts the buffer over. */
  private reset(): void {
    this.at = this.writer.at = 0;
    if (this.writer.bytes.length > WRITER_KEPT_BYTES) this.writer = new Writer();
  }

  /** Drops sent bytes when a busy connection never gets to `reset`. */
  private compact(): void {
    const { writer, at } = this;
    if (at < WRITER_COMPACT_BYTES) return;
    writer.bytes.copyWithin(0, at, writer.at);
    writer.at -= at;
    this.at = 0;
    for (const placed of writer.ranges) placed.at -= at;
  }

  private flushSoon(): void {
    if (this.againScheduled) return;
    this.againScheduled = true;
    setImmediate(() => {
      this.againScheduled = false;
      this.onAgain();
    });
  }
}
