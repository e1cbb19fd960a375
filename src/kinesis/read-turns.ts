/**
 * Large reads take turns: one in each turn of the event loop, and what comes meanwhile waits for the next. Bun accepts
 * connections, and answers what they ask, for as long as there are more of them, and looks at nothing else until then.
 * Clients that ask for a megabyte, leave and come again would never let it end: nobody else is served, and replies of
 * clients that have left pile up unnoticed. Reads that find little wait for nobody.
 */
import type { Clock } from "../base/clock.ts";
import { KinesisError } from "./errors.ts";

/** From so many bytes on, a read is the last one of its turn. */
const LARGE_BYTES = 256 * 1024;

export class ReadTurns {
  /** A large one was made in this turn. */
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly clock: Pick<Clock, "defer">) {}

  /**
   * What `read` gives: at once, or in a later turn; never of a client that has `hungUp` meanwhile: then it rejects with
   * ServiceUnavailable, which nobody hears.
   */
  run<Result>(read: () => Result, context: { readonly hungUp: AbortSignal }): Result | Promise<Result> {
    if (!this.taken) return read();
    // Asked for now: made later, it would not know.
    const { hungUp } = context;
    return new Promise((resolve, reject) => {
      this.waiting.push(() => {
        try {
          if (hungUp.aborted) throw new KinesisError("ServiceUnavailable", "", 503);
          resolve(read());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** A read has found `bytes`. */
  took(bytes: number): void {
    if (bytes < LARGE_BYTES || this.taken) return;
    this.taken = true;
    this.clock.defer(this.next);
  }

  private readonly next = (): void => {
    this.taken = false;
    while (!this.taken && this.waiting.length > 0) this.waiting.shift()?.();
  };
}
