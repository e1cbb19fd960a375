/**
 * Lines out of a stream of bytes, without the newline behind them and otherwise untouched (a carriage return stays).
 * A line is not copied unless it spans two chunks.
 */
import { CliError, EXIT } from "./exit.ts";

const NEWLINE = 10;

export class LineSplitter {
  private rest: Buffer[] = [];
  private restBytes = 0;

  /** Lines over `lineBytesMax` bytes fail: nothing is buffered without a bound. */
  constructor(private readonly lineBytesMax: number) {}

  /** Calls `each` with every line that `chunk` completes. The Buffers are valid during the call. */
  push(chunk: Buffer, each: (line: Buffer) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      each(this.complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start === chunk.length) return;
    const tail = chunk.subarray(start);
    this.check(this.restBytes + tail.length);
    this.rest.push(Buffer.from(tail));
    this.restBytes += tail.length;
  }

  /** Calls `each` with the last line when no line end follows it. */
  end(each: (line: Buffer) => void): void {
    if (this.restBytes > 0) each(this.complete(Buffer.alloc(0)));
  }

  private complete(tail: Buffer): Buffer {
    let line = tail;
    if (this.restBytes > 0) {
      line = Buffer.concat([...this.rest, tail]);
      this.rest = [];
      this.restBytes = 0;
    }
    this.check(line.length);
    return line;
  }

  private check(bytes: number): void {
    if (bytes > this.lineBytesMax) {
      throw new CliError(
        EXIT.failed,
        `a line has more than ${this.lineBytesMax} bytes, the most that one record may have`,
      );
    }
  }
}
