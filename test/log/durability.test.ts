/** What an acknowledgement means: on the disk (sync, by file or by file system), or written (os). */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem, Volume } from "../../src/base/file-system.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { GroupCommit } from "../../src/log/group-commit.ts";
import type { Durability } from "../../src/log/log-factory.ts";
import { appendDurably, batchOf, openLog, readAll, temporaryFolder } from "../helpers/log.ts";

let folder: string;
let remove: () => void;
let log: CommitLog;
/** What the disk was asked for, in order. */
let calls: string[];
/** Syncs of files that the test ends; undefined: they end by themselves. */
let held: PromiseWithResolvers<void>[] | undefined;
let timers: (() => void)[];
let failures: unknown[];

const nameOf = (path: string) => path.slice(folder.length + 1).replace(/^0+(?=\d)/, "");
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

const watchedDisk: FileSystem = {
  ...disk,
  open(path, mode) {
    const file = disk.open(path, mode);
    const { sync } = file;
    file.sync = async () => {
      calls.push(`sync ${nameOf(path)}`);
      if (!held) return sync.call(file);
      const end = Promise.withResolvers<void>();
      held.push(end);
      await end.promise;
    };
    return file;
  },
  rename(from, to) {
    calls.push(`rename ${nameOf(from)}`);
    disk.rename(from, to);
  },
  async syncFolder(path) {
    calls.push("sync folder");
    await disk.syncFolder(path);
  },
};

const clock = {
  ...systemClock,
  after(_: number, run: () => void) {
    timers.push(run);
    return { cancel: () => undefined };
  },
};

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  held = undefined;
  timers = [];
  failures = [];
});
afterEach(async () => {
  await log.close();
  remove();
});

async function open(durability: Durability, volume?: Volume, segmentBytesMax = 1 << 20): Promise<CommitLog> {
  calls = [];
  const groupCommit = new GroupCommit((error) => failures.push(error), clock, { volume, togetherFrom: 1 });
  const options = { folder, fileSystem: watchedDisk, logger: silentLogger, segmentBytesMax, durability };
  const opened = await CommitLog.open(
    { ...options, retentionMs: Infinity, retentionBytes: Infinity },
    groupCommit,
  );
  calls = [];
  return opened;
}

describe("durability os", () => {
  test("acknowledges and shows what is written, at the end of the tick, without a sync", async () => {
    log = await open("os");
    const acked = Promise.all([appendDurably(log, batchOf(["a"])), appendDurably(log, batchOf(["b"]))]);
    expect(log.durableEnd).toBe(0);
    expect(await acked).toEqual([0, 1]);
    expect(readAll(log)).toEqual(["0:a", "1:b"]);
    expect([calls, log.dirty]).toEqual([[], true]);
  });

  test("syncs in the background, and tells listeners when there is room again", async () => {
    log = await open("os");
    await appendDurably(log, batchOf(["a"]));
    held = [];
    timers.shift()?.();
    await nextTick();
    expect(calls).toEqual(["sync 0.log"]);
    const room = new Promise<void>((resolve) => log.addTailListener({ onDurableEnd: () => resolve() }));
    held.shift()?.resolve();
    held = undefined;
    await room;
    expect([log.dirty, log.unsyncedBytes]).toEqual([false, 0]);
  });

  test("syncs before it closes", async () => {
    log = await open("os");
    await appendDurably(log, batchOf(["a"]));
    await log.close();
    expect(calls).toEqual(["sync 0.log"]);
    log = await openLog(folder);
    expect(readAll(log)).toEqual(["0:a"]);
  });

  test("a failed background sync is as fatal as any", async () => {
    log = await open("os");
    await appendDurably(log, batchOf(["a"]));
    held = [];
    timers.shift()?.();
    await nextTick();
    held.shift()?.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
    await nextTick();
    expect(failures).toHaveLength(1);
    expect(() => log.append(batchOf(["b"]))).toThrow("the disk failed");
  });

  test("names a segment .log only once everything before it is synced", async () => {
    log = await open("os", undefined, 100);
    for (const value of ["a", "b", "c"]) await appendDurably(log, batchOf([value.repeat(60)]));
    expect(readdirSync(folder).filter((name) => name.endsWith(".pending"))).toHaveLength(2);
    expect(readAll(log).map((record) => record.slice(0, 3))).toEqual(["0:a", "1:b", "2:c"]);
    timers.shift()?.();
    while (log.dirty) await nextTick();
    expect(calls).toEqual([
      "sync 0.log",
      "rename 1.log.pending",
      "sync folder",
      "sync 1.log.pending",
      "rename 2.log.pending",
      "sync folder",
      "sync 2.log.pending",
    ]);
  });
});

describe("a sync of the whole file system", () => {
  const volume: Volume = {
    prepare: () => true,
    sync: async () => {
      calls.push("sync file system");
      await nextTick();
    },
    close: () => undefined,
  };

  test("comes before the final names of segments, and these before what they hold counts", async () => {
    log = await open("sync", volume, 100);
    const acks = ["a", "b", "c"].map((value) => appendDurably(log, batchOf([value.repeat(60)])));
    const before = calls.length;
    await acks[0];
    expect(before).toBe(0);
    expect(calls).toEqual([
      "sync file system",
      "rename 1.log.pending",
      "sync folder",
      "rename 2.log.pending",
      "sync folder",
    ]);
    await Promise.all(acks);
    expect(log.durableEnd).toBe(3);
  });

  test("does not cover what was appended after it began", async () => {
    log = await open("sync", volume, 100);
    const first = appendDurably(log, batchOf(["a".repeat(60)]));
    while (calls.length === 0) await nextTick();
    const second = appendDurably(log, batchOf(["b".repeat(60)]));
    await first;
    expect([log.durableEnd, calls]).toEqual([1, ["sync file system"]]);
    await second;
    expect(calls.slice(1)).toEqual(["sync file system", "rename 1.log.pending", "sync folder"]);
  });

  test("that fails loses no one an acknowledgement that was not due", async () => {
    const failing = {
      ...volume,
      sync: () => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" })),
    };
    log = await open("sync", failing);
    const refused = await appendDurably(log, batchOf(["a"])).catch((error: { code: string }) => error.code);
    expect([refused, log.durableEnd, failures.length]).toEqual(["storage_failed", 0, 1]);
  });
});
