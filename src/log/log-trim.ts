/**
 * What a log gives up at its start, and where it therefore begins: whole segments that have outlived their retention, and
 * whatever lies before the offset that it was trimmed to.
 *
 *   | deleted | trimmed, in a segment … | kept … | active |
 *                                       ^ startOffset
 */
import type { DurableEnd } from "./durable-end.ts";
import { storageError } from "./log-file.ts";
import type { LogStart } from "./log-start.ts";
import type { LogTransactions } from "./log-transactions.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import { retentionAllowsDeleting, SegmentDeletion } from "./retention.ts";
import type { SegmentList } from "./segment-list.ts";
import type { SyncedEnd } from "./synced-end.ts";

/** What the trim of a log works with. */
interface TrimParts {
  options: CommitLogOptions;
  segments: SegmentList;
  transactions: LogTransactions;
  start: LogStart;
  synced: SyncedEnd;
  readable: DurableEnd;
  /** Told when a sync has failed, so that nobody knows what is deleted: nothing may go on. */
  onFailedSync(error: unknown): void;
}

export class LogTrim {
  private readonly deletion: SegmentDeletion;

  constructor(private readonly parts: TrimParts) {
    this.deletion = new SegmentDeletion(parts.options, parts.segments, parts.transactions);
  }

  /** The first offset that can be read. */
  get startOffset(): number {
    const { segments, start, readable } = this.parts;
    return Math.min(Math.max(segments.oldest.baseOffset, start.offset), readable.offset);
  }

  /** The deletion that is under way. */
  get busy(): Promise<void> | undefined {
    return this.deletion.busy;
  }

  /**
   * Deletes the oldest segment if the retention has passed it by at `nowMs`, never one that is not wholly on the disk.
   * Resolves to whether it did. Throws what the disk answered.
   */
  async applyRetention(nowMs: number): Promise<boolean> {
    const { options, segments, synced } = this.parts;
    const { oldest, sizeBytes } = segments;
    if (oldest === synced.segment || this.deletion.busy) return false;
    if (!retentionAllowsDeleting(oldest, sizeBytes, nowMs, options)) return false;
    await this.deleteOldest();
    return true;
  }

  /**
   * Makes `offset` the first one that can be read, for ever, and deletes the segments before it. Resolves when that is
   * durable. Throws VoikError storage_failed or disk_full.
   */
  async to(offset: number): Promise<void> {
    const { options, start, synced, segments } = this.parts;
    try {
      // Of what a crash can take, nothing can be trimmed.
      await start.moveTo(options.durability === "os" ? Math.min(offset, synced.offset) : offset);
    } catch (error) {
      throw storageError(error, "trimming a log");
    }
    while (segments.oldest !== synced.segment && segments.oldest.endOffset <= offset) {
      await (this.deletion.busy ?? this.deleteOldest());
    }
  }

  private async deleteOldest(): Promise<void> {
    const { segments, transactions, onFailedSync } = this.parts;
    const { oldest } = segments;
    try {
      await this.deletion.deleteOldest();
      transactions.forget(oldest, this.startOffset);
    } catch (error) {
      if (this.deletion.failed) onFailedSync(error);
      throw error;
    }
  }
}
