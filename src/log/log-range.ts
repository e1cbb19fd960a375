/** A LogRange over one log file: see shard-log.ts. It holds the file open until it is released. */
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import type { LogFile } from "./log-file.ts";
import type { Segment } from "./segment.ts";
import type { LogRange } from "./shard-log.ts";

export class LogFileRange implements LogRange {
  private readonly file: LogFile;
  private held = true;

  constructor(
    private readonly segment: Pick<Segment, "file" | "paths">,
    readonly position: number,
    readonly bytes: number,
    readonly baseOffset: number,
    readonly endOffset: number,
  ) {
    this.file = segment.file;
    this.file.flush(position + bytes);
    this.file.retain();
  }

  get fd(): number {
    return this.file.fd;
  }

  get path(): string {
    return this.segment.paths.log;
  }

  copy(into: Buffer, at: number): void {
    assert(this.held, "a released range can't be read");
    const read = this.file.read(into.subarray(at, at + this.bytes), this.position);
    if (read !== this.bytes)
      throw new VoikError("storage_failed", "a log file is shorter than it was written");
  }

  release(): void {
    assert(this.held, "a range is released once");
    this.held = false;
    this.file.release();
  }
}
