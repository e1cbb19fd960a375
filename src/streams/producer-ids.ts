/**
 * Ids of idempotent producers, never given out twice: they are set aside in the catalog a thousand at a time, durably,
 * before the first of them is used. A crash wastes what is left of a thousand.
 */
const TAKEN = 1000;

export class ProducerIds {
  private nextId = 0;
  private left = 0;

  /** `take` sets so many ids aside, for ever, and returns the first. */
  constructor(private readonly take: (count: number) => number) {}

  /** An id that nobody has had. Throws what `take` throws. */
  next(): number {
    if (this.left === 0) {
      this.nextId = this.take(TAKEN);
      this.left = TAKEN;
    }
    this.left--;
    return this.nextId++;
  }
}
