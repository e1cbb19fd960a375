/**
 * The transactions of a log, kept in step with its batches and found again when it is opened. What they are now is in
 * memory (shard-transactions.ts); beside each segment that they touch lies a small file (transactions-file.ts).
 *
 *   segment without a file        no batch of a transaction in it, and none was open when it began: not read
 *   sealed, file whole            open and aborted ones are in the file
 *   else                          what was open is in the file, the rest in the segment's batch headers
 *
 * So opening reads the headers of one segment, the last one, and that only if a transaction touched it. All of it waits
 * until the first batch of a transaction, or the first reader who asks.
 */
import { VoikError } from "../base/errors.ts";
import { isControl, isTransactional, MARKER_BYTES_MAX, markerKindOf } from "./control-batch.ts";
import type { Gaps } from "./gaps.ts";
import { nextOutsideGaps } from "./gap-scan.ts";
import { headerScan } from "./header-scan.ts";
import { baseOffsetInName, segmentPaths } from "./layout.ts";
import { storageError } from "./log-file.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import { baseOffsetOf, NO_PRODUCER_ID, producerEpochOf, producerIdOf } from "./record-batch.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { OpenTransaction } from "./shard-log.ts";
import { ShardTransactions } from "./shard-transactions.ts";
import {
  cutSealedPart,
  makeTransactionsFile,
  readTransactionsFile,
  syncTransactionsFile,
  writeOpenPart,
  writeSealedPart,
} from "./transactions-file.ts";

export class LogTransactions {
  /** Undefined until it was found again. */
  private state: ShardTransactions | undefined;
  /** Base offsets of the segments that have a file. */
  private readonly files = new Set<number>();
  /** What was open when segments began whose files don't say it. */
  private readonly unnoted = new Map<number, readonly OpenTransaction[]>();
  /** Something was appended since the log was opened. */
  private appended = false;
  /** Files that were made or changed and are not synced. */
  private unsynced: string[] = [];
  private syncing: Promise<void> = Promise.resolve();
  /** Files that are being synced. */
  private syncingCount = 0;

  constructor(
    private readonly options: Pick<CommitLogOptions, "folder" | "fileSystem">,
    private readonly segments: SegmentList,
    private readonly gaps: Gaps,
  ) {}

  /** What is known. Throws VoikError storage_failed when the disk can't be read. */
  get current(): ShardTransactions {
    return (this.state ??= this.restored());
  }

  /** Whether `batch` fits to what its producer has open. Throws VoikError transaction_invalid. */
  check(batch: Buffer): void {
    const producerId = producerIdOf(batch);
    if (producerId <= NO_PRODUCER_ID || isTransactional(batch) || !this.current.isOpen(producerId)) return;
    throw new VoikError(
      "transaction_invalid",
      `producer ${producerId} has a transaction open here: what it writes has to be part of it`,
    );
  }

  /** Before `batch` goes to `segment`: sees to the segment's file. Throws VoikError disk_full or storage_failed. */
  prepare(segment: Segment, batch: Buffer): void {
    if (!this.appended) this.firstAppend(segment);
    if (!isTransactional(batch)) return;
    const { openOnes } = this.current;
    if (!this.files.has(segment.baseOffset)) this.makeFile(segment.baseOffset, openOnes);
  }

  /** `batch` has been appended at the offset that is stamped into it. */
  note(batch: Buffer): void {
    if (isTransactional(batch)) noteBatch(this.current, batch, 0, markerKindOf(batch));
  }

  /** Before a segment is made at `baseOffset`: what is open stays known there. Throws VoikError disk_full, … */
  beforeRoll(baseOffset: number): void {
    const { folder, fileSystem } = this.options;
    const { openOnes, openCount } = this.current;
    const { transactions } = segmentPaths(folder, baseOffset);
    this.files.delete(baseOffset);
    if (openCount > 0) return this.makeFile(baseOffset, openOnes);
    try {
      if (fileSystem.exists(transactions)) fileSystem.remove(transactions); // of a segment that never was
    } catch (error) {
      throw storageError(error, "starting a new segment");
    }
  }

  /**
   * Before the segment in front of `segment` goes: has its file say what was open when it began. Returns whether that has
   * to be synced. Throws VoikError disk_full or storage_failed.
   */
  noteOpenAt({ baseOffset, paths }: Segment): boolean {
    void this.current;
    const open = this.unnoted.get(baseOffset);
    if (open === undefined) return false;
    try {
      writeOpenPart(this.options.fileSystem, paths.transactions, open);
    } catch (error) {
      throw storageError(error, "noting what transactions are open");
    }
    this.unnoted.delete(baseOffset);
    this.unsynced.push(paths.transactions);
    return true;
  }

  /** `segment` has got its last batch. Failing costs the next start a scan of it, so it is not reported. */
  seal({ baseOffset, endOffset, paths }: Segment): void {
    const { state } = this;
    if (!state || !this.files.has(baseOffset)) return;
    const aborted = [...state.entries(baseOffset, endOffset)];
    try {
      const sealed = { endOffset, open: [...state.openOnes], aborted };
      writeSealedPart(this.options.fileSystem, paths.transactions, sealed);
    } catch {
      // The segment still tells.
    }
  }

