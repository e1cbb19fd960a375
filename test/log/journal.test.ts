import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem } from "../../src/base/file-system.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { GroupCommit, type SyncKind } from "../../src/log/group-commit.ts";
import { Journal } from "../../src/log/journal.ts";
import { appendDurably, batchOf, readAll } from "../helpers/log.ts";

const SHARDS = 4;
/** However slowly a test runs, nothing is synced because a second has passed. */
const clock = { ...systemClock, after: () => ({ cancel: () => undefined }) };

let root: string;
let kinds: SyncKind[];
let unusable: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "voik-journal-"));
  kinds = [];
  unusable = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folderOf = (shard: number) => join(root, "streams", "stream", String(shard));
const shards = Array.from({ length: SHARDS }, (_, i) => i);

/** Logs that are synced together as soon as two are busy, with a journal of small files. */
async function start(
  options: {
    fileBytes?: number;
    fileSystem?: FileSystem;
    segmentBytesMax?: number;
    togetherFrom?: number;
  } = {},
) {
  const { fileBytes = 64 << 10, fileSystem = disk, segmentBytesMax = 1 << 20, togetherFrom = 2 } = options;
  const onUnusable = (reason: string) => void unusable.push(reason);
  const journal = Journal.open({ fileSystem, clock: systemClock, root, fileBytes, onUnusable });
  const failed: unknown[] = [];
  const groupCommit = new GroupCommit((error) => failed.push(error), clock, {
    journal,
    togetherFrom,
    onSynced: (kind) => kinds.push(kind),
  });
  const logs = await Promise.all(
    shards.map((shard) =>
      CommitLog.open(
        {
          folder: folderOf(shard),
          fileSystem: disk,
          logger: silentLogger,
          segmentBytesMax,
          retentionMs: Infinity,
          retentionBytes: Infinity,
          journal,
        },
        groupCommit,
      ),
    ),
  );
  return { journal, logs, failed };
}

type Started = Awaited<ReturnType<typeof start>>;

/** The journal is made when it is first wanted, which takes some rounds. */
async function untilJournaled({ logs, journal }: Started): Promise<void> {
  while (!journal.prepare()) await new Promise(setImmediate);
  kinds = [];
  await appendToAll(logs, "first by journal");
  expect(kinds).toEqual(["journal"]);
}

const appendToAll = (logs: readonly CommitLog[], value: string) =>
  Promise.all(logs.map((log, i) => appendDurably(log, batchOf([`${value} ${i}`]))));

/** What a power cut leaves at worst: log files as they were last synced, the journal as it is. */
async function loseUnsynced(logs: readonly CommitLog[], run: () => Promise<void>): Promise<void> {
  const before = shards.map((shard) => {
    const name = readdirSync(folderOf(shard)).find((name) => name.endsWith(".log")) as string;
    return { path: join(folderOf(shard), name), bytes: (logs[shard] as CommitLog).sizeBytes };
  });
  await run();
  for (const { path, bytes } of before) truncateSync(path, bytes);
}

async function stop({ logs, journal }: Started): Promise<void> {
  await Promise.all(logs.map((log) => log.close()));
  journal.close();
}

test("what only the journal holds is back after a crash, at its offsets, and once", async () => {
  const first = await start();
  await appendToAll(first.logs, "synced");
  await untilJournaled(first);
  await Promise.all(first.logs.map((log) => log.close()));
  first.journal.close();

  const second = await start();
  await untilJournaled(second);
  let expected: string[][] = [];
  await loseUnsynced(second.logs, async () => {
    for (let i = 0; i < 20; i++) await appendToAll(second.logs, `round ${i}`);
    expected = second.logs.map((log) => readAll(log));
  });
  expect(kinds).not.toContain("file");

  for (let i = 0; i < 2; i++) {
    const again = await start();
    expect(again.logs.map((log) => readAll(log))).toEqual(expected);
    again.journal.close();
  }
});

test("a log goes on after its replay, and its new records survive the next crash too", async () => {
  const first = await start();
  await untilJournaled(first);
  await loseUnsynced(first.logs, async () => void (await appendToAll(first.logs, "lost and found")));
  const second = await start();
  await untilJournaled(second);
  const expected = second.logs.map((log) => readAll(log));
  expect(expected[0]?.map((line) => line.split(":")[1])).toEqual([
    "first by journal 0",
    "lost and found 0",
    "first by journal 0",
  ]);
  await stop(second);
  const third = await start();
  expect(third.logs.map((log) => readAll(log))).toEqual(expected);
  await stop(third);
});

test("a full journal file is filled again only when the logs have synced what it holds", async () => {
  const started = await start({ fileBytes: 16 << 10 });
  await untilJournaled(started);
  for (let i = 0; i < 300; i++) await appendToAll(started.logs, `round ${i}`);
  const byJournal = kinds.filter((kind) => kind === "journal").length;
  expect(byJournal).toBeGreaterThan(100);
  const expected = started.logs.map((log) => readAll(log));
  await stop(started);
  const again = await start({ fileBytes: 16 << 10 });
  expect(again.logs.map((log) => readAll(log))).toEqual(expected);
  expect(expected[0]).toHaveLength(301);
  await stop(again);
});

