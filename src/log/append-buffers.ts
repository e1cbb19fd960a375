/**
 * Memory in which log files hold small appends until they are written together. The logs of a data folder share it; a
 * file that finds none left writes each append at once.
 */
const BUFFER_BYTES = 64 << 10;

export class AppendBuffers {
  private readonly free: Buffer[] = [];
  private made = 0;

  constructor(private readonly buffersMax: number) {}

  take(): Buffer | undefined {
    if (this.free.length > 0 || this.made === this.buffersMax) return this.free.pop();
    this.made++;
    return Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  giveBack(buffer: Buffer): void {
    this.free.push(buffer);
  }
}
