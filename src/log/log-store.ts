/**
 * All logs of one data folder: what they share is one sync scheduler, one cap of open files, one set of sizes and one
 * retention sweep. The composition root makes one and hands `open` to the streams.
 */
import { basename } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import { AppendBuffers } from "./append-buffers.ts";
import { CommitLog } from "./commit-log.ts";
import type { DamagedRange } from "./damage.ts";
import { GroupCommit, type GroupCommitOptions, TOGETHER_FROM } from "./group-commit.ts";
import { baseOffsetInName } from "./layout.ts";
import type { Journal } from "./journal.ts";
import type { LogOverrides } from "./log-factory.ts";
import type { LogIoKind } from "./log-io.ts";
import { RetentionSweep } from "./retention-sweep.ts";
import { Scrub } from "./scrub.ts";
import { SharedSync } from "./shared-sync.ts";
import { syncMetrics } from "./sync-metrics.ts";
import { WarmFiles, warmFilesMax } from "../base/warm-files.ts";

/** Logs whose small appends are written together at any time: 16 MiB for them. */
const APPEND_BUFFERS = 256;

export interface LogStoreOptions {
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
  segmentBytesMax: number;
  retentionBytes: number;
  /** A log starts a new segment when its last one is so old; Infinity when left out. */
  segmentAgeMsMax?: number;
  /** How logs may be synced all at once; without it, each is synced by itself. */
  sync?: Pick<GroupCommitOptions, "volume" | "journal" | "togetherFrom">;
  /** What an earlier process may have acknowledged by it alone is read back when a log is opened. */
  journal?: Journal | undefined;
  /** How fast sealed segments are read in the background to look for damage; 0 or none: they are not. */
  scrubBytesPerSecond?: number;
  metrics?: MetricsRegistry;
  /** How files are written and read; "file" when left out. */
  logIo?: LogIoKind;
  /** Cold files that are held open because they were used lately, of all logs together. */
  warmFilesMax?: number;
  /** Makes room on a full disk for deleting an old segment; whether it could. */
  makeRoom?: () => boolean;
  /** A sync failed: nothing can be acknowledged any more, and the process has to end. Called once. */
  onSyncFailure(error: unknown): void;
}

export class LogStore {
  private readonly groupCommit: GroupCommit;
  private readonly logs = new Set<CommitLog>();
  private readonly folders = new Map<string, CommitLog>();
  private readonly warmFiles: WarmFiles;
  private readonly appendBuffers = new AppendBuffers(APPEND_BUFFERS);
  private readonly sharedSync: SharedSync | undefined;
  /** Logs that are being opened. */
  private opening = 0;
  private readonly scrub: Scrub | undefined;
  private readonly retention: RetentionSweep;

  constructor(private readonly options: LogStoreOptions) {
    const { onSyncFailure, clock, sync, metrics } = options;
    const observed = metrics && syncMetrics(metrics, this.logs);
    this.groupCommit = new GroupCommit(onSyncFailure, clock, { ...sync, ...observed });
    this.sharedSync = sync?.volume && new SharedSync(sync.volume);
    this.warmFiles = new WarmFiles(options.warmFilesMax ?? warmFilesMax(Infinity));
    const { logger, makeRoom } = options;
    this.retention = new RetentionSweep({ clock, logger, logs: this.logs, makeRoom });
    this.retention.start();
    this.scrub = this.startScrub();
  }

  /** Opens a log of this store; it leaves the store when it is closed. */
  readonly open = async (folder: string, overrides: LogOverrides): Promise<CommitLog> => {
    this.opening++;
    try {
      return await this.openOne(folder, overrides);
    } finally {
      this.opening--;
    }
  };

  private async openOne(folder: string, overrides: LogOverrides): Promise<CommitLog> {
    const { fileSystem, logger, segmentBytesMax, segmentAgeMsMax, retentionBytes, logIo } = this.options;
    const log: CommitLog = await CommitLog.open(
      {
        folder,
        fileSystem,
        logger,
        get segmentBytesMax() {
          return overrides.settings?.segmentBytes ?? segmentBytesMax;
        },
        get segmentAgeMsMax() {
          return overrides.settings?.segmentAgeMs ?? segmentAgeMsMax ?? Infinity;
        },
        get retentionMs() {
          return overrides.retentionMs;
        },
        get retentionBytes() {
          return overrides.settings?.retentionBytes ?? retentionBytes;
        },
        get durability() {
          return overrides.durability ?? "sync";
        },
        logIo,
        journal: this.options.journal,
        warmFiles: this.warmFiles,
        appendBuffers: this.appendBuffers,
        syncTogether: this.syncTogether,
        onClosed: () => {
          this.logs.delete(log);
          this.folders.delete(folder);
        },
      },
      this.groupCommit,
    );
    this.logs.add(log);
    this.folders.set(folder, log);
    return log;
  }

  /** For logs that are recovered: one sync for all of them, when there are many. */
  private readonly syncTogether = (): Promise<void> | undefined => {
    const { togetherFrom = TOGETHER_FROM } = this.options.sync ?? {};
    return this.opening < togetherFrom ? undefined : this.sharedSync?.sync();
  };

  /** Ends sweep and scrub. Logs are closed by those who opened them. */
  close(): void {
    this.retention.stop();
    this.scrub?.stop();
  }

  private startScrub(): Scrub | undefined {
    const { fileSystem, clock, logger, metrics, scrubBytesPerSecond = 0 } = this.options;
    if (scrubBytesPerSecond === 0) return undefined;
    return new Scrub({
      fileSystem,
      clock,
      logger,
      metrics,
      bytesPerSecond: scrubBytesPerSecond,
      folders: () => this.folders.keys(),
      onDamage: (folder, range) => this.fence(folder, range),
    });
  }

  /** Damage was found in the log in `folder`: its records can't be read, and it takes no writes. */
  private fence(folder: string, { path, position, bytes, offset: from, endOffset: to }: DamagedRange): void {
    const segmentBase = baseOffsetInName(basename(path), ".log");
    if (segmentBase === undefined || to === undefined) return;
    const gap = { segmentBase, position, end: position + bytes, from, to, setAside: false };
    this.folders.get(folder)?.noteDamage(gap);
  }
}
