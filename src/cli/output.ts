/**
 * Standard output for much data: gathered into large writes, waiting for a slow reader, and at peace with one that
 * has gone (`voik consume … | head` ends with exit code 0, as cat does in spirit).
 */
const GATHER_BYTES = 64 * 1024;

export class Output {
  /** True once the reader has closed its end; nothing more can be written. */
  closed = false;
  private readonly sink = Bun.stdout.writer();
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;

  /** Writes `bytes`, which have to stay as they are until the next flush, or drops them when the reader has gone. */
  async write(bytes: Buffer): Promise<void> {
    if (this.closed) return;
    this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
    if (this.gatheredBytes >= GATHER_BYTES) await this.flush();
  }

  /** Hands everything to the reader. */
  async flush(): Promise<void> {
    if (this.closed || this.gatheredBytes === 0) return;
    const bytes = Buffer.concat(this.gathered);
    this.gathered = [];
    this.gatheredBytes = 0;
    try {
      // Both may fail, and each in a promise: into a pipe the sink writes at once.
      await this.sink.write(bytes);
      await this.sink.flush();
    } catch (error) {
      if ((error as { code?: string }).code !== "EPIPE") throw error;
      this.closed = true;
    }
  }
}
