/**
 * Opens the segments of a shard's folder: sealed ones as they are, the last one and what is pending through
 * recovery. Afterwards everything that can be read is on the disk, and every file has its final name.
 */
import { dirname } from "node:path";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import type { Durability } from "./log-factory.ts";
import { baseOffsetInName, DELETED_SUFFIX, segmentPaths } from "./layout.ts";
import { storageError } from "./log-file.ts";
import { type LogIoKind, logIoOf } from "./log-io.ts";
import { recoverTail } from "./recovery.ts";
import { Segment } from "./segment.ts";

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
  /** Told when the log has closed. */
  onClosed?: () => void;
}

export interface OpenedSegments {
  segments: Segment[];
  /** Why the log can be read but not written. */
  damaged: VoikError | undefined;
}

/** Throws VoikError disk_full, storage_failed or storage_damaged. */
export async function openSegments(options: CommitLogOptions): Promise<OpenedSegments> {
  try {
    const names = options.fileSystem.exists(options.folder)
      ? readFolder(options)
      : { sealed: [], pending: [] };
    return names.sealed.length + names.pending.length === 0
      ? await firstSegment(options)
      : await open(options, names);
  } catch (error) {
    throw error instanceof VoikError ? error : storageError(error, `opening ${options.folder}`);
  }
}

interface FolderNames {
  /** Base offsets of .log files, ascending. */
  sealed: number[];
  /** Base offsets of .log.pending files, ascending. */
  pending: number[];
}

/** Sorts the folder's files; finishes deletions that a crash cut short; leaves strangers alone. */
function readFolder({ folder, fileSystem, logger }: CommitLogOptions): FolderNames {
  const sealed: number[] = [];
  const pending: number[] = [];
  for (const { name, kind } of fileSystem.list(folder)) {
    const log = baseOffsetInName(name, ".log");
    const pendingLog = baseOffsetInName(name, ".log.pending");
    if (kind === "file" && log !== undefined) sealed.push(log);
    else if (kind === "file" && pendingLog !== undefined) pending.push(pendingLog);
    else if (kind === "file" && name.endsWith(DELETED_SUFFIX)) fileSystem.remove(`${folder}/${name}`);
    else if (kind !== "file" || !/^\d{20}\.(index|timeindex|\d+\.torn)$/.test(name)) {
      logger.warn("left alone what is not part of a log", { path: `${folder}/${name}` });
    }
  }
  const ascending = (a: number, b: number) => a - b;
  return { sealed: sealed.sort(ascending), pending: pending.sort(ascending) };
}

/** Makes the folder, durably, and then the first segment in it. */
async function firstSegment(options: CommitLogOptions): Promise<OpenedSegments> {
  const { folder, fileSystem } = options;
  // A folder that is there may still be one that an earlier attempt made and did not live to sync.
  fileSystem.makeFolder(folder);
  const stream = dirname(folder);
  await fileSystem.syncFolder(stream);
  await fileSystem.syncFolder(dirname(stream));
  const paths = segmentPaths(folder, 0);
  const io = logIoOf(options.logIo ?? "file", fileSystem);
  const segment = Segment.over(io, paths, 0, io.createLog(paths.log));
  try {
    await segment.file.sync();
    await fileSystem.syncFolder(folder);
  } catch (error) {
    segment.close();
    throw error;
  }
  return { segments: [segment], damaged: undefined };
}

async function open(options: CommitLogOptions, names: FolderNames): Promise<OpenedSegments> {
  const segments: Segment[] = [];
  try {
    const damaged = await openInto(segments, options, names);
    return { segments, damaged };
  } catch (error) {
    for (const segment of segments) segment.close();
    throw error;
  }
}

/** Opens into `segments`, so that they can be closed when it fails half-way; returns why the log is read-only. */
async function openInto(
  segments: Segment[],
  options: CommitLogOptions,
  { sealed, pending }: FolderNames,
): Promise<VoikError | undefined> {
  const { folder, fileSystem, logger } = options;
  const io = logIoOf(options.logIo ?? "file", fileSystem);
  const last = sealed.pop();
  if (last === undefined) throw missingSegment(folder, pending[0] as number);
  for (const [i, baseOffset] of sealed.entries()) {
    const endOffset = sealed[i + 1] ?? last;
    segments.push(Segment.openSealed(io, segmentPaths(folder, baseOffset), baseOffset, endOffset));
  }
  const paths = segmentPaths(folder, last);
  let active = Segment.over(io, paths, last, io.openLog(paths.log));
  segments.push(active);
  const { damagedAt } = recoverTail(fileSystem, active, logger);
  await active.file.sync();
  // The names that are there may be the work of a process that did not live to sync them.
  if (pending.length > 0) await fileSystem.syncFolder(folder);
  for (const baseOffset of pending) {
    // Nothing in a pending segment was ever acknowledged: it counts only as far as it follows without a gap.
    const pendingPaths = segmentPaths(folder, baseOffset);
    if (damagedAt !== undefined || baseOffset !== active.endOffset || active.bytes === 0) {
      setAside(options, pendingPaths.pendingLog);
      continue;
    }
    active.seal();
    fileSystem.rename(pendingPaths.pendingLog, pendingPaths.log);
    // Before the next one gets its name: a name that is there says that all before it are.
    await fileSystem.syncFolder(folder);
    active = Segment.over(io, pendingPaths, baseOffset, io.openLog(pendingPaths.log));
    segments.push(active);
    recoverTail(fileSystem, active, logger);
    await active.file.sync();
  }
  await fileSystem.syncFolder(folder);
  return damagedAt === undefined ? undefined : damagedLog(paths.log, damagedAt);
}

/** Keeps an unacknowledged pending file for people to look at, out of the way of new segments. */
function setAside({ fileSystem, logger }: CommitLogOptions, path: string): void {
  const torn = path.replace(/\.log\.pending$/, ".0.torn");
  if (fileSystem.exists(torn)) fileSystem.remove(torn);
  fileSystem.rename(path, torn);
  logger.warn("set aside an unacknowledged segment", { path: torn });
}

function damagedLog(path: string, position: number): VoikError {
  return new VoikError(
    "storage_damaged",
    `damaged record batch in ${path} at byte ${position}: the shard can be read up to there, not written`,
  );
}

function missingSegment(folder: string, pending: number): VoikError {
  return new VoikError("storage_damaged", `${folder} lacks the segment before offset ${pending}`);
}
