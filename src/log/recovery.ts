/**
 * What opening a shard does to the end of its log (DESIGN: the durability contract). The last segment is read from
 * its first byte, checksums and all, from the device and not from the page cache.
 *
 *   good batch | good batch | torn tail .........|      cut; the cut bytes are kept in a .torn file
 *   good batch | good batch | zeros .............|      cut: space that was reserved and never written
 *   good batch | bad bytes  | more good batches, further than anything unsynced reaches |      damage: nothing is
 *                                                       cut or deleted, and the shard takes no writes
 *
 * Recovering twice equals recovering once.
 */
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import { BatchScan } from "./batch-scan.ts";
import { FileLogFile, type LogFile } from "./log-file.ts";
import type { Segment } from "./segment.ts";
import { baseOffsetOf, maxTimestampOf, nextOffsetOf } from "./record-batch.ts";

const PIECE_BYTES = 1 << 20;

/** Bytes that the log lets lie unsynced at most, which is as far as a torn tail can reach. */
export const UNSYNCED_BYTES_MAX = 8 << 20;

export interface TailRecovery {
  /** Bytes cut off the end, zeros behind them left out; 0 when nothing but zeros followed the last whole batch. */
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
  if (position === fileEnd) return { cutBytes: 0, damagedAt: undefined };
  const dataEnd = endOfData(file, position, fileEnd);
  const cutBytes = dataEnd - position;
  if (cutBytes > UNSYNCED_BYTES_MAX && scan.nextBatch(position + 1, segment.endOffset) !== undefined) {
    logger.error("damaged record batch: the shard is read-only", { file: segment.paths.log, byte: position });
    return { cutBytes: 0, damagedAt: position };
  }
  if (cutBytes > 0) {
    keepTornTail(fileSystem, file, segment.paths.torn(position), position, dataEnd);
    logger.warn("cut a torn tail", { file: segment.paths.log, byte: position, bytes: cutBytes });
  }
  file.cutAt(position);
  return { cutBytes, damagedAt: undefined };
}

/** The byte behind the last one that is not zero, between `start` and `end`; `start` when there is none. */
function endOfData(file: LogFile, start: number, end: number): number {
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - start));
  const zeros = Buffer.alloc(piece.length);
  for (let to = end; to > start; to -= piece.length) {
    const from = Math.max(start, to - piece.length);
    let bytes = file.read(piece.subarray(0, to - from), from);
    if (piece.subarray(0, bytes).equals(zeros.subarray(0, bytes))) continue;
    while (piece[bytes - 1] === 0) bytes--;
    return from + bytes;
  }
  return start;
}

/** Copies the bytes from `start` to `end` into a file of their own, in place of an older attempt. Throws disk_full. */
function keepTornTail(fileSystem: FileSystem, file: LogFile, path: string, start: number, end: number): void {
  if (fileSystem.exists(path)) fileSystem.remove(path);
  const torn = new FileLogFile(fileSystem.open(path, "create"));
  try {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - start));
    for (let at = start; at < end; at += piece.length) {
      const bytes = file.read(piece.subarray(0, Math.min(piece.length, end - at)), at);
      torn.append(piece.subarray(0, bytes));
    }
  } finally {
    torn.release();
  }
}
