/**
 * Gives a log back what the journal has of it and its own files lost in a crash. Doing it again, after a crash in the
 * middle, changes nothing: what the log has is passed over.
 */
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Journal } from "./journal.ts";
import { storageError } from "./log-file.ts";
import type { SegmentEnd } from "./segment.ts";
import { baseOffsetOf, batchBytesOf, nextOffsetOf } from "./record-batch.ts";

/** A log that was just opened. */
export interface Replayed {
  readonly endOffset: number;
  /** It takes no more writes. */
  readonly damaged: boolean;
  /** Appends a stamped batch that begins at `endOffset`. Throws VoikError disk_full or storage_failed. */
  putBack(batch: Buffer): void;
  /** No more is put back for now: reserved space goes. Throws VoikError storage_failed. */
  trimFile(): void;
  /** Closes its files as they are. */
  letGo(): void;
  /** Makes durable what was put back. Rejects when a sync failed. */
  syncRound(): Promise<SegmentEnd>;
  endRound(end: SegmentEnd): void;
}

/**
 * Resolves when `log` has on the disk whatever the journal can give it. When that fails the log is let go of. Throws
 * VoikError disk_full or storage_failed.
 */
export async function replay(
  journal: Journal,
  log: Replayed,
  { folder, logger }: { folder: string; logger: Logger },
): Promise<void> {
  const key = journal.keyOf(folder);
  try {
    const { records, whole } = putBackAll(journal, key, log, logger);
    if (records > 0) {
      log.trimFile();
      log.endRound(await log.syncRound());
      logger.info("records came back from the journal", { log: key, records });
    }
    if (whole) journal.settle(key);
  } catch (error) {
    log.letGo();
    throw error instanceof VoikError ? error : storageError(error, `reading the journal for ${folder}`);
  }
}

/** Puts records back as far as they follow one another; `whole` when that is all that the journal has. */
function putBackAll(journal: Journal, key: string, log: Replayed, logger: Logger) {
  let records = 0;
  const entries = journal.entriesOf(key);
  for (const [i, entry] of entries.entries()) {
    // The next entry begins at the end of this one or behind it: mostly the log has it all, and nothing is read.
    if ((entries[i + 1]?.baseOffset ?? Infinity) <= log.endOffset) continue;
    const batches = journal.read(entry);
    for (let at = 0; at < batches.length; at += batchBytesOf(batches, at)) {
      if (nextOffsetOf(batches, at) <= log.endOffset) continue;
      const baseOffset = baseOffsetOf(batches, at);
      if (log.damaged || baseOffset !== log.endOffset) {
        const offsets = { logEnd: log.endOffset, journal: baseOffset };
        logger.error("the journal has records that the log can't take; it is kept", { log: key, ...offsets });
        return { records, whole: false };
      }
      records += nextOffsetOf(batches, at) - baseOffset;
      log.putBack(batches.subarray(at, at + batchBytesOf(batches, at)));
    }
  }
  return { records, whole: true };
}
