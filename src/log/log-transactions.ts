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
import { headerScan } from "./header-scan.ts";
import { baseOffsetInName, segmentPaths } from "./layout.ts";
import { storageError } from "./log-file.ts";
import type { CommitLogOptions } from "./open-segments.ts";
import { baseOffsetOf, NO_PRODUCER_ID, producerEpochOf, producerIdOf } from "./record-batch.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { OpenTransaction } from "./shard-log.ts";
import { ShardTransactions } from "./shard-transactions.ts";
import { openPart, readTransactionsFile, writeSealedPart } from "./transactions-file.ts";

export class LogTransactions {
  private readonly state = new ShardTransactions();
  private restored = false;
  /** Base offsets of the segments that have a file. */
  private readonly files = new Set<number>();
  /** Files that were made and are not synced. */
  private unsynced: string[] = [];

  constructor(
    private readonly options: Pick<CommitLogOptions, "folder" | "fileSystem">,
    private readonly segments: SegmentList,
    private readonly gaps: Gaps,
  ) {}

  /** What is known. Throws VoikError storage_failed when the disk can't be read. */
  get current(): ShardTransactions {
    if (!this.restored) this.restore();
    return this.state;
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

  /** Before `batch` goes to `segment`: makes the segment's file if it needs one. Throws VoikError disk_full, … */
  prepare(segment: Segment, batch: Buffer): void {
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
    if (openCount > 0) return this.makeFile(baseOffset, openOnes);
    try {
      if (fileSystem.exists(transactions)) fileSystem.remove(transactions); // of a segment that never was
    } catch (error) {
      throw storageError(error, "starting a new segment");
    }
  }

  /** `segment` has got its last batch. Failing costs the next start a scan of it, so it is not reported. */
  seal({ baseOffset, endOffset, paths }: Segment): void {
    if (!this.restored || !this.files.has(baseOffset)) return;
    const { state } = this;
    const aborted = [...state.entries(baseOffset, endOffset)];
    try {
      const sealed = { endOffset, open: [...state.openOnes], aborted };
      writeSealedPart(this.options.fileSystem, paths.transactions, sealed);
    } catch {
      // The segment still tells.
    }
  }

  /** Makes the files durable that batches of transactions came with. Rejects with the system's error. */
  async sync(): Promise<void> {
    if (this.unsynced.length === 0) return;
    const { folder, fileSystem } = this.options;
    const paths = this.unsynced;
    this.unsynced = [];
    for (const path of paths) await syncTransactionsFile(fileSystem, path);
    await fileSystem.syncFolder(folder);
  }

  /** `segment` is gone, and `startOffset` is the first offset that can be read. */
  forget(segment: Segment, startOffset: number): void {
    this.files.delete(segment.baseOffset);
    this.state.forgetBefore(startOffset);
  }

  private makeFile(baseOffset: number, open: Iterable<OpenTransaction>): void {
    const { folder, fileSystem } = this.options;
    const path = segmentPaths(folder, baseOffset).transactions;
    const content = openPart(open);
    try {
      if (fileSystem.exists(path)) fileSystem.remove(path);
      const file = fileSystem.open(path, "create");
      try {
        if (file.write(content, 0) !== content.length)
          throw Object.assign(new Error("short write"), { code: "ENOSPC" });
      } finally {
        file.close();
      }
    } catch (error) {
      throw storageError(error, "noting what transactions are open");
    }
    this.files.add(baseOffset);
    this.unsynced.push(path);
  }

  private restore(): void {
    const { folder, fileSystem } = this.options;
    this.restored = true;
    try {
      for (const { name } of fileSystem.list(folder)) {
        const baseOffset = baseOffsetInName(name, ".transactions");
        if (baseOffset !== undefined) this.files.add(baseOffset);
      }
      for (const segment of this.segments) this.restoreFrom(segment);
    } catch (error) {
      this.restored = false;
      this.files.clear();
      throw error instanceof VoikError ? error : storageError(error, "reading what transactions are open");
    }
  }

  private restoreFrom(segment: Segment): void {
    const { state } = this;
    if (!this.files.has(segment.baseOffset)) {
      state.setOpen([]);
      return;
    }
    const { open, sealed } = readTransactionsFile(this.options.fileSystem, segment.paths.transactions);
    if (open) state.setOpen(open);
    if (sealed?.endOffset === segment.endOffset) {
      for (const entry of sealed.aborted) state.addAborted(entry);
      state.setOpen(sealed.open);
    } else if (segment.bytes > 0) {
      this.walk(segment);
    }
  }

  private walk(segment: Segment): void {
    const { file, bytes, baseOffset } = segment;
    const marker = Buffer.allocUnsafe(MARKER_BYTES_MAX);
    headerScan.start(file, 0, bytes, baseOffset);
    for (let step = headerScan.next(); step !== "end"; step = headerScan.next()) {
      const { window, at, position } = headerScan;
      if (step === "bad") {
        const gap = this.gaps.at(baseOffset, position);
        if (gap === undefined) return;
        headerScan.start(file, gap.end, bytes, gap.to);
      } else if (isTransactional(window, at)) {
        const read = isControl(window, at) ? file.read(marker, position) : 0;
        noteBatch(this.state, window, at, markerKindOf(marker.subarray(0, read)));
      }
    }
  }
}

/** Syncs a segment's file, if it has one. Rejects with the system's error. */
export async function syncTransactionsFile(
  fileSystem: CommitLogOptions["fileSystem"],
  path: string,
): Promise<void> {
  if (!fileSystem.exists(path)) return;
  const file = fileSystem.open(path, "write");
  try {
    await file.sync();
  } finally {
    file.close();
  }
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