  /** Whether all files that were made are durable. */
  get synced(): boolean {
    return this.unsynced.length + this.syncingCount === 0;
  }

  /** Makes the files durable that batches of transactions came with. Rejects with the system's error. */
  sync(): Promise<void> {
    // Behind one that is under way: what that has taken counts only once it is over.
    if (this.unsynced.length > 0) this.syncing = this.syncing.then(() => this.syncFiles());
    return this.syncing;
  }

  /** Settles with the sync that is under way. */
  get settled(): Promise<void> {
    return this.syncing;
  }

  /** `segment` is gone, and `startOffset` is the first offset that can be read. */
  forget(segment: Segment, startOffset: number): void {
    this.files.delete(segment.baseOffset);
    this.unnoted.delete(segment.baseOffset);
    this.state?.forgetBefore(startOffset);
  }

  private async syncFiles(): Promise<void> {
    const { folder, fileSystem } = this.options;
    const paths = this.unsynced;
    this.unsynced = [];
    this.syncingCount += paths.length;
    for (const path of paths) await syncTransactionsFile(fileSystem, path);
    await fileSystem.syncFolder(folder);
    this.syncingCount -= paths.length;
  }

  /** What was said of the segment's end is said no more: a crash may bring another end at the same offset. */
  private firstAppend({ paths: { transactions } }: Segment): void {
    const { fileSystem } = this.options;
    try {
      if (fileSystem.exists(transactions)) {
        cutSealedPart(fileSystem, transactions);
        this.unsynced.push(transactions);
      }
    } catch (error) {
      throw storageError(error, "noting what transactions are open");
    }
    this.appended = true;
  }

  private makeFile(baseOffset: number, open: Iterable<OpenTransaction>): void {
    const { folder, fileSystem } = this.options;
    const path = segmentPaths(folder, baseOffset).transactions;
    try {
      makeTransactionsFile(fileSystem, path, open);
    } catch (error) {
      throw storageError(error, "noting what transactions are open");
    }
    this.files.add(baseOffset);
    this.unsynced.push(path);
  }

  private restored(): ShardTransactions {
    const { folder, fileSystem } = this.options;
    const state = new ShardTransactions();
    this.files.clear();
    this.unnoted.clear();
    try {
      for (const { name } of fileSystem.list(folder)) {
        const baseOffset = baseOffsetInName(name, ".transactions");
        if (baseOffset !== undefined) this.files.add(baseOffset);
      }
      for (const segment of this.segments) this.restoreFrom(segment, state);
      return state;
    } catch (error) {
      throw error instanceof VoikError ? error : storageError(error, "reading what transactions are open");
    }
  }

  private restoreFrom(segment: Segment, state: ShardTransactions): void {
    if (!this.files.has(segment.baseOffset)) {
      state.setOpen([]);
      return;
    }
    const { open, sealed } = readTransactionsFile(this.options.fileSystem, segment.paths.transactions);
    if (open) state.setOpen(open);
    else this.unnoted.set(segment.baseOffset, [...state.openOnes]);
    if (sealed?.endOffset === segment.endOffset) {
      for (const entry of sealed.aborted) state.addAborted(entry);
      state.setOpen(sealed.open);
    } else if (segment.bytes > 0) {
      this.walk(segment, state);
    }
  }

  /** Notes what the batch headers of `segment` tell. Throws VoikError storage_damaged where they can't be read. */
  private walk(segment: Segment, state: ShardTransactions): void {
    const { file, bytes, baseOffset } = segment;
    const marker = Buffer.allocUnsafe(MARKER_BYTES_MAX);
    let askedAgainAt = -1;
    const next = () => nextOutsideGaps(this.gaps, baseOffset, file, bytes);
    headerScan.start(file, 0, bytes, baseOffset);
    for (let step = next(); step !== "end"; step = next()) {
      if (step === "gap") continue;
      const { window, at, position, nextOffset } = headerScan;
      if (step === "batch") {
        if (!isTransactional(window, at)) continue;
        const read = isControl(window, at) ? file.read(marker, position) : 0;
        noteBatch(state, window, at, markerKindOf(marker.subarray(0, read)));
        continue;
      }
      if (position === askedAgainAt) throw damagedAt(segment, position);
      // Damage that nobody has met yet is noted by whoever makes the indexes, who asks the device twice.
      askedAgainAt = position;
      segment.rebuildIndexes();
      headerScan.start(file, position, bytes, nextOffset);
    }
  }
}

function damagedAt({ paths }: Segment, position: number): VoikError {
  const where = `${paths.log} at byte ${position}`;
  return new VoikError(
    "storage_damaged",
    `damaged record batch in ${where}: what is committed can't be told`,
  );
}

/** Notes the transactional batch whose header is at `at`; `kind` says what it ends, if it is a marker. */
function noteBatch(
  state: ShardTransactions,
  bytes: Buffer,
  at: number,
  kind: ReturnType<typeof markerKindOf>,
): void {
  const producerId = producerIdOf(bytes, at);
  const offset = baseOffsetOf(bytes, at);
  if (!isControl(bytes, at)) state.begin(producerId, producerEpochOf(bytes, at), offset);
  else if (kind) state.end(producerId, kind === "abort", offset);
}
