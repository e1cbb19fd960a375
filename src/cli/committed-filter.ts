/**
 * Tells which batches of one fetch a reader of committed records shows, by the rule of Kafka's clients (KIP-98): a
 * transaction that the broker names as aborted hides its producer's batches from its first offset on, until the
 * producer's abort marker comes by.
 */
import { isControl, isTransactional, markerKindOf } from "../log/control-batch.ts";
import { nextOffsetOf, producerIdOf } from "../log/record-batch.ts";

/** An aborted transaction, as Fetch names it. */
export interface AbortedFrom {
  readonly producerId: number;
  readonly firstOffset: number;
}

export class CommittedFilter {
  /** By their first offsets, the last one first. */
  private readonly toCome: AbortedFrom[];
  private readonly aborted = new Set<number>();

  constructor(aborted: readonly AbortedFrom[]) {
    this.toCome = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether the records of `batch` are to be shown; asked once of each batch, in their order. */
  shows(batch: Buffer): boolean {
    const end = nextOffsetOf(batch);
    for (let next = this.toCome.at(-1); next && next.firstOffset < end; next = this.toCome.at(-1)) {
      this.aborted.add(next.producerId);
      this.toCome.pop();
    }
    const producerId = producerIdOf(batch);
    if (!isControl(batch)) return !isTransactional(batch) || !this.aborted.has(producerId);
    if (markerKindOf(batch) === "abort") this.aborted.delete(producerId);
    return false;
  }
}
