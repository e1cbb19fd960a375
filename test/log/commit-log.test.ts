/** The commit log on a real disk: order, durability, ranges, segments, timestamps, retention. */
import { afterEach, beforeEach, describe, expect } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { seededRandom } from "../../src/base/random.ts";
import { disk } from "../../src/base/disk.ts";
import type { VoikError } from "../../src/base/errors.ts";
import type { OpenFile } from "../../src/base/file-system.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { appendDurably, batchOf, openLog, readAll, temporaryFolder } from "../helpers/log.ts";
import { test } from "../helpers/log-io.ts";

let folder: string;
let remove: () => void;
let log: CommitLog;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});

afterEach(async () => {
  await log.close();
  remove();
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as VoikError).code;
  }
  return "no error";
}

test("records come back in order, at dense offsets, with their bytes", async () => {
  log = await openLog(folder);
  expect(await appendDurably(log, batchOf(["a", "b", "c"]))).toBe(0);
  expect(await appendDurably(log, batchOf(["d"]))).toBe(3);
  expect(log.durableEnd).toBe(4);
  expect(readAll(log)).toEqual(["0:a", "1:b", "2:c", "3:d"]);
  expect(readAll(log, 2)).toEqual(["2:c", "3:d"]);
});

test("nothing is readable before it is durable", async () => {
  log = await openLog(folder);
  log.append(batchOf(["a"]));
  expect(log.endOffset).toBe(1);
  expect(log.durableEnd).toBe(0);
  expect(log.locate(0, 100)).toBeUndefined();
  expect(codeOf(() => log.locate(1, 100))).toBe("offset_out_of_range");
  await appendDurably(log, batchOf(["b"]));
  expect(readAll(log)).toEqual(["0:a", "1:b"]);
});

test("waiters are told in the order of their appends, and listeners each time the durable end moves", async () => {
  log = await openLog(folder);
  const told: string[] = [];
  log.addTailListener({ onDurableEnd: () => told.push(`end ${log.durableEnd}`) });
  const first = appendDurably(log, batchOf(["a"])).then((offset) => told.push(`ack ${offset}`));
  const second = appendDurably(log, batchOf(["b"])).then((offset) => told.push(`ack ${offset}`));
  await Promise.all([first, second]);
  expect(told).toEqual(["end 2", "ack 0", "ack 1"]);
});

test("an append during a sync waits for the next one", async () => {
  log = await openLog(folder);
  const first = appendDurably(log, batchOf(["a"]));
  const inside = new Promise<number>((resolve) =>
    setImmediate(() => resolve(appendDurably(log, batchOf(["b"])))),
  );
  expect(await first).toBe(0);
  expect(log.durableEnd).toBe(1);
  expect(await inside).toBe(1);
  expect(log.durableEnd).toBe(2);
});

test("a range starts at the batch that holds the offset, ends at a batch, and is never empty", async () => {
  log = await openLog(folder);
  for (let i = 0; i < 200; i++) log.append(batchOf([`${i}`.padEnd(1000, "x"), "y"]));
  await appendDurably(log, batchOf(["end"]));
  const range = log.locate(101, 10_000);
  expect(range?.baseOffset).toBe(100);
  expect(range?.bytes).toBeLessThanOrEqual(10_000);
  range?.release();
  const one = log.locate(101, 1);
  expect(one?.bytes).toBe(batchOf(["50".padEnd(1000, "x"), "y"]).length);
  one?.release();
  for (const maxBytes of [1, 1_500, 5_000, 20_000, 1 << 20])
    expect(readAll(log, 0, maxBytes)).toHaveLength(401);
});

