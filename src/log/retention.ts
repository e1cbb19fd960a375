/** When records may go: whole segments, oldest first, by the age of their newest record or by the log's size. */
import { DELETED_SUFFIX } from "./layout.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import type { Segment } from "./segment.ts";

/** Whether `segment`, the oldest of a log of `logBytes`, has outlived the log's retention at `nowMs`. */
export function retentionAllowsDeleting(
  segment: Segment,
  logBytes: number,
  nowMs: number,
  { retentionMs, retentionBytes }: CommitLogOptions,
): boolean {
  return segment.maxTimestampMs < nowMs - retentionMs || logBytes - segment.bytes >= retentionBytes;
}

/**
 * Takes a segment's files away so that a crash can't bring them back: rename, sync the folder, unlink. Readers that
 * still hold the file go on.
 */
export async function deleteSegment(
  { fileSystem, folder }: CommitLogOptions,
  segment: Segment,
): Promise<void> {
  const deleted = segment.paths.log + DELETED_SUFFIX;
  segment.close();
  fileSystem.rename(segment.paths.log, deleted);
  await fileSystem.syncFolder(folder);
  fileSystem.remove(deleted);
  for (const path of [segment.paths.offsetIndex, segment.paths.timeIndex]) {
    if (fileSystem.exists(path)) fileSystem.remove(path);
  }
}
