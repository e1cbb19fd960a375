/**
 * One log under test, with its oracle beside it: each thing that can be done to a log, done and checked. A call that
 * fails may do so only for a reason that the disk gave, or because the process died in it.
 */
import { VoikError } from "../../src/base/errors.ts";
import type { ErrorCode } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import type { GroupCommit } from "../../src/log/group-commit.ts";
import type { CommitLogOptions } from "../../src/log/open-segments.ts";
import type { LogRange } from "../../src/log/shard-log.ts";
import { isDurable } from "./durable.ts";
import { type ModelBatch, ModelLog, sameFiles } from "./model-log.ts";
import { demand, Violation } from "./violation.ts";
import { makeBatch, makeTransactionalBatch } from "./sim-batch.ts";
import type { ProcessLife } from "./process-life.ts";
import type { SimDisk } from "./sim-disk.ts";
import { type FaultCounts, firedSince } from "./sim-faults.ts";
import type { SimRandom } from "./sim-random.ts";
import type { SimScheduler } from "./sim-scheduler.ts";

export type OpenLogUnderTest = (options: CommitLogOptions, groupCommit: GroupCommit) => Promise<CommitLog>;

export interface SlotSettings {
  folder: string;
  segmentBytesMax: number;
  recordBytesMax: number;
  retentionMs: number;
  retentionBytes: number;
  /** Some appends are parts of transactions. */
  transactional: boolean;
}

/** What all logs of a simulation share. */
export interface SlotParts {
  disk: SimDisk;
  scheduler: SimScheduler;
  random: SimRandom;
  openLog: OpenLogUnderTest;
  trace(line: string): void;
  /** Runs what the log calls back, so that an objection in it ends the simulation. */
  guard(run: () => void): void;
}

const RANGES_HELD_MAX = 3;

export class LogSlot {
  readonly model: ModelLog;
  state: "closed" | "opening" | "open" | "closing" = "closed";
  log: CommitLog | undefined;
  retaining = false;
  /** Wall time of the retention that is under way. */
  private retainedAtMs = 0;
  private life: ProcessLife | undefined;
  private held: { range: LogRange; expected: Buffer }[] = [];
  /** A sync of this log has failed in this life: it may acknowledge nothing any more. */
  private refuses = false;
  /** The folder as the last recovery left it; undefined once something was changed. */
  private recovered: Map<string, string> | undefined;

  constructor(
    private readonly parts: SlotParts,
    readonly settings: SlotSettings,
  ) {
    this.model = new ModelLog(settings);
  }

  open(life: ProcessLife): void {
    const { disk, trace, guard } = this.parts;
    const { folder, segmentBytesMax, retentionMs, retentionBytes } = this.settings;
    this.state = "opening";
    this.life = life;
    const before = { ...disk.fired };
    const options = {
      folder,
      fileSystem: life.fileSystem,
      logger: silentLogger,
      segmentBytesMax,
      retentionMs,
      retentionBytes,
      journal: life.journal,
      appendBuffers: life.appendBuffers,
    };
    trace(`open ${folder}`);
    this.parts.openLog(options, life.groupCommit).then(
      (log) => guard(() => !life.over && !disk.dead && this.opened(log)),
      (error: unknown) =>
        guard(() => {
          if (life.over || disk.dead) return;
          trace(`open failed: ${String(error)}`);
          this.state = "closed";
          this.expectReason(error, before, []);
          demand(this.openFiles() === 0, `a failed opening left ${this.openFiles()} files open`);
        }),
    );
  }

  append(): void {
    const { random, trace } = this.parts;
    const log = this.openLog();
    const { recordBytesMax, transactional } = this.settings;
    const { end, transactions } = this.model;
    const nowMs = this.parts.scheduler.nowMs();
    const { batch, sent } = transactional
      ? makeTransactionalBatch(random, nowMs, recordBytesMax, end, transactions)
      : makeBatch(random, nowMs, recordBytesMax, end);
    trace(`append ${batch.bytes.length} bytes at ${batch.baseOffset}..${batch.endOffset}`);
    this.recovered = undefined;
    const life = this.life as ProcessLife;
    const lateBy = life.syncFailed;
    const done = this.attempt([], () => {
      const baseOffset = log.append(sent, {
        onDurable: () => this.parts.guard(() => this.acknowledged(batch, lateBy)),
        onAppendFailed: () => (this.refuses = true),
      });
      demand(baseOffset === batch.baseOffset, `appended at ${baseOffset}, not ${batch.baseOffset}`);
      demand(!this.refuses, "an append was taken after a failed sync");
    });
    if (done || this.parts.disk.dead) this.model.appended(batch);
    if (random.oneIn(2)) sent.fill(0xaa);
  }

