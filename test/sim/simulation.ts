/**
 * One seed, one life story: a few logs on one disk, a process that appends, reads, deletes, closes and reopens them,
 * is killed, loses power, meets faults, comes back, and is held to its promises after each step. The whole story
 * comes from the seed; nothing in it waits, and nothing outside can disturb it.
 */
import { drainMicrotasks } from "bun:jsc";
import type { FileSystem } from "../../src/base/file-system.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { GroupCommit } from "../../src/log/group-commit.ts";
import { AppendBuffers } from "../../src/log/append-buffers.ts";
import { Journal } from "../../src/log/journal.ts";
import { LogSlot } from "./log-slot.ts";
import type { OpenLogUnderTest, SlotParts } from "./slot-parts.ts";
import type { ProcessLife } from "./process-life.ts";
import { demand } from "./violation.ts";
import { SimDisk } from "./sim-disk.ts";
import { ProcessDisk } from "./sim-process-disk.ts";
import { NO_FAULTS } from "./sim-faults.ts";
import { SimRandom } from "./sim-random.ts";
import { SimScheduler } from "./sim-scheduler.ts";

const ROOT = "/data";
const FOLDER = `${ROOT}/streams`;
/** So many steps bring anything to rest. */
const REST_STEPS_MAX = 10_000;
/** One seed in so many, the last of each, has so much going on that the journal is filled again and again. */
export const HURRIED_EVERY = 16;
/** What counts as much to write here, where most batches are smaller and some are not. */
const AT_ONCE_BYTES = 300;

/** How a test breaks the log, to see whether the simulation finds it. */
export interface Harm {
  fileSystem?(fileSystem: FileSystem): FileSystem;
  openLog?: OpenLogUnderTest;
  journal?(journal: Journal): Journal;
  /** Only a story in which the journal is filled again and again can show it. */
  hurried?: boolean;
}

export interface SimulationOptions {
  harm?: Harm;
  /** Number of the call on the disk that fails, the only one. */
  failCall?: number;
  trace?(line: string): void;
  /** Whether logs get transactions. Default: those of every second eight seeds. */
  transactions?: boolean;
  /** Whether large appends are synced at once, not at the end of the tick. Default: in every fourth 64 seeds. */
  atOnce?: boolean;
}

/** What may go wrong in the story; each seed has its own mix. */
interface Plan {
  steps: number;
  kills: boolean;
  powerCuts: boolean;
  full: boolean;
  readErrors: boolean;
  syncErrors: boolean;
  changeErrors: boolean;
  flips: boolean;
}

type Action =
  "step" | "append" | "read" | "look up" | "retain" | "release" | "time" | "close" | "die" | "fault";

const WEIGHTS: Record<Action, number> = {
  step: 40,
  append: 24,
  read: 10,
  "look up": 4,
  retain: 6,
  release: 3,
  time: 3,
  close: 2,
  die: 3,
  fault: 5,
};
const ACTIONS = (Object.keys(WEIGHTS) as Action[]).flatMap((action) =>
  Array.from({ length: WEIGHTS[action] }, () => action),
);

/** Runs the story of `seed`. Throws a Violation, with what was promised, when the log breaks its word. */
export function simulate(seed: number, options: SimulationOptions = {}): void {
  new Simulation(seed, options).run();
}

/** The same with one error and no other: at the call numbered `call`. Returns whether the story had so many. */
export function simulateFailure(seed: number, call: number): boolean {
  const simulation = new Simulation(seed, { failCall: call });
  simulation.run();
  return simulation.failed;
}

class Simulation {
  private readonly random: SimRandom;
  private readonly scheduler: SimScheduler;
  private readonly disk: SimDisk;
  private readonly slots: LogSlot[];
  private readonly plan: Plan;
  private readonly trace: (line: string) => void;
  private life: ProcessLife | undefined;
  /** What was objected to in a callback. */
  private objection: unknown;
  private openings = 0;
  /** Much happens, and no timer runs out meanwhile. */
  private readonly hurried: boolean;

  constructor(
    private readonly seed: number,
    private readonly options: SimulationOptions,
  ) {
    this.random = new SimRandom(seed);
    this.hurried = seed % HURRIED_EVERY === HURRIED_EVERY - 1;
    this.trace = options.trace ?? (() => {});
    this.scheduler = new SimScheduler(this.random);
    this.disk = new SimDisk(this.random, this.scheduler, this.trace);
    this.disk.makeDurable(FOLDER);
    this.plan = this.makePlan();
    this.disk.failCallIn = options.failCall;
    this.slots = Array.from({ length: this.random.oneIn(3) ? 2 : 1 }, (_, i) => this.makeSlot(i));
  }

