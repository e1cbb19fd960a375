/** The seam between a log and the sync scheduler (group-commit.ts): who says when, and who does it. */
import type { Journaled } from "./journal.ts";
import type { JournalRound } from "./journal-frame.ts";
import type { SegmentEnd } from "./segment.ts";

/** A log, as the scheduler sees it. */
export interface Syncable extends Journaled {
  /**
   * Makes durable what has been appended when it is called: by syncing its files, or, if `covered` is given, by waiting
   * for that, which syncs them with others'. Resolves to where that ends. Rejects when a sync failed. One at a time.
   */
  syncRound(covered?: Promise<void>): Promise<SegmentEnd>;
  /** Tells those who wait for what a round has made durable; the next round may have begun. */
  endRound(end: SegmentEnd): void;
  /** Whether something is appended that no round has covered. */
  readonly dirty: boolean;
  /** Whether it wants to be synced as soon as can be; otherwise what is written counts, and is synced by and by. */
  readonly eager: boolean;
  /** Whether somebody waits for it to be synced. */
  readonly urgent: boolean;
  /** Has everything in its files that was appended, and is not on the disk. Throws VoikError disk_full or storage_failed. */
  flush(): void;
  /** Of a log that is not eager: tells those who wait for what has been appended when it is called. */
  showWritten(): void;
  /** Bytes appended and not yet synced. */
  readonly unsyncedBytes: number;
  /** Whether what is appended now may become durable in the journal. */
  readonly journalable: boolean;
  /** Puts everything into `round` that nobody may read yet; returns where it ends. */
  collect(round: JournalRound): SegmentEnd;
  /** What was collected up to `end` is durable. */
  noteJournaled(end: SegmentEnd): void;
  /** Tells those who wait for what is durable. */
  tellDurable(): void;
  /** A sync failed that it depended on: tells those who wait. */
  failSync(error: unknown): void;
}
