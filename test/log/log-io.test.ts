/** What differs between the two ways of reaching log files: reserved space, unmapping, full disks, file systems. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { disk } from "../../src/base/disk.ts";
import type { VoikError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { checkLogIo, LOG_IO_KINDS } from "../../src/log/log-io.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { appendDurably, batchOf, openLog, readAll, temporaryFolder } from "../helpers/log.ts";

const linux = process.platform === "linux";
/** Making and filling a file system takes a second, on a busy machine many. */
const MOUNT_TIMEOUT_MS = 60_000;

let folder: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});

afterEach(() => remove());

test.if(linux)("a view that outlives its mapping is empty and can't reach the memory", () => {
  mkdirSync(folder, { recursive: true });
  const file = disk.open(`${folder}/file`, "create");
  file.allocate(8192);
  const mapping = file.map(8192);
  const view = mapping.bytes.subarray(100, 200);
  view.fill(7);
  expect(readFileSync(`${folder}/file`)[150]).toBe(7);
  mapping.unmap();
  expect(view.length).toBe(0);
  expect(mapping.bytes.length).toBe(0);
  expect(() => view.readUInt32BE(0)).toThrow();
  expect(() => mapping.unmap()).toThrow("a mapping is taken away once");
  file.close();
});

/** Bytes of a mapped file that were stored and not written back, as the kernel counts them. */
function dirtyBytes(path: string): number {
  const maps = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const own = maps.filter((map) => (map.split("\n")[0] as string).endsWith(path));
  expect(own).toHaveLength(1);
  const dirty = own[0]?.matchAll(/^(?:Shared|Private)_Dirty: +(\d+) kB$/gm) ?? [];
  return [...dirty].reduce((sum, match) => sum + Number(match[1]) * 1024, 0);
}

test.if(linux)("the sync of a log file writes what was stored through its mapping", async () => {
  const log = await openLog(folder, { logIo: "mmap" });
  const path = `${folder}/00000000000000000000.log`;
  const batch = batchOf(["x".repeat(300_000)]);
  let stored = 0;
  // The kernel may write pages back on its own at any moment: one append of several has to be seen before that.
  for (let round = 0; round < 10 && stored < batch.length - 4096; round++) {
    const acked = appendDurably(log, batch);
    stored = dirtyBytes(path);
    await acked;
  }
  expect(stored).toBeGreaterThanOrEqual(batch.length - 4096);
  // Memory file systems have no device to write to; their pages stay dirty.
  if (statSync(path).dev !== statSync("/dev/shm").dev) expect(dirtyBytes(path)).toBe(0);
  await log.close();
});

test("reserved space is cut from every full segment and on close, and only there", async () => {
  const log = await openLog(folder, { logIo: "mmap", segmentBytesMax: 10_000 });
  const value = "x".repeat(3_000);
  for (let i = 0; i < 10; i++) await appendDurably(log, batchOf([value]));
  const bytes = batchOf([value]).length;
  const sizes = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".log"))
      .sort()
      .map((name) => statSync(join(folder, name)).size);
  expect(sizes()).toEqual([3 * bytes, 3 * bytes, 3 * bytes, 65_536]);
  await log.close();
  expect(sizes()).toEqual([3 * bytes, 3 * bytes, 3 * bytes, bytes]);
});

test("a mapped log that was never closed is opened either way, without a torn tail", async () => {
  const log = await openLog(folder, { logIo: "mmap" });
  for (const value of ["a", "b", "c"]) await appendDurably(log, batchOf([value]));
  for (const logIo of LOG_IO_KINDS) {
    const copy = join(dirname(folder), logIo);
    cpSync(folder, copy, { recursive: true });
    expect(statSync(`${copy}/00000000000000000000.log`).size).toBe(65_536);
    const opened = await openLog(copy, { logIo });
    expect(readAll(opened)).toEqual(["0:a", "1:b", "2:c"]);
    expect(await appendDurably(opened, batchOf(["d"]))).toBe(3);
    await opened.close();
    expect(readdirSync(copy).filter((name) => name.endsWith(".torn"))).toEqual([]);
  }
  await log.close();
});

