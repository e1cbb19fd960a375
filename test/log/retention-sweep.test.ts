import { expect, test } from "bun:test";
import type { Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { ClockSteps, SETTLING_MS } from "../../src/log/clock-steps.ts";
import { type Retained, RetentionSweep } from "../../src/log/retention-sweep.ts";
import { appendDurably, batchOf, openLog, temporaryFolder } from "../helpers/log.ts";
import { ofProducer } from "../helpers/producers.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Two clocks that the test moves, and timers that it fires. */
class TestClock implements Clock {
  wallMs = 1_800_000_000_000;
  steadyMs = 5;
  private due: (() => void) | undefined;

  nowMs = () => this.wallMs;
  monotonicMs = () => this.steadyMs;
  defer = (run: () => void) => queueMicrotask(run);
  after(_: number, run: () => void) {
    this.due = run;
    return { cancel: () => (this.due = undefined) };
  }

  pass(ms: number): void {
    this.wallMs += ms;
    this.steadyMs += ms;
  }

  /** A minute passes, and what was to happen by then happens. */
  async minute(): Promise<void> {
    this.pass(MINUTE_MS);
    this.due?.();
    await new Promise(setImmediate);
  }
}

/** Segments known by the time of their newest record, and a size limit in segments. */
class FakeLog implements Retained {
  rolledCount = 0;
  rolledAtMs: number[] = [];
  constructor(
    public newestMs: number[],
    private readonly retentionMs: number,
    private readonly segmentsMax = Infinity,
  ) {}

  rollIfOld(nowMs: number): void {
    this.rolledAtMs.push(nowMs);
  }

  expireProducers(): void {}

  async applyRetention(nowMs: number, byAge: boolean): Promise<boolean> {
    const old = byAge && (this.newestMs[0] ?? Infinity) < nowMs - this.retentionMs;
    if (!old && this.newestMs.length <= this.segmentsMax) return false;
    this.newestMs.shift();
    return true;
  }
}

function sweeping(...logs: Retained[]) {
  const clock = new TestClock();
  const sweep = new RetentionSweep({ clock, logger: silentLogger, logs });
  sweep.start();
  return { clock, sweep };
}

const old = (count: number) => Array.from({ length: count }, (_, i) => i);

test("a clock that steps ahead deletes nothing for ten minutes, then one segment a minute", async () => {
  const log = new FakeLog(old(5), 10 * 365 * DAY_MS);
  const clock = new TestClock();
  log.newestMs = log.newestMs.map((ms) => clock.wallMs + ms);
  const sweep = new RetentionSweep({ clock, logger: silentLogger, logs: [log] });
  sweep.start();
  for (let i = 0; i < 15; i++) await clock.minute();
  expect(log.newestMs.length).toBe(5);
  clock.wallMs += 20 * 365 * DAY_MS;
  await clock.minute(); // the step is seen here
  for (let i = 0; i < 9; i++) await clock.minute();
  expect(log.newestMs.length).toBe(5);
  await clock.minute();
  expect(log.newestMs.length).toBe(4);
  await clock.minute();
  expect(log.newestMs.length).toBe(3);
});

test("a clock that steps ahead forgets no idempotent producer; a day that passes does", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder);
  const send = () => appendDurably(log, ofProducer(batchOf(["sent twice"]), 1, 0, 0));
  const { clock } = sweeping(log);
  expect(await send()).toBe(0);
  for (const stepMs of [0, 400 * DAY_MS, -800 * DAY_MS, 2 * DAY_MS]) {
    clock.wallMs += stepMs;
    await clock.minute();
  }
  expect(await send()).toBe(0);
  expect(log.endOffset).toBe(1);
  clock.pass(DAY_MS);
  await clock.minute();
  expect(log.producers()).toEqual([]);
  await log.close();
  remove();
});

test("a clock that steps back counts as a step, and so does a start", async () => {
  const log = new FakeLog(old(3), 1_000);
  const { clock } = sweeping(log);
  for (let i = 0; i < 9; i++) await clock.minute();
  expect(log.newestMs.length).toBe(3);
  await clock.minute();
  expect(log.newestMs.length).toBe(2);
  clock.wallMs -= 3_600_000;
  for (let i = 0; i < 10; i++) await clock.minute();
  expect(log.newestMs.length).toBe(2);
});

test("a log gives up as many old segments as it started, and one more", async () => {
  const log = new FakeLog(old(100), 1_000);
  const { clock } = sweeping(log);
  for (let i = 0; i < 9; i++) await clock.minute();
  log.rolledCount = 40; // before its age counted, these took part in no sweep that could delete
  await clock.minute();
  expect(log.newestMs.length).toBe(100 - 41);
  log.rolledCount = 47;
  await clock.minute();
  expect(log.newestMs.length).toBe(100 - 41 - 8);
});

test("what is over the size limit goes at once, whatever the clock does", async () => {
  const log = new FakeLog(old(50), Infinity, 10);
  const { clock } = sweeping(log);
  await clock.minute();
  expect(log.newestMs.length).toBe(10);
  expect(log.rolledAtMs).toEqual([clock.wallMs]);
});

test.each([
  ["an age", { retentionMs: 0 }, 25], // ten minutes' segments go with those of the next ten
  ["a size", { retentionBytes: 0 }, 2],
])(
  "%s of nothing keeps records for two sweeps, those of the last segment too",
  async (_what, retention, minutes) => {
    const { folder, remove } = temporaryFolder();
    const log = await openLog(folder, retention);
    const { clock } = sweeping(log);
    for (let i = 0; i < minutes; i++) {
      await appendDurably(log, batchOf([`minute ${i}`], clock.wallMs)); // shares the sync that a new segment waits for
      await clock.minute();
    }
    expect(log.startOffset).toBe(minutes - 1);
    expect(log.endOffset).toBe(minutes);
    await log.close();
    remove();
  },
);

test("a log that fails does not keep the others from being swept, and the next sweep comes", async () => {
  const broken: Retained = {
    rolledCount: 0,
    rollIfOld: () => {
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    },
    expireProducers: () => {},
    applyRetention: async () => false,
  };
  const log = new FakeLog(old(4), Infinity, 3);
  let asked = 0;
  const clock = new TestClock();
  const makeRoom = () => ++asked > 0;
  const sweep = new RetentionSweep({ clock, logger: silentLogger, logs: [broken, log], makeRoom });
  sweep.start();
  await clock.minute();
  await clock.minute();
  expect(log.newestMs.length).toBe(3);
  expect(asked).toBe(2);
  sweep.stop();
  await clock.minute();
  expect(asked).toBe(2);
});

test("a clock that is slewed a little has not stepped", () => {
  const clock = new TestClock();
  const steps = new ClockSteps(clock);
  for (let passed = 0; passed < SETTLING_MS; passed += MINUTE_MS) {
    expect(steps.settled()).toBe(false);
    clock.pass(MINUTE_MS);
    clock.wallMs += 30;
  }
  expect(steps.settled()).toBe(true);
});
