/**
 * The transactions of one shard as its batches tell them, without a disk: which are open, which were aborted, and up to
 * where the log is settled.
 *
 *   offsets    | a | b | b | a | A! | c | c | B✓ | …            a, b, c: batches of producers; A! abort, B✓ commit
 *                                     ^ stable end: c is open, and nothing before its first record can change any more
 *
 * An ended transaction counts as open until its marker is durable. Entries of aborted ones are four numbers each, and
 * ascend by the marker's offset, so the ones that a piece of the log needs are found by halving.
 */
import { isControl, isTransactional } from "./control-batch.ts";
import { baseOffsetOf, producerIdOf } from "./record-batch.ts";
import type { AbortedTransaction, OpenTransaction } from "./shard-log.ts";

/** producer id, first offset, offset of the marker, stable end behind the marker */
const NUMBERS = 4;
export type AbortedEntry = readonly [
  producerId: number,
  firstOffset: number,
  marker: number,
  stableEnd: number,
];

export class ShardTransactions {
  /** By producer id, in the order of their first offsets. */
  private readonly open = new Map<number, OpenTransaction>();
  private firstOpen = Infinity;
  private aborted: number[] = [];
  /** Ended ones whose marker may not be durable: first offset and marker of each, by marker. */
  private readonly ending: { first: number; marker: number }[] = [];

  get openOnes(): Iterable<OpenTransaction> {
    return this.open.values();
  }

  get openCount(): number {
    return this.open.size;
  }

  isOpen(producerId: number): boolean {
    return this.open.has(producerId);
  }

  /** Replaces what is open by what a snapshot says. */
  setOpen(transactions: readonly OpenTransaction[]): void {
    this.open.clear();
    for (const one of transactions) this.open.set(one.producerId, one);
    this.findFirst();
  }

  addAborted(entry: AbortedEntry): void {
    this.aborted.push(...entry);
  }

  /** A batch of a transaction lies at `offset`. */
  begin(producerId: number, producerEpoch: number, offset: number): void {
    if (this.open.has(producerId)) return;
    this.open.set(producerId, { producerId, producerEpoch, firstOffset: offset });
    this.firstOpen = Math.min(this.firstOpen, offset);
  }

  /** A marker lies at `offset`, durable or not. */
  end(producerId: number, aborted: boolean, offset: number): void {
    const one = this.open.get(producerId);
    if (one === undefined) return;
    this.open.delete(producerId);
    this.findFirst();
    this.ending.push({ first: one.firstOffset, marker: offset });
    if (aborted) this.addAborted([producerId, one.firstOffset, offset, Math.min(this.firstOpen, offset + 1)]);
  }

  /** Up to where nothing can change any more, of a log that can be read up to `durableEnd`. */
  stableEnd(durableEnd: number): number {
    const { ending } = this;
    while (ending.length > 0 && (ending[0] as { marker: number }).marker < durableEnd) ending.shift();
    let stable = Math.min(durableEnd, this.firstOpen);
    for (const { first } of ending) stable = Math.min(stable, first);
    return stable;
  }

  /** Aborted transactions with records from `from` on and before `to`. */
  abortedIn(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    const { aborted } = this;
    for (let i = this.firstEntryFrom(from); i < aborted.length; i += NUMBERS) {
      const firstOffset = aborted[i + 1] as number;
      if (firstOffset < to) {
        found.push({
          producerId: aborted[i] as number,
          firstOffset,
          markerOffset: aborted[i + 2] as number,
        });
      }
      // Whatever was aborted later starts here or behind it.
      if ((aborted[i + 3] as number) >= to) break;
    }
    return found;
  }

  /** The entries whose markers lie from `from` on and before `to`. */
  *entries(from: number, to: number): Generator<AbortedEntry> {
    for (let i = this.firstEntryFrom(from); i < this.aborted.length; i += NUMBERS) {
      const entry = this.aborted.slice(i, i + NUMBERS) as unknown as AbortedEntry;
      if (entry[2] >= to) return;
      yield entry;
    }
  }

  /** Forgets aborted ones that lie wholly before `offset`. */
  forgetBefore(offset: number): void {
    const kept = this.firstEntryFrom(offset);
    if (kept > 0) this.aborted = this.aborted.slice(kept);
  }

  private findFirst(): void {
    this.firstOpen = Infinity;
    for (const { firstOffset } of this.open.values()) this.firstOpen = Math.min(this.firstOpen, firstOffset);
  }

  /** Where the first entry stands whose marker lies at `offset` or behind it. */
  private firstEntryFrom(offset: number): number {
    let low = 0;
    let high = this.aborted.length / NUMBERS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.aborted[middle * NUMBERS + 2] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low * NUMBERS;
  }
}

/** Whether the records of `batch` are for readers: it is no marker, and not of one of the `aborted` transactions. */
export function isShown(batch: Buffer, aborted: readonly AbortedTransaction[]): boolean {
  if (isControl(batch)) return false;
  if (aborted.length === 0 || !isTransactional(batch)) return true;
  const producerId = producerIdOf(batch);
  const offset = baseOffsetOf(batch);
  return !aborted.some(
    (one) => one.producerId === producerId && one.firstOffset <= offset && offset <= one.markerOffset,
  );
}
