/**
 * Standard output for much data: gathered into large writes, waiting for a slow reader, and at peace with one that
 * has gone (`voik consume … | head` ends with exit code 0, as cat does in spirit).
 */
const GATHER_BYTES = 64 * 1024;

export class Output {
  /** True once the reader has closed its end; nothing more can be written. */
  closed = false;
  private readonly sink = Bun.stdout.writer({ highWaterMark: 2 * GATHER_BYTES });
  private gathered = 0;

  /** Writes `bytes`, or drops them when the reader has gone. */
  async write(bytes: Buffer): Promise<void> {
    if (this.closed) return;
    this.sink.write(bytes);
    this.gathered += bytes.length;
    if (this.gathered >= GATHER_BYTES) await this.flush();
  }

  /** Hands everything to the reader. */
  async flush(): Promise<void> {
    if (this.closed || this.gathered === 0) return;
    this.gathered = 0;
    try {
      await this.sink.flush();
    } catch (error) {
      if ((error as { code?: string }).code !== "EPIPE") throw error;
      this.closed = true;
    }
  }
}
