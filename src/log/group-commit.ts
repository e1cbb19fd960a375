/**
 * The sync scheduler of a data folder: everything that was appended by the time a sync starts shares it.
 *
 *   append append append | sync ------------> durable | append … went into the next one
 *                        ^ end of the tick              sync ------------> durable
 *
 *   one busy log            fdatasync of its file, one in flight; large appends begin it before the tick ends
 *   several, small appends  one write to the journal and one fdatasync of it; their own files by and by
 *                           (background-sync.ts says when, trickle.ts says how many at a time)
 *   several, large appends  fdatasync of each, side by side; one syncfs for all when they are many
 *
 * Who becomes dirty while the journal or the file system is synced waits for the next round. Syncing runs off the event
 * loop. A failed sync, of whatever kind, is never tried again, because the second try lies: the kernel has already
 * dropped the error with the pages. `onFailure` is told once, and nothing is acknowledged from then on.
 */
import type { Clock } from "../base/clock.ts";
import type { Volume } from "../base/file-system.ts";
import { Announcer } from "./announcer.ts";
import { BackgroundSync } from "./background-sync.ts";
import type { Journal } from "./journal.ts";
import { JournalRound } from "./journal-frame.ts";
import type { SegmentEnd } from "./segment.ts";
import type { Syncable } from "./syncable.ts";
import { Trickle } from "./trickle.ts";

/** How logs are synced: their files one by one, the file system that they lie on, or the journal. */
export type SyncKind = "file" | "filesystem" | "journal";

export interface GroupCommitOptions {
  /** The file system of all logs; without it their files are synced one by one. */
  volume?: Volume | undefined;
  /** The journal of all logs. */
  journal?: Journal | undefined;
  /** Busy logs from which on they are synced together. */
  togetherFrom?: number;
  /** A log with so many unsynced bytes is synced before the tick ends. */
  syncedAtOnceBytes?: number;
  /** Told how long a sync took that went well, in milliseconds. */
  onSynced?: (kind: SyncKind, durationMs: number) => void;
}

/**
 * One syncfs costs as much as two to four fdatasyncs side by side (bench/group-commit.ts), but it writes strangers'
 * pages too, and the journal writes everything twice, so they have to be clearly the better way.
 */
export const TOGETHER_FROM = 8;
/** Two small appends are written to the journal and synced there in less time than their two files are synced. */
const JOURNALED_FROM = 2;
/** The journal writes everything twice: where more than this comes from a log in a round, syncfs is the better way. */
const JOURNALED_BYTES_PER_LOG = 32 << 10;

/** With so much to write, a log does not wait for the end of a tick in which megabytes more may be appended. */
const SYNCED_AT_ONCE_BYTES = 256 << 10;

export class GroupCommit {
  private readonly requested = new Set<Syncable>();
  /** Logs whose own files are being synced. */
  private readonly inFlight = new Set<Syncable>();
  private scheduled = false;
  /** A round of all busy logs is under way: of the journal, or a syncfs that somebody waits for. */
  private together = false;
  /** The last round was one of the journal. */
  private journaling = false;
  private failed = false;
  private readonly background: BackgroundSync;
  /** Of what the journal has made durable. */
  private readonly announcer: Announcer;
  private readonly trickle = new Trickle(async (log) => {
    if (!this.failed && this.isIdle(log)) await this.run(log);
  });

  constructor(
    private readonly onFailure: (error: unknown) => void,
    private readonly clock: Pick<Clock, "defer" | "monotonicMs" | "after">,
    private readonly options: GroupCommitOptions = {},
  ) {
    this.background = new BackgroundSync(clock, (logs) => this.syncOwn(logs));
    this.announcer = new Announcer(clock, (log) => {
      log.tellDurable();
      this.goOn(log);
    });
  }

  /** Asks for `log` to be synced, with everything else that is appended in this tick. */
  request(log: Syncable): void {
    if (this.failed) return;
    if (!log.eager) return this.background.request(log);
    if (this.isWorthASync(log)) return void this.run(log);
    this.requested.add(log);
    this.schedule();
  }

  /** Whether `log` is synced at once: by itself, and with much to write. */
  private isWorthASync(log: Syncable): boolean {
    const { syncedAtOnceBytes = SYNCED_AT_ONCE_BYTES } = this.options;
    if (log.unsyncedBytes < syncedAtOnceBytes || this.together || !this.isIdle(log)) return false;
    return !this.areMany([log]);
  }

  /** A sync has failed, here or outside of a round: nothing is synced any more. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.onFailure(error);
  }

  private schedule(): void {
    if (this.scheduled || this.together || this.requested.size === 0) return;
    this.scheduled = true;
    this.clock.defer(this.startRounds);
  }

  private readonly startRounds = (): void => {
    this.scheduled = false;
    if (this.failed) return;
    const logs = [...this.requested].filter((log) => log.dirty);
    this.requested.clear();
    // Nothing may be appended from here until every log has taken note of its end: no await.
    const rest = this.areMany(logs, JOURNALED_FROM) ? this.journal(logs) : logs;
    this.journaling = rest !== logs;
    // A log that is being synced asks again when that has ended.
    const idle = rest.filter((log) => !this.inFlight.has(log));
    const covered = idle.length > 0 && this.areMany(rest) ? this.syncVolume(idle) : undefined;
    if (covered) this.hold(covered);
    for (const log of idle) void this.run(log, covered);
  };

  /** Whether so many logs are busy, `logs` and those that are being synced, that they are better synced together. */
  private areMany(logs: readonly Syncable[], from = Infinity): boolean {
    const { togetherFrom = TOGETHER_FROM } = this.options;
    let count = logs.length;
    for (const log of this.inFlight) if (log.urgent && !logs.includes(log)) count++;
    return count >= Math.min(from, togetherFrom);
  }

