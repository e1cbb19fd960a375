/**
 * How far a log is on the disk in its own files; the journal may have more of it. It only moves forward, a round of
 * syncing at a time.
 *
 *   [ .log ][ .log ][ .log.pending ][ .log.pending, active ]
 *   ================)                                             offset; a round syncs from there on, names too
 */
import type { LogTransactions } from "./log-transactions.ts";
import type { Segment, SegmentEnd } from "./segment.ts";
import type { SegmentList } from "./segment-list.ts";
import type { SegmentRoll } from "./segment-roll.ts";

export class SyncedEnd {
  offset: number;
  /** The segment that it lies in. */
  segment: Segment;

  /** At the end of the last of `segments`. */
  constructor(
    private readonly segments: SegmentList,
    private readonly rolls: SegmentRoll,
    private readonly transactions: LogTransactions,
  ) {
    this.segment = segments.active;
    this.offset = segments.active.endOffset;
  }

  /**
   * Has on the disk what is appended now, by syncing its files or, with `covered`, by waiting for that. Throws what the disk
   * answered.
   */
  async sync(covered?: Promise<void>): Promise<void> {
    const unsynced = this.segments.from(this.segment);
    if (covered) await covered;
    await this.transactions.sync();
    for (const segment of unsynced) {
      if (this.rolls.isPending(segment)) await this.rolls.promote(segment);
      if (!covered) await segment.file.sync();
    }
  }

  /** Moves it to `end`, which a sync has reached; the segments before that one need not stay open. */
  moveTo({ segment, offset }: SegmentEnd): void {
    for (const passed of this.segments.from(this.segment)) {
      if (passed === segment) break;
      passed.unpin();
    }
    this.segment = segment;
    this.offset = offset;
  }
}
