/** When records may go: whole segments, oldest first, by the age of their newest record or by the log's size. */
import { DELETED_SUFFIX } from "./layout.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import type { Segment } from "./segment.ts";

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
 * Takes a segment's files away so that a crash can't bring them back: rename, sync the folder, unlink. Readers that
 * still hold the file go on. First the rename: while that fails, the segment is still there.
 */
export function hideSegment({ fileSystem }: CommitLogOptions, { paths }: Segment): void {
  fileSystem.rename(paths.log, paths.log + DELETED_SUFFIX);
}

/** Removes what `hideSegment` has renamed, once that is durable. */
export function removeSegment({ fileSystem }: CommitLogOptions, segment: Segment): void {
  fileSystem.remove(segment.paths.log + DELETED_SUFFIX);
  for (const path of [segment.paths.offsetIndex, segment.paths.timeIndex]) {
    if (fileSystem.exists(path)) fileSystem.remove(path);
  }
}