  /** Whether the call that was to fail has come. */
  get failed(): boolean {
    return this.disk.failCallIn === 0;
  }

  run(): void {
    this.boot();
    for (let i = 0; i < this.plan.steps; i++) {
      this.act(this.random.pick(ACTIONS));
      this.afterwards();
    }
    this.end();
  }

  private makePlan(): Plan {
    const { random } = this;
    const flips = random.oneIn(10);
    const plan: Plan = {
      steps: random.between(30, 250) * (this.hurried ? 3 : 1),
      kills: random.oneIn(2),
      powerCuts: !random.oneIn(4),
      full: !flips && random.oneIn(3),
      readErrors: random.oneIn(4),
      syncErrors: random.oneIn(3),
      changeErrors: random.oneIn(5),
      flips,
    };
    if (this.options.failCall === undefined) return plan;
    const none = { full: false, readErrors: false, syncErrors: false, changeErrors: false, flips: false };
    return { ...plan, ...none };
  }

  private makeSlot(index: number): LogSlot {
    const { random } = this;
    const large = random.oneIn(4);
    const parts: SlotParts = {
      disk: this.disk,
      scheduler: this.scheduler,
      random,
      openLog: (options, groupCommit) => {
        const open: OpenLogUnderTest = this.options.harm?.openLog ?? ((...all) => CommitLog.open(...all));
        const logIo = this.openings++ % 3 === 2 ? "mmap" : "file"; // one after the other on the same files
        return open({ ...options, logIo }, groupCommit);
      },
      trace: this.trace,
      guard: (run) => this.guard(run),
    };
    return new LogSlot(parts, {
      folder: `${FOLDER}/stream${random.oneIn(2) ? index : 0}/${index}`,
      segmentBytesMax: large ? random.between(10_000, 40_000) : random.between(300, 5_000),
      recordBytesMax: large ? 2_000 : random.pick([100, 400, 2_000]),
      retentionMs: random.oneIn(2) ? Infinity : random.between(0, 5_000),
      retentionBytes: random.oneIn(2) ? Infinity : random.between(0, 10_000),
      transactional: this.options.transactions ?? ((this.seed >> 3) & 1) === 1,
    });
  }

  /** A new process on the disk as it is, opening every log; it may die in the middle of that, after some calls. */
  private boot(callsToLive?: number): void {
    const fileSystem = new ProcessDisk(this.disk);
    this.disk.callsToLive = callsToLive;
    this.trace("boot");
    this.disk.faults.flipOneIn = 0;
    const life: ProcessLife = {
      fileSystem: this.options.harm?.fileSystem?.(fileSystem) ?? fileSystem,
      journal: undefined,
      // Every third seed writes each append at once; in others some do, when all buffers are taken.
      appendBuffers: new AppendBuffers(this.seed % 3 === 0 ? 0 : 2),
      groupCommit: new GroupCommit(() => {}, this.scheduler),
      syncFailed: false,
      over: false,
    };
    this.life = life;
    try {
      life.journal = this.openJournal(life.fileSystem);
    } catch {
      life.syncFailed = true; // it can't start: the next one may
      return;
    }
    const onFailure = () => {
      this.trace("a sync failed: the process is about to end");
      life.syncFailed = true;
    };
    const atOnce = this.options.atOnce ?? ((this.seed >> 6) & 3) === 3;
    life.groupCommit = new GroupCommit(onFailure, this.scheduler, {
      journal: life.journal,
      togetherFrom: atOnce ? 2 : 1,
      ...(atOnce && { syncedAtOnceBytes: AT_ONCE_BYTES }),
    });
    for (const slot of this.slots) {
      if (!this.disk.dead) slot.open(life);
    }
  }

  /** Every other seed has a journal, a small one that is soon full. */
  private openJournal(fileSystem: FileSystem): Journal | undefined {
    if (this.seed % 2 === 0) return undefined;
    const onUnusable = (reason: string) => this.trace(`the journal is given up: ${reason}`);
    const fileBytes = this.hurried ? 4_096 : this.seed % 4 === 1 ? 8_192 : 65_536;
    const journal = Journal.open({ fileSystem, clock: this.scheduler, root: ROOT, fileBytes, onUnusable });
    if (this.hurried) journal.prepare();
    return this.options.harm?.journal?.(journal) ?? journal;
  }