test("a random history over many segments reads back from every offset, also after it is opened again", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  log = await openLog(folder, { segmentBytesMax: 8_192 });
  const model: string[] = [];
  for (let i = 0; i < 300; i++) {
    const values = Array.from({ length: 1 + (random.uint32() % 5) }, () => "v".repeat(random.uint32() % 600));
    for (const value of values) model.push(`${model.length}:${value}`);
    if (random.uint32() % 4 === 0) await appendDurably(log, batchOf(values));
    else log.append(batchOf(values));
  }
  await appendDurably(log, batchOf(["end"]));
  model.push(`${model.length}:end`);
  expect(readdirSync(folder).filter((name) => name.endsWith(".log")).length).toBeGreaterThan(10);
  expect(readdirSync(folder).filter((name) => name.endsWith(".pending"))).toEqual([]);
  for (let offset = 0; offset <= model.length; offset += 7)
    expect(readAll(log, offset, 3_000)).toEqual(model.slice(offset));
  await log.close();
  log = await openLog(folder, { segmentBytesMax: 8_192 });
  expect(log.durableEnd).toBe(model.length);
  expect(readAll(log)).toEqual(model);
});

test("a range outlives the deletion of its segment", async () => {
  log = await openLog(folder, { segmentBytesMax: 100, retentionMs: 10 });
  await appendDurably(log, batchOf(["old"], 1_000));
  await appendDurably(log, batchOf(["new"], 5_000));
  const range = log.locate(0, 1_000);
  expect(await log.applyRetention(5_005)).toBe(true);
  expect(log.startOffset).toBe(1);
  const bytes = Buffer.alloc(range?.bytes ?? 0);
  range?.copy(bytes, 0);
  range?.release();
  expect(bytes.includes("old")).toBe(true);
  expect(codeOf(() => log.locate(0, 1_000))).toBe("offset_out_of_range");
});

describe("timestamps", () => {
  test("find the first record that is at least as new, across segments and inside batches", async () => {
    log = await openLog(folder, { segmentBytesMax: 2_000 });
    for (let i = 0; i < 100; i++) log.append(batchOf([`${i}`, "x".repeat(300)], 1_000 + i * 10));
    await appendDurably(log, batchOf(["end"], 2_000));
    for (let i = 0; i < 100; i++) {
      expect(log.offsetForTimestamp(1_000 + i * 10)).toEqual({ offset: i * 2, timestampMs: 1_000 + i * 10 });
      expect(log.offsetForTimestamp(995 + i * 10)?.offset).toBe(i * 2);
    }
    expect(log.offsetForTimestamp(0)?.offset).toBe(0);
    expect(log.offsetForTimestamp(2_001)).toBeUndefined();
    expect(log.newest).toEqual({ offset: 200, timestampMs: 2_000 });
  });

  test("that go back are still found at their first place", async () => {
    log = await openLog(folder);
    for (const timestampMs of [50, 10, 70, 20, 70, 30]) log.append(batchOf(["x".repeat(5_000)], timestampMs));
    await appendDurably(log, batchOf(["end"], 5));
    expect(log.offsetForTimestamp(60)?.offset).toBe(2);
    expect(log.offsetForTimestamp(20)?.offset).toBe(0);
    expect(log.newest).toEqual({ offset: 2, timestampMs: 70 });
  });
});

describe("retention", () => {
  test("by size deletes the oldest segment, one a call, and never the active one", async () => {
    log = await openLog(folder, { segmentBytesMax: 100, retentionBytes: 140 });
    for (const value of ["a", "b", "c", "d"]) await appendDurably(log, batchOf([value]));
    expect(await log.applyRetention(0)).toBe(true);
    expect(log.startOffset).toBe(1);
    expect(await log.applyRetention(0)).toBe(true);
    expect(await log.applyRetention(0)).toBe(false);
    expect(readAll(log)).toEqual(["2:c", "3:d"]);
    expect(readdirSync(folder).filter((name) => name.includes("deleted"))).toEqual([]);
    await log.close();
    log = await openLog(folder);
    expect(log.startOffset).toBe(2);
  });
});

test("a full index starts a new segment, however much room the log file has", async () => {
  log = await openLog(folder, { segmentBytesMax: 64 << 20, indexBytesMax: 80 });
  for (let i = 0; i < 30; i++) await appendDurably(log, batchOf(["x".repeat(5_000)]));
  const segments = readdirSync(folder).filter((name) => name.endsWith(".log"));
  expect(segments.length).toBeGreaterThan(2);
  expect(readAll(log)).toHaveLength(30);
});

