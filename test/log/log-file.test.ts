/** Small appends are held in memory, and whoever looks at the file finds them all the same. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { disk } from "../../src/base/disk.ts";
import type { OpenFile } from "../../src/base/file-system.ts";
import { AppendBuffers } from "../../src/log/append-buffers.ts";
import { segmentPaths } from "../../src/log/layout.ts";
import { FileLogFile } from "../../src/log/log-file.ts";
import { LogFileRange } from "../../src/log/log-range.ts";
import { temporaryFolder } from "../helpers/log.ts";

const SMALL = Buffer.alloc(1_000, 1);
const LARGE = Buffer.alloc(17 << 10, 2);

let folder: string;
let remove: () => void;
let path: string;
let writes: number[];

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  mkdirSync(folder, { recursive: true });
  path = `${folder}/file`;
  writes = [];
});

afterEach(() => remove());

/** A log file whose writes are counted; `change` says what its disk does otherwise. */
function logFile(buffers = new AppendBuffers(1), change: Partial<OpenFile> = {}, name = path): FileLogFile {
  const file = disk.open(name, "create");
  const write = (bytes: Uint8Array, position: number) => {
    writes.push(bytes.length);
    return file.write(bytes, position);
  };
  return new FileLogFile(
    new Proxy(file, {
      get(target, key) {
        if (key in change) return change[key as keyof OpenFile];
        if (key === "write") return write;
        const value = target[key as keyof OpenFile];
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    buffers,
  );
}

const written = (bytes: number) => readFileSync(path).subarray(0, bytes);

test("small appends are written together, before they are synced", async () => {
  const file = logFile();
  for (let i = 0; i < 5; i++) expect(file.append(SMALL)).toBe(i * SMALL.length);
  expect([file.endPosition, writes]).toEqual([5_000, []]);
  await file.sync();
  expect(writes).toEqual([5_000]);
  expect(written(5_000)).toEqual(Buffer.alloc(5_000, 1));
  file.release();
});

test("what is held is written when the buffer is full, in order, and before a large append", () => {
  const file = logFile();
  for (let i = 0; i < 70; i++) file.append(SMALL);
  expect(writes).toEqual([65_000]);
  file.append(LARGE);
  expect(writes).toEqual([65_000, 5_000, LARGE.length]);
  expect(written(file.endPosition)).toEqual(Buffer.concat([Buffer.alloc(70_000, 1), LARGE]));
  file.release();
});

test("a read, a range, a cut and the last release find what is held in the file", () => {
  const looks: ((file: FileLogFile) => void)[] = [
    (file) => expect(file.read(Buffer.alloc(500), 700)).toBe(500),
    (file) => new LogFileRange({ file, paths: segmentPaths(folder, 0) }, 0, 1_000, 0, 1).release(),
    (file) => file.trim(),
    (file) => file.release(),
  ];
  for (const [i, look] of looks.entries()) {
    path = `${folder}/${i}`;
    const file = logFile();
    file.append(SMALL);
    file.append(SMALL);
    look(file);
    expect(written(2_000)).toEqual(Buffer.alloc(2_000, 1));
  }
});

test("who reads what is written leaves alone what is held", () => {
  const file = logFile();
  file.append(SMALL);
  file.flush();
  file.append(SMALL);
  file.read(Buffer.alloc(1_000), 0);
  new LogFileRange({ file, paths: segmentPaths(folder, 0) }, 0, 1_000, 0, 1).release();
  expect(writes).toEqual([1_000]);
  file.release();
});

test("what is held can be copied without a write, from any byte that is held", () => {
  const file = logFile();
  file.append(SMALL);
  file.flush();
  file.append(Buffer.alloc(100, 3));
  const held = Buffer.alloc(100);
  expect(file.copyHeld(held, 1_000)).toBe(true);
  expect(held).toEqual(Buffer.alloc(100, 3));
  expect(file.copyHeld(Buffer.alloc(1_100), 0)).toBe(false);
  expect(writes).toEqual([1_000]);
  file.release();
});

test("who finds no buffer left writes at once, and finds one when it was given back", () => {
  const buffers = new AppendBuffers(1);
  const [a, b] = [logFile(buffers, {}, `${folder}/a`), logFile(buffers, {}, `${folder}/b`)];
  a.append(SMALL);
  b.append(SMALL);
  expect(writes).toEqual([1_000]);
  a.flush();
  b.append(SMALL);
  expect(writes).toEqual([1_000, 1_000]);
  a.release();
  b.release();
});

test("nothing is held where no space can be reserved: a full disk says so at once", () => {
  const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  const allocate = () => {
    throw full;
  };
  const file = logFile(undefined, { allocate, write: () => 10 });
  expect(() => file.append(SMALL)).toThrow(expect.objectContaining({ code: "disk_full" }));
  expect(file.endPosition).toBe(0);
  file.release();
});

test("a sync fails when what is held can't be written", async () => {
  const file = logFile(undefined, {
    write: () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    },
  });
  file.append(SMALL);
  await expect(file.sync()).rejects.toThrow(expect.objectContaining({ code: "storage_failed" }));
});
