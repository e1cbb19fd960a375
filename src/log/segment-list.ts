/**
 * The segments of one log, oldest first; there is always at least one. The last one is appended to.
 *
 *   | oldest | … | … | active |       each starts at the offset at which the one before it ends
 *
 * Look-ups halve. Offsets ascend by themselves; timestamps need not, so they are looked up in a running maximum, which
 * is made by the first such look-up, grows with the list, and is made anew after a deletion.
 *
 *   newest of the segment   10  30  20  40      the first one with a record of 25 or newer
 *   running maximum         10  30  30  40      is the first one where this reaches 25
 */
import type { Segment } from "./segment.ts";

export class SegmentList {
  /** Bytes of all segments but the active one. */
  private sealedBytes = 0;
  /** Largest timestamp of the segments up to each one, as far as it was asked for; never of the active one. */
  private readonly newestUpTo: number[] = [];

  constructor(private readonly segments: Segment[]) {
    for (const segment of segments) if (segment !== this.active) this.sealedBytes += segment.bytes;
  }

  get oldest(): Segment {
    return this.segments[0] as Segment;
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  get sizeBytes(): number {
    return this.sealedBytes + this.active.bytes;
  }

  [Symbol.iterator](): Iterator<Segment> {
    return this.segments[Symbol.iterator]();
  }

  /** Puts `segment` behind the active one, which has got its last batch. */
  push(segment: Segment): void {
    this.sealedBytes += this.active.bytes;
    this.segments.push(segment);
  }

  /** Forgets the oldest one, which is not the active one. */
  shift(): void {
    this.sealedBytes -= this.oldest.bytes;
    this.segments.shift();
    this.newestUpTo.length = 0;
  }

  /** From `segment`, one of the last few, to the active one. */
  from(segment: Segment): Segment[] {
    return this.segments.slice(this.segments.lastIndexOf(segment));
  }

  /** Largest timestamp of the segments from `start`, one of the last few, to the one before `end`; -1 when there are none. */
  newestBetween(start: Segment, end: Segment): number {
    let newestMs = -1;
    for (let i = this.segments.lastIndexOf(start); this.segments[i] !== end; i++) {
      newestMs = Math.max(newestMs, (this.segments[i] as Segment).maxTimestampMs);
    }
    return newestMs;
  }

  /** Largest timestamp of the segments before `end`, one of the last few; -1 when there are none. */
  newestBefore(end: Segment): number {
    const known = this.runningMaximum();
    const count = this.segments.lastIndexOf(end);
    if (count <= known.length) return known[count - 1] ?? -1;
    return Math.max(known.at(-1) ?? -1, this.newestBetween(this.segments[known.length] as Segment, end));
  }

  /**
   * Segments in order, from the first one on that has a record of `timestampMs` or newer; some that have none may be
   * among them.
   */
  fromTimestamp(timestampMs: number): Iterable<Segment> {
    const known = this.runningMaximum();
    let low = 0;
    let high = known.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((known[middle] as number) >= timestampMs) high = middle;
      else low = middle + 1;
    }
    return this.after(low);
  }

  /** The segment that holds `offset`. */
  holding(offset: number): Segment {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.segments[middle] as Segment).baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return this.segments[low] as Segment;
  }

  private *after(first: number): Generator<Segment> {
    for (let i = first; i < this.segments.length; i++) yield this.segments[i] as Segment;
  }

  /** For every segment but the active one, or up to one that can't be read: look-ups walk on from there. */
  private runningMaximum(): readonly number[] {
    const { newestUpTo, segments } = this;
    try {
      for (let i = newestUpTo.length; i < segments.length - 1; i++) {
        newestUpTo.push(Math.max(newestUpTo[i - 1] ?? -1, (segments[i] as Segment).maxTimestampMs));
      }
    } catch {
      // Whoever needs that segment is told what is wrong with it.
    }
    return newestUpTo;
  }
}