test("segments that were started since the last sync come back whole", async () => {
  const first = await start({ segmentBytesMax: 600 });
  await untilJournaled(first);
  let expected: string[][] = [];
  await loseUnsynced(first.logs, async () => {
    for (let i = 0; i < 30; i++) await appendToAll(first.logs, `round ${i}`);
    expected = first.logs.map((log) => readAll(log));
  });
  for (const shard of shards) {
    for (const name of readdirSync(folderOf(shard)))
      if (name.endsWith(".pending")) rmSync(join(folderOf(shard), name));
  }
  const second = await start({ segmentBytesMax: 600 });
  expect(second.logs.map((log) => readAll(log))).toEqual(expected);
  await stop(second);
});

test("a start after a clean stop reads no more than each log's last entry", async () => {
  const first = await start();
  await untilJournaled(first);
  for (let i = 0; i < 20; i++) await appendToAll(first.logs, `round ${i}`);
  await stop(first);
  let opened = 0;
  const counting: FileSystem = new Proxy(disk, {
    get(target, name) {
      if (name !== "open") return Reflect.get(target, name) as unknown;
      return (path: string, mode: "create" | "write" | "read") => {
        if (path.includes("/journal/")) opened++;
        return disk.open(path, mode);
      };
    },
  });
  const second = await start({ fileSystem: counting });
  expect(opened).toBeLessThanOrEqual(2 + SHARDS);
  await stop(second);
});

test("a journal that is closed during a sync lets that end well", async () => {
  const started = await start();
  await untilJournaled(started);
  const acked = appendToAll(started.logs, "in time");
  await new Promise(setImmediate); // the round is under way
  started.journal.close();
  await acked;
  expect(started.failed).toEqual([]);
  await Promise.all(started.logs.map((log) => log.close()));
});

test("two busy logs share it, however many are synced together by other means; one alone syncs its file", async () => {
  const started = await start({ togetherFrom: 100 });
  await untilJournaled(started);
  kinds = [];
  const [first, second] = started.logs as [CommitLog, CommitLog];
  const both = [first, second].map((log) => appendDurably(log, batchOf(["together"])));
  await Promise.all(both);
  expect(kinds).toEqual(["journal"]);
  for (const log of started.logs) await log.close();
  started.journal.close();
  kinds = [];
  const again = await start({ togetherFrom: 100 });
  await appendDurably(again.logs[0] as CommitLog, batchOf(["alone"]));
  expect(kinds).toEqual(["file"]);
  for (const log of again.logs) await log.close();
  again.journal.close();
});

test("large appends are not written twice", async () => {
  const started = await start();
  await untilJournaled(started);
  kinds = [];
  const large = "x".repeat(64 << 10);
  await appendToAll(started.logs, large);
  expect(kinds).not.toContain("journal");
  await stop(started);
});

test("a torn last frame is passed over, and what was before it is there", async () => {
  const first = await start();
  await untilJournaled(first);
  let expected: string[][] = [];
  await loseUnsynced(first.logs, async () => {
    await appendToAll(first.logs, "kept");
    expected = first.logs.map((log) => readAll(log));
    await appendToAll(first.logs, "torn");
  });
  const path = join(root, "journal", "0");
  const bytes = await readFile(path);
  const at = bytes.lastIndexOf("torn 3");
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(6), 0, 6, at);
  await file.close();
  const second = await start();
  expect(second.logs.map((log) => readAll(log))).toEqual(expected);
  await stop(second);
});

test("a journal that lacks a frame in the middle is kept, and no record is put where another one was", async () => {
  const first = await start();
  await untilJournaled(first);
  await loseUnsynced(first.logs, async () => {
    await appendToAll(first.logs, "damaged");
    await appendToAll(first.logs, "behind it");
  });
  const path = join(root, "journal", "0");
  const bytes = await readFile(path);
  bytes.write("DAMAGED", bytes.indexOf("damaged 2"));
  writeFileSync(path, bytes);
  const second = await start();
  expect(second.logs.map((log) => readAll(log).map((line) => line.split(":")[1]))).toEqual(
    shards.map((shard) => [`first by journal ${shard}`]),
  );
  second.journal.settleDeleted();
  expect(unusable.join()).toContain("streams/stream/0");
  expect(second.journal.prepare()).toBe(false);
  await stop(second);
  expect((await readFile(path)).equals(bytes)).toBe(true);
});

test("records of a deleted stream are forgotten", async () => {
  const first = await start();
  await untilJournaled(first);
  await stop(first);
  rmSync(join(root, "streams"), { recursive: true });
  const journal = Journal.open({ fileSystem: disk, clock: systemClock, root, fileBytes: 64 << 10 });
  journal.settleDeleted();
  while (!journal.prepare()) await new Promise(setImmediate);
  journal.close();
});

test("without room for a journal the logs are synced without it", async () => {
  const full: FileSystem = new Proxy(disk, {
    get(target, name) {
      if (name !== "open") return Reflect.get(target, name) as unknown;
      return (path: string, mode: "create" | "write" | "read") => {
        if (mode === "create" && path.includes("/journal/"))
          throw Object.assign(new Error("ENOSPC: no space"), { code: "ENOSPC" });
        return disk.open(path, mode);
      };
    },
  });
  const started = await start({ fileSystem: full });
  for (let i = 0; i < 5; i++) await appendToAll(started.logs, `round ${i}`);
  expect(kinds).not.toContain("journal");
  expect(unusable).toEqual(["ENOSPC: no space"]);
  expect(started.failed).toEqual([]);
  await stop(started);
});

test("a broker with few busy logs has no journal", async () => {
  const started = await start();
  await appendDurably(started.logs[0] as CommitLog, batchOf(["alone"]));
  expect(existsSync(join(root, "journal"))).toBe(false);
  expect(statSync(root).isDirectory()).toBe(true);
  await stop(started);
});
