/**
 * The sync scheduler of a data folder: everything that was appended by the time a sync starts shares it.
 *
 *   append append append | sync ------------> durable | append … went into the next one
 *                        ^ end of the tick              sync ------------> durable
 *
 *   few busy logs    fdatasync of each, side by side, one in flight per log
 *   many             one syncfs for all that are dirty; who becomes dirty meanwhile waits for the next one
 *
 * Syncing runs off the event loop. A failed sync, of either kind, is never tried again, because the second try lies:
 * the kernel has already dropped the error with the pages. `onFailure` is told once, and nothing is acknowledged
 * from then on.
 */
import type { Clock } from "../base/clock.ts";
import type { Volume } from "../base/file-system.ts";
import { BackgroundSync } from "./background-sync.ts";

/** A log, as the scheduler sees it. */
export interface Syncable {
  /**
   * Makes durable what has been appended when it is called, then tells those who wait: by syncing its files, or, if
   * `covered` is given, by waiting for that, which syncs them with others'. Rejects when a sync failed.
   */
  syncRound(covered?: Promise<void>): Promise<void>;
  /** Whether something is appended that no round has covered. */
  readonly dirty: boolean;
  /** Whether it wants to be synced as soon as can be; otherwise what is written counts, and is synced by and by. */
  readonly eager: boolean;
  /** Of a log that is not eager: tells those who wait for what has been appended when it is called. */
  showWritten(): void;
  /** Bytes appended and not yet synced. */
  readonly unsyncedBytes: number;
}

/** How logs are synced: their files one by one, or the file system that they lie on. */
export type SyncKind = "file" | "filesystem";

export interface GroupCommitOptions {
  /** The file system of all logs; without it their files are synced one by one. */
  volume?: Volume | undefined;
  /** Busy logs from which on the whole file system is synced. */
  volumeFrom?: number;
  /** Told how long a sync took that went well, in milliseconds. */
  onSynced?: (kind: SyncKind, durationMs: number) => void;
}

/**
 * One syncfs costs as much as two to four fdatasyncs side by side (bench/group-commit.ts), but it writes strangers'
 * pages too, so it has to be clearly the better way.
 */
export const VOLUME_FROM = 8;

export class GroupCommit {
  private readonly requested = new Set<Syncable>();
  private readonly inFlight = new Set<Syncable>();
  private scheduled = false;
  /** A syncfs is under way. */
  private syncingVolume = false;
  private failed = false;
  private readonly background: BackgroundSync;

  constructor(
    private readonly onFailure: (error: unknown) => void,
    private readonly clock: Pick<Clock, "defer" | "monotonicMs" | "after">,
    private readonly options: GroupCommitOptions = {},
  ) {
    this.background = new BackgroundSync(clock, (log) => this.requestNow(log));
  }

  /** Asks for `log` to be synced, with everything else that is appended in this tick. */
  request(log: Syncable): void {
    if (this.failed) return;
    if (log.eager) this.requestNow(log);
    else this.background.request(log);
  }

  /** A sync has failed, here or outside of a round: nothing is synced any more. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.onFailure(error);
  }

  private requestNow(log: Syncable): void {
    if (this.failed || this.inFlight.has(log)) return;
    this.requested.add(log);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.syncingVolume || this.requested.size === 0) return;
    this.scheduled = true;
    this.clock.defer(this.startRounds);
  }

  private readonly startRounds = (): void => {
    this.scheduled = false;
    if (this.failed) return;
    const logs = [...this.requested];
    // Nothing may be appended from here until every log has taken note of its end: no await.
    const covered = this.together ? this.syncVolume() : undefined;
    this.requested.clear();
    for (const log of logs) void this.run(log, covered);
  };

  /** Whether so many logs are busy that one syncfs is the better way, and there is one. */
  private get together(): boolean {
    const { volume, volumeFrom = VOLUME_FROM } = this.options;
    if (volume === undefined || this.requested.size + this.inFlight.size < volumeFrom) return false;
    return volume.prepare();
  }

  private async run(log: Syncable, covered?: Promise<void>): Promise<void> {
    this.inFlight.add(log);
    try {
      if (covered) await log.syncRound(covered);
      else
        do await this.syncFiles(log);
        while (log.dirty && log.eager && !this.failed && !this.together);
    } catch (error) {
      this.fail(error);
    }
    this.inFlight.delete(log);
    if (log.dirty) this.request(log);
  }

  private async syncFiles(log: Syncable): Promise<void> {
    const startMs = this.clock.monotonicMs();
    await log.syncRound();
    this.options.onSynced?.("file", this.clock.monotonicMs() - startMs);
  }

  private syncVolume(): Promise<void> {
    const startMs = this.clock.monotonicMs();
    this.syncingVolume = true;
    const covered = (this.options.volume as Volume).sync();
    const ended = () => {
      this.syncingVolume = false;
      this.schedule();
    };
    covered.then(() => {
      this.options.onSynced?.("filesystem", this.clock.monotonicMs() - startMs);
      ended();
    }, ended);
    return covered;
  }
}
