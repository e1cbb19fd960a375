/**
 * Reads take turns: once those of one turn of the event loop have found 2 MiB, further ones wait for the next. Bun accepts
 * connections, and answers what they ask, for as long as there are more of them, and looks at nothing else until then.
 * Clients that ask for a megabyte, leave and come again would never let it end: nobody else is served, and replies of
 * clients that have left pile up unnoticed.
 */
import type { Clock } from "../base/clock.ts";
import { KinesisError } from "./errors.ts";

/** Found in one turn; one read may pass it. */
const TURN_BYTES_MAX = 2 * 1024 * 1024;

export class ReadTurns {
  /** What reads have found in this turn. */
  private bytes = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly clock: Pick<Clock, "defer">) {}

  /**
   * What `read` gives: at once, or in a later turn; never for a request whose client has `hungUp` meanwhile: then it
   * rejects with ServiceUnavailable, which nobody hears.
   */
  run<Result>(read: () => Result, request?: { readonly hungUp: AbortSignal }): Result | Promise<Result> {
    if (this.bytes < TURN_BYTES_MAX) return read();
    // Asked for now: made later, it would not know.
    const hungUp = request?.hungUp;
    return new Promise((resolve, reject) => {
      this.waiting.push(() => {
        try {
          if (hungUp?.aborted) throw new KinesisError("ServiceUnavailable", "", 503);
          resolve(read());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** A read has found `bytes`. */
  took(bytes: number): void {
    if (bytes === 0) return;
    if (this.bytes === 0) this.clock.defer(this.next);
    this.bytes += bytes;
  }

  private readonly next = (): void => {
    this.bytes = 0;
    while (this.bytes < TURN_BYTES_MAX && this.waiting.length > 0) this.waiting.shift()?.();
  };
}