  read(): void {
    const { random, disk } = this.parts;
    const log = this.openLog();
    const offset = random.between(log.startOffset, log.durableEnd);
    const maxBytes = random.pick([1, 100, 1000, 4096, 20_000]);
    this.parts.trace(`read at ${offset}, ${maxBytes} bytes at most`);
    const flips = disk.fired.flip;
    this.attempt(["storage_damaged"], () => {
      const range = log.locate(offset, maxBytes);
      demand((range === undefined) === (offset === log.durableEnd), `a read at ${offset} found something`);
      if (range) this.readRange(log, range, offset, maxBytes, flips);
    });
    if (disk.dead) return;
    this.attempt(["offset_out_of_range"], () => {
      const outside = random.oneIn(2) ? log.durableEnd + 1 + random.below(3) : log.startOffset - 1;
      demand(log.locate(outside, 100) === undefined, `a read outside at ${outside} answered`);
      demand(false, `a read outside at ${outside} was not refused`);
    });
  }

  lookUp(): void {
    const { random, scheduler, disk } = this.parts;
    const log = this.openLog();
    const timestampMs = scheduler.nowMs() - random.below(6_000) + 500;
    this.parts.trace(`look up time ${timestampMs}`);
    this.attempt(["storage_damaged"], () => {
      for (const [found, expected] of [
        [log.offsetForTimestamp(timestampMs), this.model.timestampPosition(timestampMs, log.durableEnd)],
        [log.newest, this.model.newest(log.durableEnd)],
      ]) {
        // An index that was rebuilt from flipped headers may point behind the record for as long as it lives.
        if (disk.fired.flip > 0) return;
        demand(
          found?.offset === expected?.offset && found?.timestampMs === expected?.timestampMs,
          `time ${timestampMs}: found ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`,
        );
      }
    });
  }

  retain(): void {
    const { scheduler, trace, guard, disk } = this.parts;
    const log = this.openLog();
    const life = this.life as ProcessLife;
    const nowMs = scheduler.nowMs();
    const start = this.model.start;
    const before = { ...disk.fired };
    trace("apply retention");
    this.retaining = true;
    this.retainedAtMs = nowMs;
    const finished = (answer: () => void) =>
      guard(() => {
        if (life.over || disk.dead) return;
        this.retaining = false;
        this.noteStart(log, nowMs);
        answer();
      });
    log.applyRetention(nowMs).then(
      (deleted) =>
        finished(() => {
          demand(
            deleted === this.model.start > start,
            `retention says ${deleted}, start is ${this.model.start}`,
          );
          if (deleted) this.model.deletionDurable();
        }),
      (error: unknown) =>
        finished(() => {
          trace(`retention failed: ${String(error)}`);
          // Only its own folder's failed sync makes a log refuse; another log's may have failed before a plain rename did.
          if (life.syncFailed && String(error).endsWith(this.settings.folder)) this.refuses = true;
          demand(firedSince(before, disk.fired).length > 0, `retention failed: ${String(error)}`);
        }),
    );
    this.noteStart(log, nowMs);
  }

  /** Reads again what was found earlier, whatever has become of its segment, and lets go of it. */
  release(): void {
    const held = this.held.shift();
    if (!held) return;
    const flips = this.parts.disk.fired.flip;
    // A failed sync drops pages of which the journal has the bytes: who was reading them finds the checksums wrong.
    const lost = this.life?.syncFailed === true && this.life.journal !== undefined;
    this.attempt([], () => {
      const bytes = Buffer.alloc(held.range.bytes);
      try {
        held.range.copy(bytes, 0);
      } finally {
        held.range.release();
      }
      demand(
        bytes.equals(held.expected) || this.parts.disk.fired.flip > flips || lost,
        `a held range at ${held.range.baseOffset} changed`,
      );
    });
  }

  close(): void {
    const log = this.openLog();
    const life = this.life as ProcessLife;
    this.state = "closing";
    this.parts.trace(`close ${this.settings.folder}`);
    while (this.held.length > 0 && !this.parts.disk.dead) this.release();
    if (this.parts.disk.dead) return;
    log.close().then(
      () =>
        this.parts.guard(() => {
          if (life.over || this.parts.disk.dead) return;
          this.state = "closed";
          this.log = undefined;
          demand(this.refuses || this.model.settled === this.model.end, "closing left something unsynced");
          demand(this.openFiles() === 0, `closing left ${this.openFiles()} files open`);
        }),
      (error: unknown) =>
        this.parts.guard(() => demand(this.parts.disk.dead, `closing failed: ${String(error)}`)),
    );
  }

  /** The process is gone. */
  processEnded(): void {
    if (this.retaining && this.log) this.noteStart(this.log, this.retainedAtMs);
    this.state = "closed";
    this.log = undefined;
    this.held = [];
    this.retaining = false;
    this.refuses = false;
  }

  checkState(): void {
    if (this.state !== "open" || !this.log || this.refuses) return;
    if (this.retaining) this.noteStart(this.log, this.retainedAtMs);
    this.model.checkState(this.log, this.life?.journal !== undefined);
    if (this.settings.transactional) this.checkTransactions(this.log);
  }

