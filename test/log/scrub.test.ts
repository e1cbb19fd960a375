/** The background scrub: what it finds, how fast it reads, when it rests and how it ends. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { LogFields } from "../../src/base/logger.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";
import type { DamagedRange } from "../../src/log/damage.ts";
import { LogStore } from "../../src/log/log-store.ts";
import { setDamageAside } from "../../src/log/repair.ts";
import { BATCH_COST_BYTES, Scrub, type ScrubOptions } from "../../src/log/scrub.ts";
import { verifyShard } from "../../src/log/verify.ts";
import { DataFolder, edit } from "../helpers/data-folder.ts";
import { batchOf } from "../helpers/log.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const BATCH = 1061;

/** A clock that stands still until it is told to go on, and then goes from timer to timer. */
class SteppedClock implements Clock {
  private now = 0;
  private timers: { atMs: number; run: () => void }[] = [];

  nowMs = () => this.now;
  monotonicMs = () => this.now;
  defer = (run: () => void) => void setImmediate(run);

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.now + delayMs, run };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  get waiting(): number {
    return this.timers.length;
  }

  /** Goes on until no timer is left before `untilMs`. */
  async goTo(untilMs: number): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      const next = this.timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = next.atMs;
      next.run();
    }
    this.now = untilMs;
  }
}

let data: DataFolder;
let clock: SteppedClock;
let metrics: MetricsRegistry;
let errors: LogFields[];
let found: DamagedRange[];
let scrub: Scrub;

beforeEach(async () => {
  data = new DataFolder();
  clock = new SteppedClock();
  metrics = new MetricsRegistry();
  errors = [];
  found = [];
  await data.addStream("orders", { shards: 2 });
});
afterEach(() => {
  scrub.stop();
  data[Symbol.dispose]();
});

/** A scrub that takes a second for a batch. */
function start(options: Partial<ScrubOptions> = {}): void {
  scrub = new Scrub({
    fileSystem: disk,
    clock,
    metrics,
    logger: { ...silentLogger, error: (_, fields = {}) => void errors.push(fields) },
    bytesPerSecond: BATCH + BATCH_COST_BYTES,
    folders: () => [data.shard(0), data.shard(1)],
    onDamage: (_, range) => void found.push(range),
    ...options,
  });
}

const scrubbed = () => Number(/^voik_log_scrub_bytes_total (\d+)$/m.exec(metrics.render())?.[1]);
const damages = () => Number(/^voik_log_damage_found_total (\d+)$/m.exec(metrics.render())?.[1]);

test("reads all sealed segments once a day, and never the last one", async () => {
  start();
  await clock.goTo(DAY_MS - 1);
  expect(scrubbed()).toBe(2 * 9 * BATCH);
  await clock.goTo(DAY_MS + 60_000);
  expect(scrubbed()).toBe(2 * 18 * BATCH);
  expect([damages(), errors]).toEqual([0, []]);
});

test("reads no faster than it may", async () => {
  start();
  // A segment of three batches, then a rest of three seconds.
  for (const [ms, batches] of [
    [999, 0],
    [1_001, 3],
    [3_999, 3],
    [4_001, 6],
    [18_999, 18],
  ] as const) {
    await clock.goTo(ms);
    expect([ms, scrubbed()]).toEqual([ms, batches * BATCH]);
  }
});

test("tells of damage once, with file, byte and offsets, and goes on behind it", async () => {
  const [, path = ""] = data.files(0, ".log");
  edit(path, (bytes) => void bytes.fill(0, BATCH + 100, BATCH + 110));
  start();
  await clock.goTo(3 * DAY_MS);
  expect(scrubbed()).toBe(3 * 18 * BATCH);
  expect(damages()).toBe(1);
  expect(found).toEqual([{ path, position: BATCH, bytes: BATCH, offset: 40, endOffset: 50 }]);
  expect(errors).toEqual([
    expect.objectContaining({ file: path, byte: BATCH, bytes: BATCH, fromOffset: 40, toOffset: 50 }),
  ]);
});

test("is silent on damage that was set aside", async () => {
  edit(data.files(0, ".log")[1] as string, (bytes) => void bytes.fill(0, BATCH + 100, BATCH + 110));
  const { damage } = await verifyShard(disk, data.shard(0));
  expect(await setDamageAside(disk, data.shard(0), damage)).toHaveLength(1);
  start();
  await clock.goTo(DAY_MS / 2);
  expect([scrubbed(), damages(), errors]).toEqual([18 * BATCH, 0, []]);
});

test("finds damage that a later pass meets", async () => {
  start();
  await clock.goTo(DAY_MS / 2);
  expect(damages()).toBe(0);
  edit(data.files(1, ".log")[0] as string, (bytes) => void (bytes[500] = (bytes[500] as number) ^ 4));
  await clock.goTo(2 * DAY_MS);
  expect(damages()).toBe(1);
});

test("fences what it finds: those records answer an error, the others are read, nothing more is written", async () => {
  edit(data.files(0, ".log")[1] as string, (bytes) => void bytes.fill(0, BATCH + 100, BATCH + 110));
  const store = new LogStore({
    fileSystem: disk,
    clock,
    logger: silentLogger,
    metrics,
    segmentBytesMax: 4096,
    retentionBytes: Infinity,
    scrubBytesPerSecond: 1 << 20,
    onSyncFailure: () => {},
  });
  const log = await store.open(data.shard(0), { retentionMs: Infinity });
  start({ folders: () => [] });
  await clock.goTo(60_000);
  expect(damages()).toBe(1);
  expect(() => log.locate(45, 1)).toThrow(expect.objectContaining({ code: "storage_damaged" }));
  expect(() => log.append(batchOf(["x"]))).toThrow(expect.objectContaining({ code: "storage_damaged" }));
  for (const offset of [39, 50, 119]) log.locate(offset, 1)?.release();
  await log.close();
  store.close();
});

test("passes over files and folders that go away under it", async () => {
  start();
  await clock.goTo(1_001);
  rmSync(data.files(0, ".log")[1] as string);
  rmSync(data.shard(1), { recursive: true });
  await clock.goTo(DAY_MS - 1);
  // The missing file shows as nothing: retention may take any file but the last.
  expect([scrubbed(), damages()]).toEqual([6 * BATCH, 0]);
});

test("ends at once, in the middle of a pass or between two", async () => {
  start();
  await clock.goTo(1_001);
  scrub.stop();
  const before = scrubbed();
  await clock.goTo(DAY_MS * 2);
  expect([scrubbed(), clock.waiting]).toEqual([before, 0]);
  start();
  await clock.goTo(DAY_MS * 3);
  scrub.stop();
  expect(clock.waiting).toBe(0);
});
