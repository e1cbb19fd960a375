/**
 * What opening a shard does to the end of its log, when it did not stop cleanly (README.md tells all of it). The
 * last segment is read from its first byte, checksums and all, from the device and not from the page cache.
 *
 *   good batch | good batch | torn tail .........|      cut; the cut bytes are kept in a .torn file
 *   good batch | good batch | zeros .............|      cut: space that was reserved and never written
 *   good batch | bad bytes  | good batch | … checkpoint      damage: those bytes were on the disk once, and good.
 *                                                       Nothing is cut or deleted, the shard takes no writes
 *
 * The checkpoint decides (checkpoint.ts). Where there is none, bad bytes are damage when good ones lie further behind
 * them than unsynced writes reach. Recovering twice equals recovering once.
 */
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import { BatchScan } from "./batch-scan.ts";
import type { Gap } from "./gaps.ts";
import { FileLogFile, type LogFile } from "./log-file.ts";
import type { Segment } from "./segment.ts";
import { baseOffsetOf, maxTimestampOf, nextOffsetOf } from "./record-batch.ts";

const PIECE_BYTES = 1 << 20;

/** Bytes that the log lets lie unsynced at most, which is as far as a torn tail can reach. */
export const UNSYNCED_BYTES_MAX = 8 << 20;

/** What is known to have been on the disk, of the segment that is recovered: up to this byte, and this offset. */
export interface DurablePart {
  position: number;
  endOffset: number;
}

export interface RecoveryOptions {
  fileSystem: FileSystem;
  logger: Logger;
  /** Undefined when nothing is known. */
  durable: DurablePart | undefined;
}

/**
 * Reads the whole of `segment`, fills its indexes, and cuts a torn tail. The caller syncs what was accepted before
 * it serves any of it. Returns the damage, oldest first: ranges that were on the disk and are no batches now.
 */
export function recoverTail(segment: Segment, options: RecoveryOptions): Gap[] {
  const { file } = segment;
  file.dropCache();
  const fileEnd = file.endPosition;
  const scan = new BatchScan(file, fileEnd);
  const gaps: Gap[] = [];
  let position = 0;
  for (;;) {
    position = noteBatches(scan, segment, position);
    const gap = damageAt(scan, segment, position, options);
    if (gap === undefined) break;
    gaps.push(gap);
    segment.noteGap(gap.end, gap.to);
    position = gap.end;
    if (position === fileEnd) break;
  }
  if (gaps.length === 0 && position < fileEnd) cutTail(segment, position, options);
  return gaps;
}

/** Notes good batches from `position` on; returns where they end. */
function noteBatches(scan: BatchScan, segment: Segment, position: number): number {
  let at = position;
  for (let batch = scan.batchAt(at); batch; batch = scan.batchAt(at)) {
    const baseOffset = baseOffsetOf(batch);
    if (baseOffset !== segment.endOffset) break;
    segment.noteBatch(at, batch.length, baseOffset, nextOffsetOf(batch), maxTimestampOf(batch));
    at += batch.length;
  }
  return at;
}

/** The damage that starts at `position`, where no good batch starts; undefined when it is the end of the log. */
function damageAt(
  scan: BatchScan,
  segment: Segment,
  position: number,
  { durable }: RecoveryOptions,
): Gap | undefined {
  const { baseOffset: segmentBase, endOffset: from } = segment;
  const isEnd =
    durable === undefined
      ? scan.nextBatch(position + UNSYNCED_BYTES_MAX, from) === undefined
      : position >= durable.position && from >= durable.endOffset;
  if (isEnd) return undefined;
  const behind = scan.behind(position, from, durable?.endOffset ?? Infinity);
  return { segmentBase, position, end: behind.position, from, to: behind.offset, setAside: false };
}

/** Cuts what lies behind the last good batch, and keeps it if it is more than reserved space. */
function cutTail(segment: Segment, position: number, { fileSystem, logger }: RecoveryOptions): void {
  const { file, paths } = segment;
  const dataEnd = endOfData(file, position, file.endPosition);
  if (dataEnd > position) {
    keepTornTail(fileSystem, file, paths.torn(position), position, dataEnd);
    logger.warn("cut a torn tail", { file: paths.log, byte: position, bytes: dataEnd - position });
  }
  file.cutAt(position);
}

/** The byte behind the last one that is not zero, between `start` and `end`; `start` when there is none. */
export function endOfData(file: Pick<LogFile, "read">, start: number, end: number): number {
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