test("a folder that is opened the one way and the other in turn reads back whole", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const model: string[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const logIo = LOG_IO_KINDS[random.uint32() % 2];
    const log = await openLog(folder, { logIo, segmentBytesMax: 30_000 });
    expect(readAll(log, 0, 5_000)).toEqual(model);
    for (let i = 0; i < 20; i++) {
      const value = String(random.uint32()).repeat(1 + (random.uint32() % 300));
      model.push(`${model.length}:${value}`);
      await appendDurably(log, batchOf([value]));
    }
    await log.close();
  }
});

test("a batch longer than a segment and a stretch is stored whole", async () => {
  const log = await openLog(folder, { logIo: "mmap", segmentBytesMax: 100_000 });
  const values = ["small", "x".repeat(900_000), "small again"];
  for (const value of values) await appendDurably(log, batchOf([value]));
  expect(readAll(log)).toEqual(values.map((value, offset) => `${offset}:${value}`));
  await log.close();
});

test("mapped logs are refused where reserved space promises nothing, with the way out", () => {
  const fileSystem = { ...disk, mappingRisk: () => "this disk forgets" };
  let error: unknown;
  try {
    checkLogIo("mmap", fileSystem, "/data");
  } catch (caught) {
    error = caught;
  }
  expect((error as VoikError).code).toBe("config_invalid");
  expect((error as VoikError).message).toContain("because this disk forgets: start with --log-io=file");
  expect(() => checkLogIo("file", fileSystem, "/data")).not.toThrow();
});

/** Runs `use` on a file system that `mount` makes at the path it is given. Needs root. */
async function onMount(mount: (at: string) => string[][], use: (at: string) => Promise<void>): Promise<void> {
  const at = join(folder, "mount");
  mkdirSync(at, { recursive: true });
  for (const command of mount(at)) {
    const done = Bun.spawnSync(command, { stderr: "pipe" });
    if (!done.success) throw new Error(`${command.join(" ")}: ${done.stderr}`);
  }
  try {
    await use(at);
  } finally {
    Bun.spawnSync(["umount", at]);
    rmSync(join(folder, "image"), { force: true });
  }
}

const ext4 = (at: string) => {
  const image = join(folder, "image");
  writeFileSync(image, "");
  return [
    ["truncate", "-s", "40M", image],
    ["mkfs.ext4", "-q", "-F", image],
    ["mount", "-o", "loop", image, at],
  ];
};

const overlay = (at: string) => {
  const parts = ["lower", "upper", "work"].map((name) => join(folder, name));
  for (const part of parts) mkdirSync(part);
  const options = `lowerdir=${parts[0]},upperdir=${parts[1]},workdir=${parts[2]}`;
  return [["mount", "-t", "overlay", "overlay", "-o", options, at]];
};

describeAsRoot("file systems", ["mkfs.ext4", "mount", "umount"], () => {
  test(
    "a disk that fills up refuses appends, kills nobody, and takes more when there is room",
    async () => {
      await onMount(ext4, async (at) => {
        const child = Bun.spawn([process.execPath, join(import.meta.dir, "fill-disk.ts"), at], {
          stdout: "pipe",
          stderr: "inherit",
        });
        const output = await child.stdout.text();
        expect([await child.exited, child.signalCode]).toEqual([0, null]);
        const { codes, acked, read, reopened } = JSON.parse(output);
        expect(codes).toEqual(["disk_full"]);
        expect(acked).toBeGreaterThan(100);
        expect([read, reopened]).toEqual([acked, acked]);
      });
    },
    MOUNT_TIMEOUT_MS,
  );

  test(
    "an overlay file system is refused, and the one under it is not",
    async () => {
      await onMount(overlay, async (at) => {
        expect(disk.mappingRisk(at)).toContain("0x794c7630");
      });
      await onMount(ext4, async (at) => {
        expect(disk.mappingRisk(at)).toBeUndefined();
      });
    },
    MOUNT_TIMEOUT_MS,
  );
});