  private act(action: Action): void {
    const slot = this.random.pick(this.slots);
    const { state } = slot;
    switch (action) {
      case "step":
        return this.step();
      case "time":
        return this.hurried ? this.step() : this.moveTime();
      case "die":
        return this.planDeath();
      case "fault":
        return this.changeFaults();
      case "close":
        if (state === "closed" && this.life && !this.life.syncFailed && !slot.retaining) {
          this.disk.faults.flipOneIn = 0;
          slot.open(this.life);
        }
        if (state === "open" && this.random.oneIn(2)) slot.close();
        return;
    }
    if (state !== "open") return this.step();
    if (action === "append") slot.append();
    else if (action === "read") slot.read();
    else if (action === "look up") slot.lookUp();
    else if (action === "release") slot.release();
    else if (!slot.retaining) slot.retain();
  }

  private step(): void {
    if (this.scheduler.idle) return;
    this.trace(`happens: ${this.scheduler.step()}`);
  }

  private moveTime(): void {
    const { random } = this;
    this.scheduler.moveMs(random.oneIn(8) ? random.between(-20_000, 20_000) : random.below(2_000));
  }

  /** Now, or some calls ahead, in the middle of something. */
  private planDeath(): void {
    if (!this.plan.kills && !this.plan.powerCuts) return;
    if (this.random.oneIn(3)) this.die();
    else this.disk.callsToLive ??= this.random.between(1, 40);
  }

  private changeFaults(): void {
    const { random, plan } = this;
    const on = random.oneIn(2);
    this.disk.faults = {
      full: on && plan.full,
      roomBytes: random.oneIn(3) ? 0 : random.below(3_000),
      readErrorOneIn: on && plan.readErrors ? random.pick([3, 10]) : 0,
      syncErrorOneIn: on && plan.syncErrors ? random.pick([2, 10]) : 0,
      changeErrorOneIn: on && plan.changeErrors ? random.pick([3, 10]) : 0,
      flipOneIn:
        on && plan.flips && this.slots.every(({ state }) => state === "open") ? random.pick([3, 20]) : 0,
    };
    this.trace(`faults: ${JSON.stringify(this.disk.faults)}`);
  }

  /** What holds after each step; a process that died or has to end is followed by the next one. */
  private afterwards(): void {
    drainMicrotasks();
    this.raiseObjection();
    if (this.disk.dead || (this.life?.syncFailed && this.random.oneIn(12))) this.die();
    else for (const slot of this.slots) slot.checkState();
  }

  private die(): void {
    const cut = this.plan.powerCuts && (!this.plan.kills || this.random.oneIn(2));
    this.trace(cut ? "the power goes" : "the process is killed");
    if (this.life) this.life.over = true;
    if (cut) this.disk.powerCut();
    else this.disk.kill();
    for (const slot of this.slots) slot.processEnded();
    this.boot(this.random.oneIn(3) ? this.random.between(1, 80) : undefined);
  }

  /** The faults end, everything comes to rest, the power goes once more, and the log still knows everything. */
  private end(): void {
    this.trace("the end: no more faults");
    this.disk.faults = { ...NO_FAULTS };
    this.disk.failCallIn = this.failed ? 0 : undefined;
    while (this.disk.dead || this.life?.syncFailed) this.die();
    this.disk.callsToLive = undefined;
    this.settle();
    for (const slot of this.slots) slot.append();
    this.settle();
    for (const slot of this.slots) {
      demand(
        slot.model.settled === slot.model.end,
        "everything that was appended is acknowledged in the end",
      );
    }
    for (let i = 0; i < 2; i++) {
      do this.die();
      while (this.disk.dead);
      this.disk.callsToLive = undefined;
      this.settle();
    }
    for (const slot of this.slots) slot.close();
    this.rest();
  }

  /** Everything that is under way comes to its end, and every log is open. */
  private settle(): void {
    this.rest();
    for (const slot of this.slots) {
      if (slot.state === "closed" && this.life) slot.open(this.life);
    }
    this.rest();
    for (const slot of this.slots) {
      demand(slot.state === "open", "a log opens and closes when the disk is well");
      slot.checkState();
      slot.readAll();
    }
  }

  private rest(): void {
    drainMicrotasks();
    for (let i = 0; !this.scheduler.idle; i++) {
      demand(i < REST_STEPS_MAX, "the log comes to rest");
      this.step();
    }
    this.raiseObjection();
  }

  private guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.objection ??= error;
    }
  }

  private raiseObjection(): void {
    if (this.objection !== undefined) throw this.objection;
  }
}
