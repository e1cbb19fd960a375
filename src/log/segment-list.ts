/**
 * The segments of one log, oldest first; there is always at least one. The last one is appended to.
 *
 *   | oldest | … | … | active |       each starts at the offset at which the one before it ends
 */
import type { Segment } from "./segment.ts";

export class SegmentList {
  constructor(private readonly segments: Segment[]) {}

  get oldest(): Segment {
    return this.segments[0] as Segment;
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  get sizeBytes(): number {
    return this.segments.reduce((bytes, segment) => bytes + segment.bytes, 0);
  }

  [Symbol.iterator](): Iterator<Segment> {
    return this.segments[Symbol.iterator]();
  }

  push(segment: Segment): void {
    this.segments.push(segment);
  }

  /** Forgets the oldest one, which is not the active one. */
  shift(): void {
    this.segments.shift();
  }

  /** From `segment`, one of the last few, to the active one. */
  from(segment: Segment): Segment[] {
    return this.segments.slice(this.segments.lastIndexOf(segment));
  }

  /** Largest timestamp of the segments before `end` (of all without it), from `start` on if that is given. */
  newestMs(end?: Segment, start?: Segment): number {
    let newestMs = -1;
    for (let i = start ? this.segments.lastIndexOf(start) : 0; i < this.segments.length; i++) {
      const segment = this.segments[i] as Segment;
      if (segment === end) break;
      newestMs = Math.max(newestMs, segment.maxTimestampMs);
    }
    return newestMs;
  }

  /** The segment that holds `offset`, by halving. */
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
}
