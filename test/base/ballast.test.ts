import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ballast } from "../../src/base/ballast.ts";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem } from "../../src/base/file-system.ts";
import { silentLogger } from "../../src/base/logger.ts";

const BYTES = 1 << 20;

let folder: string;
let path: string;
let free: number;
let timers: (() => void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voik-ballast-"));
  path = join(folder, "ballast");
  free = Infinity;
  timers = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(bytes = BYTES, fileSystem: FileSystem = disk): Ballast {
  const clock = {
    ...systemClock,
    after(_: number, run: () => void) {
      timers.push(run);
      return { cancel: () => (timers = timers.filter((timer) => timer !== run)) };
    },
  };
  return new Ballast({ path, bytes, fileSystem, clock, logger: silentLogger, freeBytes: () => free });
}

test("a ballast takes its blocks, is given up once, and comes back when there is room for it twice", () => {
  const ballast = open();
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(BYTES);
  expect([ballast.release(), existsSync(path), ballast.release()]).toEqual([true, false, false]);
  free = 2 * BYTES - 1;
  timers.shift()?.();
  expect(existsSync(path)).toBe(false);
  free = 2 * BYTES;
  timers.shift()?.();
  expect(statSync(path).size).toBe(BYTES);
  ballast.close();
  expect(timers).toEqual([]);
});

test("a ballast changes its size with its option, and goes when none is wanted", () => {
  open().close();
  open(2 * BYTES).close();
  expect(statSync(path).size).toBe(2 * BYTES);
  open(0);
  expect([existsSync(path), timers]).toEqual([false, []]);
});

test("a ballast that finds no room leaves nothing behind", () => {
  const full: FileSystem = {
    ...disk,
    open(name, mode) {
      const file = disk.open(name, mode);
      file.allocate = () => {
        throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      };
      return file;
    },
  };
  expect(open(BYTES, full).release()).toBe(false);
  expect(existsSync(path)).toBe(false);
});
