import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Volume } from "../../src/base/file-system.ts";
import { openVolume, whyNoVolume } from "../../src/base/volume.ts";

let folder: string;
let volume: Volume | undefined;
const reasons: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voik-volume-"));
  reasons.length = 0;
});
afterEach(() => {
  volume?.close();
  volume = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function prepared(): Promise<Volume> {
  const opened = openVolume(folder, (reason) => reasons.push(reason));
  expect(opened.prepare()).toBe(false);
  while (!opened.prepare()) await new Promise(setImmediate);
  return opened;
}

const unusable = whyNoVolume([tmpdir()]);

test.skipIf(unusable !== undefined)("a volume syncs in its thread, as often as it is asked", async () => {
  volume = await prepared();
  await volume.sync();
  await Promise.all([volume.sync(), volume.sync(), volume.sync()]);
  expect(reasons).toEqual([]);
});

test.skipIf(unusable !== undefined)("a sync that the volume's end overtakes has failed", async () => {
  const closing = await prepared();
  const sync = closing.sync();
  closing.close();
  expect(await sync.then(String, (error: { code: string }) => error.code)).toBe("EIO");
  expect(closing.prepare()).toBe(false);
  expect(reasons).toEqual([]);
});

test("file systems whose syncfs can't be trusted are refused with a reason", () => {
  expect(whyNoVolume(["/proc"])).toContain("/proc");
  expect(whyNoVolume([join(folder, "not there")])).toBe(process.platform === "linux" ? undefined : unusable);
});

test.skipIf(process.platform !== "linux")("folders on two file systems are refused", () => {
  const reason = whyNoVolume([folder, "/dev/shm"]);
  expect(reason ?? "several").toMatch(/several|none of/);
});
