/** Segments that nobody reads hold nothing open, however many there are, in all logs of a data folder together. */
import { afterEach, beforeEach, expect, test as testOnce } from "bun:test";
import { cpSync, readFileSync, readlinkSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { limitIn } from "../../src/base/descriptor-limit.ts";
import { disk } from "../../src/base/disk.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { LogStore } from "../../src/log/log-store.ts";
import { warmFilesMax } from "../../src/base/warm-files.ts";
import { appendDurably, batchOf, readAll, temporaryFolder } from "../helpers/log.ts";
import { test, testedLogIo } from "../helpers/log-io.ts";

const WARM_FILES = 16;
const LOGS = 8;
const SEGMENTS = 24;
/** On a busy disk a sync takes long. */
const TIMEOUT_MS = 60_000;
const onLinux = process.platform === "linux";

let root: string;
let remove: () => void;

beforeEach(() => {
  ({ folder: root, remove } = temporaryFolder());
});

afterEach(() => remove());

/** Opens the logs of one data folder, hands them to `use` and closes them. */
async function withLogs(use: (logs: CommitLog[]) => Promise<void>, segmentBytesMax = 1): Promise<void> {
  const store = new LogStore({
    fileSystem: disk,
    clock: systemClock,
    logger: silentLogger,
    logIo: testedLogIo(),
    segmentBytesMax, // 1: a batch each
    retentionBytes: Infinity,
    warmFilesMax: WARM_FILES,
    onSyncFailure(error) {
      throw error;
    },
  });
  const folders = Array.from({ length: LOGS }, (_, i) => join(root, String(i)));
  const logs = await Promise.all(folders.map((folder) => store.open(folder, { retentionMs: Infinity })));
  await use(logs);
  await Promise.all(logs.map((log) => log.close()));
  store.close();
}

function appendToEach(logs: CommitLog[], value: string): Promise<unknown> {
  return Promise.all(logs.map((log) => appendDurably(log, batchOf([value]))));
}

/** Files of the logs, with names that end in `ending`, that this process has open or mapped. */
function heldFiles(ending = ""): { open: number; mapped: number } {
  const links = disk.list("/proc/self/fd").map(({ name }) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // the descriptor that listed the others
    }
  });
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  return {
    open: links.filter((link) => link.startsWith(root) && link.endsWith(ending)).length,
    mapped: maps.filter((line) => line.includes(root) && line.endsWith(ending)).length,
  };
}

if (onLinux) {
  test(
    "all logs of a data folder share one cap of open files",
    async () => {
      await withLogs(async (logs) => {
        for (let i = 0; i < SEGMENTS; i++) await appendToEach(logs, `${i}`);
        // Each active segment stays open too: it has one descriptor, and its mappings.
        expect(heldFiles().open).toBeLessThanOrEqual(WARM_FILES + LOGS);
      });
      await withLogs(async (logs) => {
        expect(heldFiles()).toEqual({ open: 0, mapped: 0 });
        for (const log of logs) expect(readAll(log)).toHaveLength(SEGMENTS);
        const { open, mapped } = heldFiles();
        expect(open).toBe(WARM_FILES);
        expect(mapped).toBeLessThanOrEqual(3 * WARM_FILES); // log and two indexes
        for (const log of logs) expect(log.newest).toEqual({ offset: 0, timestampMs: 1_000 });
        expect(heldFiles().open).toBe(WARM_FILES);
      });
      expect(heldFiles()).toEqual({ open: 0, mapped: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    "logs that were recovered hold nothing open before their next use, and go on where they were",
    async () => {
      const copy = join(root, "..", "copy");
      await withLogs(async (logs) => {
        for (const log of logs) {
          for (let i = 0; i < 3; i++) log.append(batchOf([`${i}`]));
          log.flush();
        }
        cpSync(root, copy, { recursive: true }); // as a kill -9 would leave it
        await appendDurably(logs[LOGS - 1] as CommitLog, batchOf(["3"]));
      }, 1 << 20);
      rmSync(root, { recursive: true });
      renameSync(copy, root);
      for (const start of [3, 6]) {
        await withLogs(async (logs) => {
          for (const ending of [".log", "index"]) expect(heldFiles(ending)).toEqual({ open: 0, mapped: 0 });
          expect(logs.map((log) => log.endOffset)).toEqual(logs.map(() => start));
          for (const log of logs)
            for (let i = 0; i < 3; i++) await appendDurably(log, batchOf([`${start + i}`]));
          for (const log of logs)
            expect(readAll(log)).toEqual(Array.from({ length: start + 3 }, (_, i) => `${i}:${i}`));
        }, 1 << 20);
      }
    },
    TIMEOUT_MS,
  );
}

testOnce("what stays open leaves most descriptors to connections", () => {
  expect(warmFilesMax(Infinity)).toBe(256);
  expect(warmFilesMax(1024)).toBe(128);
  expect(warmFilesMax(64)).toBe(16);
});

testOnce("the descriptor limit is read as Linux prints it", () => {
  const line = (soft: string) => `Limit   Soft Limit\nMax open files            ${soft}   20000   files\n`;
  expect(limitIn(line("1024"))).toBe(1024);
  expect(limitIn(line("unlimited"))).toBe(Infinity);
  expect(limitIn("Max processes 1 2 processes")).toBeUndefined();
});