describe("an empty segment behind a full one", () => {
  const rolled = async (fileSystem = disk): Promise<void> => {
    log = await openLog(folder, { fileSystem, segmentAgeMsMax: 10, retentionMs: 10 });
    await appendDurably(log, batchOf(["old"], 1_000));
    log.rollIfOld(5_000); // from here on the segment's age counts
    log.rollIfOld(6_000);
  };

  test("is where the log goes on when retention has taken the full one", async () => {
    await rolled();
    while (log.dirty) await new Promise(setImmediate);
    expect(await log.applyRetention(100_000)).toBe(true);
    expect(log.startOffset).toBe(1);
    expect(await appendDurably(log, batchOf(["new"], 2_000))).toBe(1);
    expect(readAll(log)).toEqual(["1:new"]);
    expect(log.newest).toEqual({ offset: 1, timestampMs: 2_000 });
  });

  test("is under way until its name is durable, and close waits for that", async () => {
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let held = false;
    const syncFolder: typeof disk.syncFolder = async (path) => {
      if (held) {
        asked.resolve();
        await release.promise;
      }
      await disk.syncFolder(path);
    };
    await rolled({ ...disk, syncFolder });
    held = true;
    await asked.promise;
    expect(log.dirty).toBe(true);
    let closed = false;
    const closing = log.close().then(() => (closed = true));
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    release.resolve();
    await closing;
    log = await openLog(folder);
    expect(readAll(log)).toEqual(["0:old"]);
  });
});

describe("failures", () => {
  test("a short write is cut back, answers disk_full, and the next append is good", async () => {
    let room = 5_000;
    const fileSystem = { ...disk, open: limitedOpen(() => room) };
    log = await openLog(folder, { fileSystem });
    await appendDurably(log, batchOf(["first"]));
    expect(codeOf(() => log.append(batchOf(["x".repeat(9_000)])))).toBe("disk_full");
    room = 100_000;
    await appendDurably(log, batchOf(["second"]));
    expect(readAll(log)).toEqual(["0:first", "1:second"]);
  });

  test("a failed sync fails the waiting append, is never tried again, and nothing more is accepted", async () => {
    let syncs = 0;
    const failures: unknown[] = [];
    const fileSystem = {
      ...disk,
      open: wrappedOpen((file) => {
        file.sync = () => {
          syncs++;
          return Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
        };
      }),
    };
    log = await openLog(folder, { fileSystem }, (error) => failures.push(error));
    await expect(appendDurably(log, batchOf(["a"]))).rejects.toThrow("the disk failed while syncing");
    expect(failures).toHaveLength(1);
    expect(log.durableEnd).toBe(0);
    expect(codeOf(() => log.append(batchOf(["b"])))).toBe("storage_failed");
    expect(syncs).toBe(1);
  });

  test("after close every append says that voik is stopping, and what was accepted is there", async () => {
    log = await openLog(folder);
    const acked = appendDurably(log, batchOf(["a"]));
    await log.close();
    expect(await acked).toBe(0);
    expect(codeOf(() => log.append(batchOf(["b"])))).toBe("shutting_down");
    log = await openLog(folder);
    expect(readAll(log)).toEqual(["0:a"]);
    expect(existsSync(`${folder}/00000000000000000000.log`)).toBe(true);
  });
});

function wrappedOpen(change: (file: OpenFile) => void): typeof disk.open {
  return (path, mode) => {
    const file = disk.open(path, mode);
    if (path.includes(".log")) change(file);
    return file;
  };
}

/** Files that take only `room()` bytes and then a short write, or reserve no more, as a full disk does. */
function limitedOpen(room: () => number): typeof disk.open {
  return wrappedOpen((file) => {
    const write = file.write.bind(file);
    file.write = (bytes, position) => write(bytes.subarray(0, Math.max(0, room() - position)), position);
    const allocate = file.allocate.bind(file);
    file.allocate = (bytes, from) => {
      if (bytes > room()) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      allocate(bytes, from);
    };
  });
}
