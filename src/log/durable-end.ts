/**
 * How far a log can be read: an offset, the segment that it lies in and the byte there. It only moves forward.
 *
 *   [ sealed ][ sealed ][ active      ]
 *   ==========================)          offset; position, in the third segment
 */
import type { JournalRound } from "./journal-frame.ts";
import type { Boundary } from "./log-end.ts";
import type { Segment, SegmentEnd } from "./segment.ts";
import type { SegmentList } from "./segment-list.ts";

export class DurableEnd {
  offset: number;
  /**
   * Largest timestamp in the readable part of the log, or one that it had earlier. It never goes down: a crash may bring
   * back a segment whose deletion was not durable, and the checkpoint has this number.
   */
  newestMs: number;
  /** The same without those of earlier; undefined until they were seen to be gone. */
  private foundMs: number | undefined;
  private segment: Segment;
  private position: number;
  /** Largest timestamp in the readable part of its segment. */
  private segmentNewestMs: number;

  /** At the end of the last of `segments`. */
  constructor(
    private readonly segments: SegmentList,
    newestMs: number,
  ) {
    const { active } = segments;
    this.newestMs = newestMs;
    this.offset = active.endOffset;
    this.segment = active;
    this.position = active.bytes;
    this.segmentNewestMs = active.maxTimestampMs;
  }

  /** Moves it to `end`; false when that lies before it. */
  moveTo(end: SegmentEnd): boolean {
    // An empty segment moves no offset, and yet the durable end lies in it from now on; the journal may have moved it
    // there while the segments before it were still being synced.
    if (end.offset < this.offset || end.segment.baseOffset < this.segment.baseOffset) return false;
    const passed = end.segment === this.segment ? -1 : this.segments.newestBetween(this.segment, end.segment);
    this.newestMs = Math.max(this.newestMs, passed, end.newestMs);
    if (this.foundMs !== undefined) this.foundMs = Math.max(this.foundMs, passed, end.newestMs);
    this.segment = end.segment;
    this.position = end.position;
    this.segmentNewestMs = end.newestMs;
    this.offset = end.offset;
    return true;
  }

  /** The largest timestamp as far as it is known. */
  get likelyNewestMs(): number {
    return this.foundMs ?? this.newestMs;
  }

  /** Looks for the largest timestamp again: what had it is gone. */
  findNewest(): number {
    return (this.foundMs = Math.max(this.segmentNewestMs, this.segments.newestBefore(this.segment)));
  }

  /** The bytes of `segment` that can be read. */
  bytesOf(segment: Segment): number {
    return segment === this.segment ? this.position : segment.bytes;
  }

  /** Where reading `segment` ends: at the durable end, or at `until`, where a batch begins, if that comes before. */
  endIn(segment: Segment, until: number): Boundary {
    const position = this.bytesOf(segment);
    const offset = Math.min(this.offset, segment.endOffset);
    if (until >= offset) return { position, offset };
    return { position: segment.find(until, position).position, offset: until };
  }

  /** Puts what lies behind it, up to the end of the log, into `round`. */
  collectRest(round: JournalRound, key: Buffer): void {
    let { position, offset } = this;
    for (const segment of this.segments.from(this.segment)) {
      if (segment.bytes > position) round.add(key, segment.file, position, segment.bytes - position, offset);
      position = 0;
      offset = segment.endOffset;
    }
  }
}