  /** Has what `logs` appended journaled, if that is the better way; returns those for which it is not. */
  private journal(logs: Syncable[]): Syncable[] {
    const { journal } = this.options;
    if (!journal?.prepare()) return logs;
    const taken = logs.filter((log) => log.journalable);
    const round = new JournalRound();
    let ends: SegmentEnd[];
    try {
      ends = taken.map((log) => log.collect(round));
      if (round.frameBytes > taken.length * JOURNALED_BYTES_PER_LOG || !journal.takes(round.frameBytes))
        return logs;
      journal.put(round);
    } catch {
      return logs; // their own files are as good
    }
    taken.forEach((log, i) => journal.hold(log, (ends[i] as SegmentEnd).offset));
    this.hold(this.syncJournal(journal, taken, ends));
    return logs.filter((log) => !log.journalable);
  }

  private async syncJournal(journal: Journal, logs: Syncable[], ends: SegmentEnd[]): Promise<void> {
    const startMs = this.clock.monotonicMs();
    try {
      await journal.sync();
    } catch (error) {
      for (const log of logs) log.failSync(error);
      return this.fail(error);
    }
    this.options.onSynced?.("journal", this.clock.monotonicMs() - startMs);
    // The next round need not wait until all are told: what the first of them append meanwhile is in it.
    for (const [i, log] of logs.entries()) {
      log.noteJournaled(ends[i] as SegmentEnd);
      this.announcer.add(log);
    }
    this.announcer.tellIfFew();
    if (this.trickle.idle && journal.behind > 0) this.background.syncAll();
  }

  /** Starts no round before `ended` has. */
  private hold(ended: Promise<void>): void {
    this.together = true;
    const go = () => {
      this.together = false;
      this.schedule();
    };
    ended.then(go, go);
  }

  /** Syncs the files of logs for which nobody waits. */
  private syncOwn(logs: readonly Syncable[]): void {
    if (this.failed) return;
    const idle = logs.filter(this.isIdle);
    const { togetherFrom = TOGETHER_FROM } = this.options;
    // Whoever appends meanwhile waits less for many small syncs than for one of everything, unless they come too slowly.
    const inTurn = this.options.journal && idle.length >= togetherFrom && this.trickle.idle;
    if (this.journaling || inTurn) return this.trickle.add(idle);
    const covered = idle.length >= togetherFrom ? this.syncVolume(idle) : undefined;
    for (const log of idle) void this.run(log, covered);
  }

  private readonly isIdle = (log: Syncable) => log.dirty && !this.inFlight.has(log);

  private async run(log: Syncable, covered?: Promise<void>): Promise<void> {
    this.inFlight.add(log);
    try {
      if (covered) log.endRound(await log.syncRound(covered));
      else await this.syncByItself(log);
    } catch (error) {
      this.fail(error);
    }
    this.inFlight.delete(log);
    this.goOn(log);
  }

  /** `log` has had its round: what came meanwhile is seen to. */
  private goOn(log: Syncable): void {
    if (this.failed || !log.dirty) return;
    if (log.urgent) this.request(log);
    else if (!this.inFlight.has(log)) this.background.syncLater(log);
  }

  /** Rounds of one log's files for as long as somebody waits. The disk is not kept waiting while those are told. */
  private async syncByItself(log: Syncable): Promise<void> {
    for (let round: Promise<SegmentEnd> | undefined = this.syncFiles(log); round;) {
      const end = await round;
      const shared = this.areMany([...this.requested], this.journaling ? JOURNALED_FROM : Infinity);
      const goesOn = log.urgent && !this.failed && !shared;
      round = goesOn ? this.syncFiles(log) : undefined;
      log.endRound(end);
    }
  }

  private async syncFiles(log: Syncable): Promise<SegmentEnd> {
    const startMs = this.clock.monotonicMs();
    const end = await log.syncRound();
    this.options.onSynced?.("file", this.clock.monotonicMs() - startMs);
    return end;
  }

  /** Syncs the file system that `logs` lie on, and what they hold; undefined when it can't be synced as a whole. */
  private syncVolume(logs: readonly Syncable[]): Promise<void> | undefined {
    const { volume } = this.options;
    if (!volume?.prepare()) return undefined;
    const startMs = this.clock.monotonicMs();
    try {
      for (const log of logs) log.flush();
    } catch (error) {
      return Promise.reject(error);
    }
    const covered = volume.sync();
    covered.then(
      () => this.options.onSynced?.("filesystem", this.clock.monotonicMs() - startMs),
      () => undefined,
    );
    return covered;
  }
}
