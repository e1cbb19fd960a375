/**
 * One log under test, with its oracle beside it: each thing that can be done to a log, done and checked (reads in
 * slot-reads.ts, what may fail in checked-calls.ts).
 */
import { silentLogger } from "../../src/base/logger.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { CheckedCalls } from "./checked-calls.ts";
import { type ModelBatch, ModelLog, sameFiles } from "./model-log.ts";
import type { ProcessLife } from "./process-life.ts";
import { makeBatch, makeTransactionalBatch } from "./sim-batch.ts";
import { firedSince } from "./sim-faults.ts";
import type { SlotParts } from "./slot-parts.ts";
import { SlotReads } from "./slot-reads.ts";
import { demand } from "./violation.ts";

export interface SlotSettings {
  folder: string;
  segmentBytesMax: number;
  recordBytesMax: number;
  retentionMs: number;
  retentionBytes: number;
  /** Some appends are parts of transactions. */
  transactional: boolean;
}

export class LogSlot {
  readonly model: ModelLog;
  state: "closed" | "opening" | "open" | "closing" = "closed";
  log: CommitLog | undefined;
  retaining = false;
  /** Wall time of the retention that is under way. */
  private retainedAtMs = 0;
  private readonly calls: CheckedCalls;
  private readonly reads: SlotReads;
  /** The folder as the last recovery left it; undefined once something was changed. */
  private recovered: Map<string, string> | undefined;

  constructor(
    private readonly parts: SlotParts,
    readonly settings: SlotSettings,
  ) {
    this.model = new ModelLog(settings);
    this.calls = new CheckedCalls(parts, settings.folder);
    this.reads = new SlotReads(parts, this.model, this.calls, () => this.state === "open");
  }

  open(life: ProcessLife): void {
    const { disk, trace, guard } = this.parts;
    const { folder, segmentBytesMax, retentionMs, retentionBytes } = this.settings;
    this.state = "opening";
    this.calls.life = life;
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
          this.calls.expectReason(error, before, []);
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
    const life = this.calls.life as ProcessLife;
    const lateBy = life.syncFailed;
    const done = this.calls.attempt([], () => {
      const baseOffset = log.append(sent, {
        onDurable: () => this.parts.guard(() => this.acknowledged(batch, lateBy)),
        onAppendFailed: () => (this.calls.refuses = true),
      });
      demand(baseOffset === batch.baseOffset, `appended at ${baseOffset}, not ${batch.baseOffset}`);
      demand(!this.calls.refuses, "an append was taken after a failed sync");
    });
    if (done || this.parts.disk.dead) this.model.appended(batch);
    if (random.oneIn(2)) sent.fill(0xaa);
  }

  read(): void {
    this.reads.read(this.openLog());
  }

  lookUp(): void {
    this.reads.lookUp(this.openLog());
  }

  /** Reads again what was found earlier, whatever has become of its segment, and lets go of it. */
  release(): void {
    this.reads.release();
  }

  /** Reads everything, and demands that it is everything, but for damage that the log has noted. */
  readAll(): void {
    this.reads.readAll(this.openLog(), true);
  }

  retain(): void {
    const { scheduler, trace, guard, disk } = this.parts;
    const log = this.openLog();
    const life = this.calls.life as ProcessLife;
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
          if (life.syncFailed && String(error).endsWith(this.settings.folder)) this.calls.refuses = true;
          demand(firedSince(before, disk.fired).length > 0, `retention failed: ${String(error)}`);
        }),
    );
    this.noteStart(log, nowMs);
  }

  close(): void {
    const log = this.openLog();
    const life = this.calls.life as ProcessLife;
    this.state = "closing";
    this.parts.trace(`close ${this.settings.folder}`);
    this.reads.releaseAll();
    if (this.parts.disk.dead) return;
    log.close().then(
      () =>
        this.parts.guard(() => {
          if (life.over || this.parts.disk.dead) return;
          this.state = "closed";
          this.log = undefined;
          demand(
            this.calls.refuses || this.model.settled === this.model.end,
            "closing left something unsynced",
          );
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
    this.reads.processEnded();
    this.retaining = false;
    this.calls.refuses = false;
  }

  checkState(): void {
    if (this.state !== "open" || !this.log || this.calls.refuses) return;
    if (this.retaining) this.noteStart(this.log, this.retainedAtMs);
    this.model.checkState(this.log, this.calls.life?.journal !== undefined);
    if (this.settings.transactional) this.checkTransactions(this.log);
  }

  /** After bits were flipped in a header that was read, what follows from it is anybody's guess. */
  private checkTransactions(log: CommitLog): void {
    this.calls.attempt(["storage_damaged"], () => {
      if (this.parts.disk.fired.flip === 0) this.model.transactions.check(log);
    });
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
    this.calls.attempt([], () => this.reads.readAll(log));
  }

  private acknowledged(batch: ModelBatch, afterFailure: boolean): void {
    const { disk, trace } = this.parts;
    const log = this.openLog();
    trace(`acknowledged ..${batch.endOffset}`);
    demand(!this.calls.refuses && !afterFailure, "an ack after a failed sync");
    this.model.acknowledged(batch.endOffset, log);
    if (batch.baseOffset < log.startOffset) return;
    const flips = disk.fired.flip;
    this.calls.attempt(["storage_damaged"], () => {
      const range = log.locate(batch.baseOffset, 1);
      demand(range !== undefined, `${batch.baseOffset} was acknowledged and can't be read`);
      this.reads.readRange(log, range, batch.baseOffset, 1, flips);
    });
  }

  private noteStart(log: CommitLog, nowMs: number): void {
    if (log.startOffset === this.model.start) return;
    this.recovered = undefined;
    this.parts.trace(`start moved to ${log.startOffset}`);
    this.model.retained(log.startOffset, log.durableEnd, nowMs);
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
