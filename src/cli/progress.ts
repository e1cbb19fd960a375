/** How far a long command is, on one line that is written over and over; silent where nobody watches a terminal. */
import { formatBytes } from "../base/units.ts";

const INTERVAL_MS = 100;
const BAR_CELLS = 24;

export class Progress {
  /** Bytes done. */
  done = 0;
  private readonly startedMs = performance.now();
  private shownMs = -INTERVAL_MS;

  /** `total`: bytes to do. `out`: where to write; nothing is written unless it is a terminal. */
  constructor(
    private readonly total: number,
    private readonly out: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
  ) {}

  get seconds(): number {
    return (performance.now() - this.startedMs) / 1000;
  }

  /** Bytes a second so far, as text. */
  get rate(): string {
    return `${formatBytes(this.done / Math.max(this.seconds, 0.001))}/s`;
  }

  add(bytes: number): void {
    this.done += bytes;
    if (!this.out.isTTY || performance.now() - this.shownMs < INTERVAL_MS) return;
    this.shownMs = performance.now();
    this.out.write(`\r${this.line()}\x1b[K`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.out.isTTY) this.out.write("\r\x1b[K");
  }

  private line(): string {
    const share = Math.min(1, this.total === 0 ? 1 : this.done / this.total);
    const cells = Math.round(share * BAR_CELLS);
    const bar = "#".repeat(cells).padEnd(BAR_CELLS, ".");
    const percent = String(Math.floor(share * 100)).padStart(3);
    const left = share > 0 ? Math.ceil(this.seconds / share - this.seconds) : 0;
    return `[${bar}] ${percent} %  ${formatBytes(this.done)} of ${formatBytes(this.total)}  ${this.rate}  ${left} s left`;
  }
}
