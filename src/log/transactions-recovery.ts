/**
 * What opening does for .transactions files when a log did not stop cleanly. A batch may have survived that the file
 * of its segment did not survive with, because neither was synced; what is served from now on has to have one.
 *
 *   last .log        makes the file if a batch of a transaction lies behind the checkpoint; what lies before it has one
 *   .log.pending     makes the file at any rate, before the segment gets its name
 *
 * As with the log itself, the device is asked and not the page cache, which may hold what a failed sync has lost. What a
 * file says about the end of its segment is cut off: it may be of an end that the crash took.
 *
 * A file that is made here says that nobody knows what was open when the segment began: the segments before it tell.
 */
import type { FileSystem } from "../base/file-system.ts";
import { isTransactional } from "./control-batch.ts";
import type { Gaps } from "./gaps.ts";
import { nextOutsideGaps } from "./gap-scan.ts";
import { headerScan } from "./header-scan.ts";
import type { Boundary } from "./log-end.ts";
import type { Segment } from "./segment.ts";
import { cutSealedPart, makeTransactionsFile } from "./transactions-file.ts";

/**
 * Sees to the file at `path`: makes it if it is missing and `isNeeded`, and has it say nothing of the segment's end. The
 * caller syncs it. Throws the system's error.
 */
export function recoverTransactionsFile(fileSystem: FileSystem, path: string, isNeeded: () => boolean): void {
  if (fileSystem.exists(path)) cutSealedPart(fileSystem, path, true);
  else if (isNeeded()) makeTransactionsFile(fileSystem, path, undefined);
}

/** Whether `segment` has a batch of a transaction from `from` on. */
export function hasTransactions({ file, bytes, baseOffset }: Segment, from: Boundary, gaps: Gaps): boolean {
  headerScan.start(file, from.position, bytes, from.offset);
  for (;;) {
    const step = nextOutsideGaps(gaps, baseOffset, file, bytes);
    if (step === "end") return false;
    if (step === "bad") return true; // who knows
    if (step === "batch" && isTransactional(headerScan.window, headerScan.at)) return true;
  }
}
