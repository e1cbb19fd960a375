/**
 * The commit log as a library: `import { openLog } from "voik/log"`. One folder is one log, with the promises of
 * the server: an append resolves when it is on the disk, readers see nothing else, a crash costs nothing that was
 * acknowledged. docs/embedded-log.md shows how to use it. This file is the library's composition root.
 *
 *   <folder>/voik.lock    held while the log is open, names the process
 *   <folder>/log/…        segments and indexes: README.md
 */
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { disk } from "../base/disk.ts";
import { VoikError } from "../base/errors.ts";
import type { FolderLock } from "../base/file-system.ts";
import { type Logger, silentLogger } from "../base/logger.ts";
import { AppendQueue } from "./append-queue.ts";
import { BatchBuilder } from "./batch-builder.ts";
import type { CompressionName } from "./compression.ts";
import type { CommitLog } from "./commit-log.ts";
import { LogStore } from "./log-store.ts";
import { type LogRecord, type ReadFrom, type ReadOptions, readBatches, readRecords } from "./reader.ts";
import type { RecordHeader } from "./record.ts";
import { validateBatch } from "./record-batch.ts";

export type { CompressionName, LogRecord, Logger, ReadFrom, ReadOptions, RecordHeader };
export { VoikError } from "../base/errors.ts";
export { RecordReader } from "./record.ts";

export interface OpenOptions {
  /** Size at which the log starts a new file. Default 128 MiB. */
  segmentBytesMax?: number;
  /** Records older than this may be deleted. Default: never. */
  retentionMs?: number;
  /** The log may be cut to about this size, oldest records first. Default: never. */
  retentionBytes?: number;
  /** How the records of an `append` are stored. Default "none". */
  compression?: CompressionName;
  /** Told of repairs and of damage. Default: nobody is. */
  logger?: Logger;
}

/** What to append: text is stored as UTF-8. */
export interface NewRecord {
  key?: Uint8Array | string | null;
  value: Uint8Array | string | null;
  headers?: readonly RecordHeader[];
  /** Default: now. */
  timestampMs?: number;
}

const SEGMENT_BYTES = 128 * 1024 * 1024;
/** Room for any batch that a length field can name and a Buffer can hold. */
const BATCH_BYTES_MAX = 2 ** 31 - 1;

export class Log implements AsyncDisposable {
  private readonly queue: AppendQueue;
  private readonly closing = new AbortController();
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly log: CommitLog,
    private readonly store: LogStore,
    private readonly lock: FolderLock,
    private readonly compression: CompressionName,
  ) {
    this.queue = new AppendQueue(log);
  }

  /** See `openLog`. */
  static async open(folder: string, options: OpenOptions = {}): Promise<Log> {
    const lock = lockFolder(folder);
    const store = new LogStore({
      fileSystem: disk,
      clock: systemClock,
      logger: options.logger ?? silentLogger,
      segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES,
      retentionBytes: options.retentionBytes ?? Infinity,
      onSyncFailure: () => {}, // every waiting append is told, and the log takes no more
    });
    try {
      const log = await store.open(join(folder, "log"), { retentionMs: options.retentionMs ?? Infinity });
      return new Log(log, store, lock, options.compression ?? "none");
    } catch (error) {
      store.close();
      lock.release();
      throw error;
    }
  }

  /** The first offset that can be read. */
  get startOffset(): number {
    return this.log.startOffset;
  }

  /** The offset behind the last record that is on the disk. */
  get durableEnd(): number {
    return this.log.durableEnd;
  }

  /** Bytes on the disk, indexes not counted. */
  get sizeBytes(): number {
    return this.log.sizeBytes;
  }

  /**
   * Appends a record, or several as one batch that is there whole or not at all. Resolves to the offset of the first
   * one when all are on the disk. Rejects with VoikError disk_full, storage_failed, storage_damaged or shutting_down.
   */
  append(records: NewRecord | readonly NewRecord[]): Promise<number> {
    const list: readonly NewRecord[] = Array.isArray(records) ? records : [records];
    if (list.length === 0)
      return Promise.reject(new VoikError("argument_invalid", "append takes at least one record"));
    const builder = new BatchBuilder();
    const nowMs = systemClock.nowMs();
    for (const { key = null, value, headers, timestampMs = nowMs } of list) {
      builder.add(bytesOf(key), bytesOf(value), timestampMs, headers);
    }
    return this.queue.append(builder.build(this.compression));
  }

  /**
   * Appends one record batch in Kafka's format v2, as `read` gives them, once its checksum is found right. Its base
   * offset is written over, in place. Rejects with VoikError batch_corrupt or batch_invalid as well.
   */
  async appendBatch(batch: Buffer): Promise<number> {
    batch.fill(0, 0, 8);
    validateBatch(batch, BATCH_BYTES_MAX);
    return this.queue.append(batch);
  }

  /** The record batches in order: see reader.ts. Ends when the log is closed. */
  read(options: ReadOptions = {}): AsyncGenerator<Buffer, void> {
    return readBatches(this.log, this.untilClosed(options));
  }

  /** The records in order: see reader.ts. Ends when the log is closed. */
  records(options: ReadOptions = {}): AsyncGenerator<LogRecord, void> {
    return readRecords(this.log, this.untilClosed(options));
  }

  /**
   * Makes `offset` the first one that can be read, for ever; whole files before it are deleted. Rejects with VoikError
   * offset_out_of_range, or what `append` rejects with.
   */
  trim(offset: number): Promise<void> {
    return this.log.trimTo(offset);
  }

  /** Ends the readers, makes durable what was accepted, and lets go of the folder. May be called again. */
  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    this.closing.abort();
    await this.queue.close();
    await this.log.close();
    this.store.close();
    this.lock.release();
  }

  private untilClosed(options: ReadOptions): ReadOptions {
    const { signal: closed } = this.closing;
    return { ...options, signal: options.signal ? AbortSignal.any([options.signal, closed]) : closed };
  }
}

/**
 * Opens the log in `folder`, made when it is missing, and recovers it: a torn tail is cut, damage is kept. Rejects
 * with VoikError folder_in_use, disk_full, storage_failed or storage_damaged.
 */
export function openLog(folder: string, options?: OpenOptions): Promise<Log> {
  return Log.open(folder, options);
}

function lockFolder(folder: string): FolderLock {
  const path = join(folder, "voik.lock");
  let lock: FolderLock | undefined;
  try {
    disk.makeFolder(folder);
    lock = disk.lock(path);
  } catch (error) {
    throw new VoikError("storage_failed", `folder ${folder} can't be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (lock) return lock;
  const holder = disk.readText(path).trim();
  throw new VoikError("folder_in_use", `folder ${folder} is in use by process ${holder}`);
}

function bytesOf(field: Uint8Array | string | null): Uint8Array | null {
  return typeof field === "string" ? Buffer.from(field, "utf8") : field;
}
