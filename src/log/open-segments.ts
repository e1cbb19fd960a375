/**
 * Opens the segments of a shard's folder: sealed ones as they are, the last one and what is pending through
 * recovery. Afterwards everything that can be read is on the disk, and every file has its final name.
 */
import { dirname } from "node:path";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import { AppendBuffers } from "./append-buffers.ts";
import { Checkpoint, endsAt } from "./checkpoint.ts";
import { type Gap, Gaps } from "./gaps.ts";
import type { Journal } from "./journal.ts";
import { baseOffsetInName, DELETED_SUFFIX, isPartOfLog, segmentPaths } from "./layout.ts";
import type { Durability } from "./log-factory.ts";
import type { Boundary, LogEnd } from "./log-end.ts";
import { storageError } from "./log-file.ts";
import { type LogIoKind, logIoOf } from "./log-io.ts";
import { LogStart } from "./log-start.ts";
import { syncTransactionsFile } from "./transactions-file.ts";
import { hasTransactions, recoverTransactionsFile } from "./transactions-recovery.ts";
import { type DurablePart, recoverTail } from "./recovery.ts";
import { Segment, type SegmentParts } from "./segment.ts";
import { WarmFiles } from "../base/warm-files.ts";

/** What a log by itself keeps warm. */
const WARM_FILES = 64;

export interface CommitLogOptions {
  folder: string;
  fileSystem: FileSystem;
  logger: Logger;
  /** How files are written and read; "file" when left out. */
  logIo?: LogIoKind;
  /** A segment takes no batch past this size (a first batch that is larger is taken all the same). */
  segmentBytesMax: number;
  /** Records older than this may be deleted; Infinity keeps them. */
  retentionMs: number;
  /** Segments past this size may be deleted, oldest first; Infinity keeps them. */
  retentionBytes: number;
  /** When appends are acknowledged. Default "sync". */
  durability?: Durability;
  /** Roll to a new segment when an index of the last one has so many bytes; 10 MiB when left out. */
  indexBytesMax?: number;
  /** Roll to a new segment when the last one is so old; Infinity when left out. */
  segmentAgeMsMax?: number;
  /** Shared by the logs of a data folder, to hold a bounded number of files open; a log's own when left out. */
  warmFiles?: WarmFiles;
  /** Memory for small appends, shared by the logs of a data folder; a log's own when left out. */
  appendBuffers?: AppendBuffers;
  /** Syncs all that is written, with others who ask at the same time; undefined when each file has to be synced. */
  syncTogether?: () => Promise<void> | undefined;
  /** Where its records may become durable together with other logs'; without one, only its own files are synced. */
  journal?: Journal | undefined;
  /** Told when the log has closed. */
  onClosed?: () => void;
}

/** A shard's folder, opened. */
export interface OpenedLog {
  parts: SegmentParts;
  segments: Segment[];
  checkpoint: Checkpoint;
  start: LogStart;
  gaps: Gaps;
  /** Largest timestamp of the log, or one that it had earlier. */
  newestMs: number;
  /** Wall time at which the last segment was started, as far as it is known. */
  startedAtMs: number | undefined;
}

/** Throws VoikError disk_full, storage_failed or storage_damaged. `onDamage` is told of gaps that are found later. */
export async function openSegments(
  options: CommitLogOptions,
  onDamage: (gap: Gap) => void,
): Promise<OpenedLog> {
  const { folder, fileSystem, logIo = "file", warmFiles: warm = new WarmFiles(WARM_FILES) } = options;
  const io = logIoOf(logIo, fileSystem, options.appendBuffers ?? new AppendBuffers(1));
  let log: OpenedLog | undefined;
  try {
    const names = fileSystem.exists(folder)
      ? await readFolder(options)
      : { sealed: [], pending: [], transactions: [] };
    const gaps = Gaps.open(fileSystem, folder);
    const noteDamage = (gap: Gap) => {
      if (!gaps.note(gap)) return;
      options.logger.error("damaged record batch: the shard takes no writes", { folder, ...gap });
      onDamage(gap);
    };
    log = {
      parts: { folder, fileSystem, io, warm, gaps, onDamage: noteDamage },
      segments: [],
      checkpoint: Checkpoint.open(fileSystem, folder, warm),
      start: LogStart.open(fileSystem, folder, warm),
      gaps,
      newestMs: -1,
      startedAtMs: undefined,
    };
    if (names.sealed.length + names.pending.length === 0) await firstSegment(log, options);
    else if (!openClean(log, names)) await recover(log, options, names);
    return log;
  } catch (error) {
    for (const segment of log?.segments ?? []) segment.close();
    log?.checkpoint.close();
    throw error instanceof VoikError ? error : storageError(error, `opening ${folder}`);
  }
}

