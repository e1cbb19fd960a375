/** When records may go: whole segments, oldest first, by the age of their newest record or by the log's size. */
import { assert } from "../base/assert.ts";
import { DELETED_SUFFIX } from "./layout.ts";
import type { LogTransactions } from "./log-transactions.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import type { Segment } from "./segment.ts";
import type { SegmentList } from "./segment-list.ts";

/** Whether `segment`, the oldest of a log of `logBytes`, has outlived the log's retention at `nowMs`. */
export function retentionAllowsDeleting(
  segment: Segment,
  logBytes: number,
  nowMs: number,
  { retentionMs, retentionBytes }: Pick<CommitLogOptions, "retentionMs" | "retentionBytes">,
): boolean {
  return segment.maxTimestampMs < nowMs - retentionMs || logBytes - segment.bytes >= retentionBytes;
}

/**
 * Takes the oldest segment's files away so that a crash can't bring them back: rename, sync the folder, unlink. One at
 * a time: a crash may undo the last deletion, and none before it, which would leave a gap.
 */
export class SegmentDeletion {
  /** The deletion that is under way. */
  busy: Promise<void> | undefined;
  /** A sync failed: nothing may be deleted any more. */
  failed = false;

  constructor(
    private readonly options: Pick<CommitLogOptions, "fileSystem" | "folder">,
    private readonly segments: SegmentList,
    private readonly transactions: LogTransactions,
  ) {}

  /** At once for readers; those who still hold the file go on. Throws what the disk answered. */
  deleteOldest(): Promise<void> {
    assert(this.busy === undefined && !this.failed, "segments are deleted one at a time");
    this.busy = this.remove().finally(() => (this.busy = undefined));
    return this.busy;
  }

  private async remove(): Promise<void> {
    const { fileSystem, folder } = this.options;
    const [oldest, next] = this.segments as Iterable<Segment> as [Segment, Segment];
    // What only the oldest segment tells of open transactions is noted beside the next one first.
    if (this.transactions.noteOpenAt(next)) await this.syncTransactions();
    const { log, offsetIndex, timeIndex, transactions } = oldest.paths;
    fileSystem.rename(log, log + DELETED_SUFFIX); // first: while that fails, the segment is still there
    this.segments.shift();
    oldest.close();
    try {
      await fileSystem.syncFolder(folder);
    } catch (error) {
      this.failed = true;
      throw error;
    }
    fileSystem.remove(log + DELETED_SUFFIX);
    for (const path of [offsetIndex, timeIndex, transactions]) {
      if (fileSystem.exists(path)) fileSystem.remove(path);
    }
  }

  private async syncTransactions(): Promise<void> {
    try {
      await this.transactions.sync();
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }
}
