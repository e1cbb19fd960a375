/**
 * How far a shard's log is known to be on the disk: written into the page cache after each sync, never synced itself.
 *
 *   log          ====================)-------        synced | written
 *   checkpoint   =============)                      at most what was synced
 *
 * It is a lower bound, whenever it is read: bad bytes below it are damage, because they were good once. After a clean
 * stop, or a kill -9 of an idle log, the last segment ends exactly at the checkpoint, and opening it scans nothing; one
 * byte more, and the segment is scanned. A checkpoint that is missing, torn or wrong costs a scan and nothing else.
 */
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { CHECKPOINT_NAME } from "./layout.ts";
import type { LogEnd } from "./log-end.ts";
import { BATCH_HEADER_BYTES, batchBytesOf, magicOf, nextOffsetOf } from "./record-batch.ts";
import { endOfData } from "./recovery.ts";
import type { SegmentEnd } from "./segment.ts";
import { SlotFile } from "../base/slot-file.ts";
import type { WarmFiles } from "../base/warm-files.ts";

export class Checkpoint {
  private constructor(private readonly slots: SlotFile) {}

  /** Reads the checkpoint of the shard in `folder`. Throws the system's error. */
  static open(fileSystem: FileSystem, folder: string, warm: WarmFiles): Checkpoint {
    return new Checkpoint(SlotFile.open(fileSystem, `${folder}/${CHECKPOINT_NAME}`, warm));
  }

  /** What was known to be on the disk; undefined when nothing can be said. */
  get end(): LogEnd | undefined {
    const { values } = this.slots;
    if (values === undefined) return undefined;
    const [segmentBase = 0, position = 0, endOffset = 0, lastBatchPosition = 0, ...rest] = values;
    const [segmentNewestMs = -1, newestMs = -1, startedAtMs = 0] = rest;
    return { segmentBase, position, endOffset, lastBatchPosition, segmentNewestMs, newestMs, startedAtMs };
  }

  /** Makes the file when it is missing, so that syncing the folder gives it a name for good. Throws the system's error. */
  make(): void {
    this.slots.make();
  }

  /**
   * Notes that everything before `end` of a segment is on the disk, names too, and what else the next start wants to know.
   * Failing costs that start a scan, so it is not reported.
   */
  note(end: SegmentEnd, newestMs: number, startedAtMs: number): void {
    const { segment, position, offset, lastBatchPosition, newestMs: segmentNewestMs } = end;
    const { baseOffset } = segment;
    const values = [baseOffset, position, offset, lastBatchPosition, segmentNewestMs, newestMs, startedAtMs];
    if (this.slots.values?.every((value, i) => value === values[i])) return;
    try {
      this.slots.write(values);
    } catch {
      // The older checkpoint still holds.
    }
  }

  close(): void {
    this.slots.close();
  }
}

/**
 * Whether `file`, the last segment's, holds the last batch that `end` names just where it says, and nothing behind it
 * but space that was reserved: a checkpoint that is older than the file is not taken for its end.
 */
export function endsAt(file: OpenFile, end: LogEnd): boolean {
  const size = file.size();
  if (size < end.position || endOfData(file, end.position, size) !== end.position) return false;
  if (end.position === 0) return end.endOffset === end.segmentBase;
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES);
  return (
    file.read(header, end.lastBatchPosition) === header.length &&
    magicOf(header) === 2 &&
    end.lastBatchPosition + batchBytesOf(header) === end.position &&
    nextOffsetOf(header) === end.endOffset
  );
}