interface FolderNames {
  /** Base offsets of .log files, ascending. */
  sealed: number[];
  /** Base offsets of .log.pending files, ascending. */
  pending: number[];
  /** Base offsets of .transactions files. */
  transactions: number[];
}

/** Sorts the folder's files; finishes deletions that a crash cut short; leaves strangers alone. */
async function readFolder({ folder, fileSystem, logger }: CommitLogOptions): Promise<FolderNames> {
  const sealed: number[] = [];
  const pending: number[] = [];
  const deleted: string[] = [];
  const transactions: number[] = [];
  for (const { name, kind } of fileSystem.list(folder)) {
    const log = baseOffsetInName(name, ".log");
    const ofTransactions = baseOffsetInName(name, ".transactions");
    const pendingLog = log === undefined ? baseOffsetInName(name, ".log.pending") : undefined;
    if (kind === "file" && log !== undefined) sealed.push(log);
    else if (kind === "file" && pendingLog !== undefined) pending.push(pendingLog);
    else if (kind === "file" && name.endsWith(DELETED_SUFFIX)) deleted.push(name);
    else if (kind === "file" && ofTransactions !== undefined) transactions.push(ofTransactions);
    else if (kind !== "file" || !isPartOfLog(name)) {
      logger.warn("left alone what is not part of a log", { path: `${folder}/${name}` });
    }
  }
  // The rename first, or a crash could bring back what had been gone.
  if (deleted.length > 0) await fileSystem.syncFolder(folder);
  for (const name of deleted) fileSystem.remove(`${folder}/${name}`);
  const ascending = (a: number, b: number) => a - b;
  return { sealed: sealed.sort(ascending), pending: pending.sort(ascending), transactions };
}

/** Makes the folder, durably, and then the first segment in it. */
async function firstSegment(log: OpenedLog, { folder, fileSystem }: CommitLogOptions): Promise<void> {
  // A folder that is there may still be one that an earlier attempt made and did not live to sync.
  fileSystem.makeFolder(folder);
  const stream = dirname(folder);
  await fileSystem.syncFolder(stream);
  await fileSystem.syncFolder(dirname(stream));
  const { parts } = log;
  const segment = Segment.over(parts, 0, parts.io.createLog(segmentPaths(folder, 0).log));
  log.segments.push(segment);
  log.checkpoint.make();
  await fileSystem.syncFolder(folder); // an empty file has nothing to sync; its name has
  log.checkpoint.note(segment.end, -1, 0);
}

/**
 * Opens a log that is on the disk as a whole, down to its last byte: nothing is scanned, synced or changed, and nothing
 * stays open. Returns false when it is not that sure.
 */
function openClean(log: OpenedLog, { sealed, pending }: FolderNames): boolean {
  const { parts, checkpoint, gaps } = log;
  const { end } = checkpoint;
  const last = sealed.at(-1);
  if (pending.length > 0 || end === undefined || last !== end.segmentBase || gaps.damaged) return false;
  const file = parts.fileSystem.open(segmentPaths(parts.folder, last).log, "write");
  try {
    if (!endsAt(file, end)) return false;
    if (file.size() > end.position) file.truncate(end.position);
  } finally {
    file.close();
  }
  addCold(log, sealed);
  log.segments.push(Segment.endingAt(parts, end));
  log.newestMs = end.newestMs;
  log.startedAtMs = end.startedAtMs || undefined;
  return true;
}

/** All segments but the last. None is opened: their names say where they start and end. */
function addCold({ parts, segments }: OpenedLog, sealed: readonly number[]): void {
  for (let i = 0; i + 1 < sealed.length; i++) {
    const baseOffset = sealed[i] as number;
    const bytes = parts.fileSystem.size(segmentPaths(parts.folder, baseOffset).log);
    segments.push(Segment.cold(parts, baseOffset, sealed[i + 1] as number, bytes));
  }
}