  /** After bits were flipped in a header that was read, what follows from it is anybody's guess. */
  private checkTransactions(log: CommitLog): void {
    this.attempt(["storage_damaged"], () => {
      if (this.parts.disk.fired.flip === 0) this.model.transactions.check(log);
    });
  }

  /** Reads everything, and demands that it is everything, with `pastGaps` but for damage that the log has noted. */
  readAll(pastGaps = false): void {
    const log = this.openLog();
    const { disk } = this.parts;
    let offset = log.startOffset;
    while (offset < log.durableEnd) {
      if (pastGaps && this.hasGap() && !this.attempt([], () => log.locate(offset, 1)?.release())) {
        offset++;
        continue;
      }
      const flips = disk.fired.flip;
      const range = log.locate(offset, 8_000);
      demand(range !== undefined, `nothing at ${offset}, before the durable end`);
      offset = this.readRange(log, range, offset, 8_000, flips);
    }
  }

  private opened(log: CommitLog): void {
    this.state = "open";
    this.log = log;
    this.parts.trace(`opened at ${log.startOffset}..${log.endOffset}`);
    this.model.recovered(log);
    const files = this.parts.disk.snapshot(this.settings.folder, /\.log(\.pending)?$/);
    if (this.recovered)
      demand(sameFiles(this.recovered, files), "recovering twice changed what recovering once left");
    this.recovered = files;
    this.attempt([], () => this.readAll());
  }

  private acknowledged(batch: ModelBatch, afterFailure: boolean): void {
    const { disk, trace } = this.parts;
    const log = this.openLog();
    trace(`acknowledged ..${batch.endOffset}`);
    demand(!this.refuses && !afterFailure, "an ack after a failed sync");
    this.model.acknowledged(batch.endOffset, log);
    if (batch.baseOffset < log.startOffset) return;
    const flips = disk.fired.flip;
    this.attempt(["storage_damaged"], () => {
      const range = log.locate(batch.baseOffset, 1);
      demand(range !== undefined, `${batch.baseOffset} was acknowledged and can't be read`);
      this.readRange(log, range, batch.baseOffset, 1, flips);
    });
  }

  /** Checks and releases (or keeps) a range; returns the offset behind it. */
  private readRange(
    log: CommitLog,
    range: LogRange,
    offset: number,
    maxBytes: number,
    flips: number,
  ): number {
    const { disk, random } = this.parts;
    const bytes = Buffer.alloc(range.bytes);
    let keep = false;
    try {
      range.copy(bytes, 0);
      if (disk.fired.flip > flips) return log.durableEnd;
      const end = this.model.checkRead(range, bytes, offset, maxBytes, log.durableEnd);
      demand(
        isDurable(disk, range, bytes, this.life?.journal !== undefined),
        `${offset}..${end} was served and is not on the disk`,
      );
      keep = this.state === "open" && this.held.length < RANGES_HELD_MAX && random.oneIn(8);
      if (keep) this.held.push({ range, expected: bytes });
      return end;
    } finally {
      if (!keep) range.release();
    }
  }

  private noteStart(log: CommitLog, nowMs: number): void {
    if (log.startOffset === this.model.start) return;
    this.recovered = undefined;
    this.parts.trace(`start moved to ${log.startOffset}`);
    this.model.retained(log.startOffset, log.durableEnd, nowMs);
  }

  /** Runs a call; false when it failed, which it may for a reason that the disk gave, or with a code of `codes`. */
  private attempt(codes: readonly ErrorCode[], run: () => void): boolean {
    const before = { ...this.parts.disk.fired };
    try {
      run();
      return true;
    } catch (error) {
      if (this.parts.disk.dead) return false;
      if (error instanceof Violation) throw error;
      this.parts.trace(`failed: ${String(error)}`);
      this.expectReason(error, before, codes);
      return false;
    }
  }

  private expectReason(error: unknown, before: FaultCounts, codes: readonly ErrorCode[]): void {
    const fired = firedSince(before, this.parts.disk.fired);
    demand(
      error instanceof VoikError,
      `a raw error came out: ${error instanceof Error ? error.stack : String(error)}`,
    );
    const { code } = error;
    const fair =
      (code === "disk_full" && fired.includes("full")) ||
      (code === "storage_failed" &&
        (this.refuses ||
          this.life?.syncFailed ||
          fired.some((kind) => kind !== "full" && kind !== "flip"))) ||
      (code === "storage_damaged" && (this.hasGap() || (codes.includes(code) && fired.includes("flip")))) ||
      (code === "offset_out_of_range" && codes.includes(code));
    demand(fair, `${code} for no reason: ${error.message}`);
  }

  /** Bits that were flipped in two reads in a row are damage to a log. */
  private hasGap(): boolean {
    return this.parts.disk.snapshot(this.settings.folder, /^gaps$/).size > 0;
  }

  private openFiles(): number {
    const folder = `${this.settings.folder}/`;
    return [...this.parts.disk.open.values()].filter(({ path }) => path.startsWith(folder)).length;
  }

  private openLog(): CommitLog {
    if (!this.log) throw new Error("only an open log is used");
    return this.log;
  }
}
