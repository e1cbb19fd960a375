/**
 * Verifies a shard's folder: every log file, that they follow each other without a gap, their indexes, and what else
 * lies there. Reads only; needs no server. A running voik may go on meanwhile if it is told so (`growing`).
 */
import type { FileSystem } from "../base/file-system.ts";
import { Checkpoint } from "./checkpoint.ts";
import { type DamagedRange, describeDamage, type Note } from "./damage.ts";
import { type Gap, Gaps } from "./gaps.ts";
import { baseOffsetInName, DELETED_SUFFIX, isPartOfLog, segmentPaths } from "./layout.ts";
import { type SegmentReport, verifySegment } from "./verify-segment.ts";
import { WarmFiles } from "../base/warm-files.ts";

export interface ShardReport {
  segments: number;
  bytes: number;
  batches: number;
  records: number;
  startOffset: number;
  endOffset: number;
  damage: DamagedRange[];
  notes: Note[];
}

export interface VerifyOptions {
  growing?: boolean;
  pace?: (bytes: number) => Promise<void> | void;
}

/** Verifies the shard in `folder`. Throws the system's error when the folder itself can't be read. */
export async function verifyShard(
  fileSystem: FileSystem,
  folder: string,
  { growing = false, pace }: VerifyOptions = {},
): Promise<ShardReport> {
  const end = Checkpoint.open(fileSystem, folder, new WarmFiles(1)).end;
  const gaps = Gaps.open(fileSystem, folder).all;
  const { logs, notes, pending } = listShard(fileSystem, folder);
  const report: ShardReport = {
    segments: 0,
    bytes: 0,
    batches: 0,
    records: 0,
    startOffset: logs[0] ?? 0,
    endOffset: logs[0] ?? 0,
    damage: [],
    notes: [],
  };
  for (const [i, baseOffset] of logs.entries()) {
    const paths = segmentPaths(folder, baseOffset);
    const nextBaseOffset = logs[i + 1];
    const last = nextBaseOffset === undefined;
    const durable = last && end && end.segmentBase >= baseOffset ? end : undefined;
    const segment = { fileSystem, paths, baseOffset, nextBaseOffset, durable, growing: growing && last };
    const found = await orGone(verifySegment({ ...segment, ...(pace ? { pace } : {}) }), growing);
    if (found) add(report, found, (range) => isSetAside(gaps, baseOffset, range));
  }
  if (!growing) {
    if (logs.length === 0) {
      const endOffset = pending[0] ?? undefined;
      report.damage.push({ path: folder, position: 0, bytes: 0, offset: 0, endOffset });
    }
    report.notes.push(...notes);
  }
  return report;
}

/** Bytes of the log files in `folder`: what verifying it will read. */
export function shardBytes(fileSystem: FileSystem, folder: string): number {
  return listShard(fileSystem, folder).logs.reduce((bytes, baseOffset) => {
    const { log } = segmentPaths(folder, baseOffset);
    return bytes + (fileSystem.exists(log) ? fileSystem.size(log) : 0);
  }, 0);
}

function add(report: ShardReport, segment: SegmentReport, isKnown: (range: DamagedRange) => boolean): void {
  report.segments++;
  report.bytes += segment.bytes;
  report.batches += segment.batches;
  report.records += segment.records;
  report.endOffset = segment.endOffset;
  for (const range of segment.damage) {
    if (!isKnown(range)) report.damage.push(range);
    else report.notes.push({ path: range.path, message: `set aside by a repair: ${describeDamage(range)}` });
  }
  report.notes.push(...segment.notes);
}

/** Whether one of a log's gaps says that an operator knows of `range`, so that the log goes on without it. */
export function isSetAside(gaps: readonly Gap[], segmentBase: number, range: DamagedRange): boolean {
  return gaps.some(
    (gap) =>
      gap.setAside &&
      gap.segmentBase === segmentBase &&
      gap.position === range.position &&
      gap.from <= range.offset &&
      gap.to >= (range.endOffset ?? Infinity),
  );
}

/** The result, or undefined when retention of a running voik has taken the file away. */
async function orGone<T>(result: Promise<T>, growing: boolean): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (growing && (error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Base offsets of the log files, ascending; those of pending ones; and what to say of the other files. */
export function listShard(fileSystem: FileSystem, folder: string) {
  const logs: number[] = [];
  const pending: number[] = [];
  const notes: Note[] = [];
  for (const { name, kind } of fileSystem.list(folder)) {
    const path = `${folder}/${name}`;
    const log = kind === "file" ? baseOffsetInName(name, ".log") : undefined;
    const pendingLog = kind === "file" ? baseOffsetInName(name, ".log.pending") : undefined;
    if (log !== undefined) logs.push(log);
    else if (pendingLog !== undefined) {
      pending.push(pendingLog);
      notes.push({ path, message: "a new segment, nothing of it acknowledged: the next start decides" });
    } else if (/^\d{20}\.\d+\.torn$/.test(name))
      notes.push({ path, message: "bytes that recovery set aside" });
    else if (/^\d{20}\.\d+\.bad$/.test(name))
      notes.push({ path, message: "damaged bytes that a repair copied" });
    else if (name.endsWith(DELETED_SUFFIX)) notes.push({ path, message: "the next start removes it" });
    else if (kind !== "file" || !isPartOfLog(name))
      notes.push({ path, message: "not part of a log: left alone" });
  }
  const ascending = (a: number, b: number) => a - b;
  return { logs: logs.sort(ascending), pending: pending.sort(ascending), notes };
}