/** Opens a log that did not stop cleanly. */
async function recover(
  log: OpenedLog,
  options: CommitLogOptions,
  { sealed, pending, transactions }: FolderNames,
): Promise<void> {
  const { parts, segments, gaps, checkpoint } = log;
  const { folder, fileSystem, logger } = options;
  const settle = (sync: () => Promise<void>) => options.syncTogether?.() ?? sync();
  const last = sealed.at(-1);
  if (last === undefined) throw missingSegment(folder, pending[0] as number);
  addCold(log, sealed);
  const paths = segmentPaths(folder, last);
  let active = Segment.over(parts, last, parts.io.openLog(paths.log));
  segments.push(active);
  const durable = durablePart(checkpoint.end, last, active.file.endPosition);
  for (const gap of recoverTail(active, { fileSystem, logger, durable })) parts.onDamage(gap);
  const recovered = active;
  recoverTransactionsFile(fileSystem, paths.transactions, () =>
    hasTransactions(recovered, knownPart(durable, last), gaps),
  );
  checkpoint.make();
  await settle(async () => {
    await active.file.sync();
    await syncTransactionsFile(fileSystem, paths.transactions);
    // The names that are there may be the work of a process that did not live to sync them.
    await fileSystem.syncFolder(folder);
  });
  for (const baseOffset of pending) {
    // Nothing in a pending segment was ever acknowledged: it counts only as far as it follows without a gap.
    const pendingPaths = segmentPaths(folder, baseOffset);
    if (gaps.damaged || baseOffset !== active.endOffset || active.bytes === 0) {
      setAside(options, pendingPaths.pendingLog);
      continue;
    }
    active.seal();
    recoverTransactionsFile(fileSystem, pendingPaths.transactions, () => true);
    await settle(async () => {
      await syncTransactionsFile(fileSystem, pendingPaths.transactions);
      await fileSystem.syncFolder(folder);
    });
    fileSystem.rename(pendingPaths.pendingLog, pendingPaths.log);
    // Before the next one gets its name: a name that is there says that all before it are.
    await settle(() => fileSystem.syncFolder(folder));
    active.unpin();
    active = Segment.over(parts, baseOffset, parts.io.openLog(pendingPaths.log));
    segments.push(active);
    recoverTail(active, { fileSystem, logger, durable: { position: 0, endOffset: baseOffset } });
    await settle(() => active.file.sync());
  }
  const strays = removeStrays(options, transactions, active.baseOffset);
  if (pending.length > 0 || strays) await settle(() => fileSystem.syncFolder(folder));
  log.newestMs = newestOf(log);
  if (checkpoint.end?.segmentBase === active.baseOffset) {
    log.startedAtMs = checkpoint.end.startedAtMs || undefined;
  }
  if (gaps.damaged) return;
  checkpoint.note(active.end, log.newestMs, log.startedAtMs ?? 0);
  active.rest();
}

/**
 * Removes .transactions files of segments behind the last one, which never came to be: if a crash brought one back when
 * there is such a segment, it would tell of another past. Returns whether there were any.
 */
function removeStrays(options: CommitLogOptions, transactions: readonly number[], last: number): boolean {
  const strays = transactions.filter((baseOffset) => baseOffset > last);
  for (const baseOffset of strays)
    options.fileSystem.remove(segmentPaths(options.folder, baseOffset).transactions);
  return strays.length > 0;
}

/** Up to where a segment's .transactions file is known to be there if it is needed. */
function knownPart(durable: DurablePart | undefined, baseOffset: number): Boundary {
  if (durable === undefined) return { position: 0, offset: baseOffset };
  return { position: durable.position, offset: durable.endOffset };
}

/** What the checkpoint says about the last segment, which starts at `last` and has a file of `bytes` bytes. */
function durablePart(end: LogEnd | undefined, last: number, bytes: number): DurablePart | undefined {
  if (end === undefined) return undefined;
  if (end.segmentBase < last) return { position: 0, endOffset: last };
  // A later segment was on the disk and is gone; so all of this one was there.
  if (end.segmentBase > last) return { position: bytes, endOffset: end.endOffset };
  return end;
}

/** Largest timestamp of the log; older segments than the checkpoint's are not asked. */
function newestOf({ segments, checkpoint }: OpenedLog): number {
  const { end } = checkpoint;
  let newest = end?.newestMs ?? -1;
  for (const segment of segments) {
    if (end && segment.baseOffset < end.segmentBase) continue;
    newest = Math.max(newest, segment.maxTimestampMs);
  }
  return newest;
}

/** Keeps an unacknowledged pending file for people to look at, out of the way of new segments. */
function setAside({ fileSystem, logger }: CommitLogOptions, path: string): void {
  const torn = path.replace(/\.log\.pending$/, ".0.torn");
  if (fileSystem.exists(torn)) fileSystem.remove(torn);
  fileSystem.rename(path, torn);
  logger.warn("set aside an unacknowledged segment", { path: torn });
}

function missingSegment(folder: string, pending: number): VoikError {
  return new VoikError("storage_damaged", `${folder} lacks the segment before offset ${pending}`);
}
