/**
 * What opening a shard does to the end of its log (DESIGN: the durability contract). The last segment is read from
 * its first byte, checksums and all, from the device and not from the page cache.
 *
 *   good batch | good batch | torn tail .........|      cut; the cut bytes are kept in a .torn file
 *   good batch | bad bytes  | more good batches, further than anything unsynced reaches |      damage: nothing is
 *                                                       cut or deleted, and the shard takes no writes
 *
 * Recovering twice equals recovering once.
 */
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import type { LogFile } from "./log-file.ts";
import type { Segment } from "./segment.ts";
import {
  BATCH_HEADER_BYTES,
  batchBytesOf,
  baseOffsetOf,
  isIntactBatch,
  magicOf,
  maxTimestampOf,
  nextOffsetOf,
} from "./record-batch.ts";

const WINDOW_BYTES = 1 << 20;

/** Bytes that the log lets lie unsynced at most, which is as far as a torn tail can reach. */
export const UNSYNCED_BYTES_MAX = 8 << 20;

export interface TailRecovery {
  /** Bytes cut off the end; 0 when the log ended with a whole batch. */
  cutBytes: number;
  /** Where damage was found that is no torn tail; the log is readable up to there. */
  damagedAt: number | undefined;
}

/**
 * Reads the whole of `segment`, fills its indexes, and cuts a torn tail. The caller syncs what was accepted before
 * it serves any of it.
 */
export function recoverTail(fileSystem: FileSystem, segment: Segment, logger: Logger): TailRecovery {
  const { file } = segment;
  file.dropCache();
  const fileEnd = file.endPosition;
  const scan = new BatchScan(file, fileEnd);
  let position = 0;
  for (let batch = scan.batchAt(0); batch; batch = scan.batchAt(position)) {
    if (baseOffsetOf(batch) !== segment.endOffset) break;
    segment.noteBatch(
      position,
      batch.length,
      baseOffsetOf(batch),
      nextOffsetOf(batch),
      maxTimestampOf(batch),
    );
    position += batch.length;
  }
  const cutBytes = fileEnd - position;
  if (cutBytes === 0) return { cutBytes, damagedAt: undefined };
  if (cutBytes > UNSYNCED_BYTES_MAX && scan.hasLaterBatch(position + 1, segment.endOffset)) {
    logger.error("damaged record batch: the shard is read-only", { file: segment.paths.log, byte: position });
    return { cutBytes: 0, damagedAt: position };
  }
  keepTornTail(fileSystem, file, segment.paths.torn(position), position, fileEnd);
  file.cutAt(position);
  logger.warn("cut a torn tail", { file: segment.paths.log, byte: position, bytes: cutBytes });
  return { cutBytes, damagedAt: undefined };
}

/** Copies the bytes from `start` to `end` into a file of their own, in place of an older attempt. */
function keepTornTail(fileSystem: FileSystem, file: LogFile, path: string, start: number, end: number): void {
  if (fileSystem.exists(path)) fileSystem.remove(path);
  const torn = fileSystem.open(path, "create");
  const piece = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, end - start));
  for (let at = start; at < end; at += piece.length) {
    const bytes = file.read(piece.subarray(0, Math.min(piece.length, end - at)), at);
    torn.write(piece.subarray(0, bytes), at - start);
  }
  torn.close();
}

/** Whole batches of a file through one window, which grows to the largest batch it meets. */
class BatchScan {
  private window = Buffer.allocUnsafe(WINDOW_BYTES);
  private windowAt = 0;
  private windowBytes = 0;

  constructor(
    private readonly file: LogFile,
    private readonly end: number,
  ) {}

  /** The intact batch at `position`; undefined when there is none. A view that the next call overwrites. */
  batchAt(position: number): Buffer | undefined {
    const header = this.view(position, BATCH_HEADER_BYTES);
    if (header === undefined || magicOf(header) !== 2) return undefined;
    const bytes = batchBytesOf(header);
    if (bytes < BATCH_HEADER_BYTES) return undefined;
    const batch = this.view(position, bytes);
    return batch !== undefined && isIntactBatch(batch) ? batch : undefined;
  }

  /** Whether an intact batch with an offset of at least `offset` starts at `position` or behind it. */
  hasLaterBatch(position: number, offset: number): boolean {
    for (let at = position; at + BATCH_HEADER_BYTES <= this.end; at++) {
      const header = this.view(at, BATCH_HEADER_BYTES);
      if (header === undefined) return false;
      if (magicOf(header) !== 2 || baseOffsetOf(header) < offset) continue;
      const bytes = batchBytesOf(header);
      if (bytes >= BATCH_HEADER_BYTES && at + bytes <= this.end && this.batchAt(at)) return true;
    }
    return false;
  }

  /** The `bytes` bytes at `position`; undefined when the file has fewer. */
  private view(position: number, bytes: number): Buffer | undefined {
    if (position + bytes > this.end) return undefined;
    if (position < this.windowAt || position + bytes > this.windowAt + this.windowBytes) {
      if (bytes > this.window.length) this.window = Buffer.allocUnsafe(bytes);
      this.windowAt = position;
      this.windowBytes = this.file.read(
        this.window.subarray(0, Math.min(this.window.length, this.end - position)),
        position,
      );
      if (this.windowBytes < bytes) return undefined;
    }
    const at = position - this.windowAt;
    return this.window.subarray(at, at + bytes);
  }
}
