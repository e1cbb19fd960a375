/**
 * The bytes that requests may hold in memory, all together: bodies while they are worked on, and large replies until
 * their client has taken them. What does not fit is refused, and its client comes back later.
 */
import { KinesisError } from "./errors.ts";

export class MemoryBudget {
  private heldBytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** Takes `bytes`; gives what hands them back, once, however often it is called. Throws ServiceUnavailable. */
  take(bytes: number): () => void {
    const giveBack = this.tryTake(bytes);
    if (giveBack === undefined) throw tooMuchInWork();
    return giveBack;
  }

  /** As `take`, but undefined when there are not so many left. */
  tryTake(bytes: number): (() => void) | undefined {
    if (this.heldBytes + bytes > this.bytesMax) return undefined;
    this.heldBytes += bytes;
    let held = true;
    return () => {
      if (held) this.heldBytes -= bytes;
      held = false;
    };
  }
}

/** What a client is told when memory is short. */
export function tooMuchInWork(): KinesisError {
  return new KinesisError("ServiceUnavailable", "Too many requests are in work: try again.", 503);
}
