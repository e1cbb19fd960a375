/** What verification finds in a shard's folder: every way to spoil a file, with byte and offsets, and no false alarm. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { disk } from "../../src/base/disk.ts";
import type { OpenFile } from "../../src/base/file-system.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { shardStats } from "../../src/log/stats.ts";
import { verifyShard } from "../../src/log/verify.ts";
import { DataFolder, edit } from "../helpers/data-folder.ts";

const SEED = 20_260_102;
/** Bytes of a batch of the folder, and batches in a segment. */
const BATCH = 1061;
const BATCHES = 3;

let data: DataFolder;
beforeEach(async () => {
  data = new DataFolder();
  await data.addStream("orders");
});
afterEach(() => data[Symbol.dispose]());

const verify = (growing = false) => verifyShard(disk, data.shard(0), { growing });
const logs = () => data.files(0, ".log") as [string, string, string, string];

describe("verification finds", () => {
  test("nothing in a good folder, and counts what is there", async () => {
    const report = await verify();
    expect(report).toMatchObject({ segments: 4, batches: 12, records: 120, startOffset: 0, endOffset: 120 });
    expect([report.damage, report.notes]).toEqual([[], []]);
  });

  test("any changed byte of a log file but those that nothing covers", async () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    for (let round = 0; round < 60; round++) {
      const at = randomBelow(random, BATCH * BATCHES);
      const number = Math.floor(at / BATCH);
      if (at % BATCH >= 12 && at % BATCH < 16) continue; // the leader epoch is under no checksum, and nobody reads it
      const bit = 1 << randomBelow(random, 8);
      const flip = (bytes: Buffer) => void (bytes[at] = (bytes[at] as number) ^ bit);
      edit(logs()[1], flip);
      const { damage } = await verify();
      edit(logs()[1], flip);
      expect({ at, bit, damage }).toMatchObject({
        damage: [
          {
            path: logs()[1],
            position: number * BATCH,
            bytes: BATCH,
            offset: 30 + number * 10,
            endOffset: 40 + number * 10,
          },
        ],
      });
    }
    expect((await verify()).damage).toEqual([]);
  });

  test("a flipped bit in a batch's offset as damage of that batch alone, whichever way it goes", async () => {
    const path = logs()[0];
    for (const [batch, bit] of [
      [0, 8],
      [0, 4],
      [1, 8],
      [1, 4],
      [2, 4],
    ] as const) {
      const flip = (bytes: Buffer) =>
        void (bytes[batch * BATCH + 7] = (bytes[batch * BATCH + 7] as number) ^ bit);
      edit(path, flip);
      const { damage } = await verify();
      edit(path, flip);
      const [offset, endOffset] = [batch * 10, batch * 10 + 10];
      expect([batch, bit, damage]).toEqual([
        batch,
        bit,
        [{ path, position: batch * BATCH, bytes: BATCH, offset, endOffset }],
      ]);
    }
  });

  test("a sealed log file that is cut short, within a batch and behind one", async () => {
    truncateSync(logs()[1], BATCH + 5);
    expect((await verify()).damage).toMatchObject([{ position: BATCH, bytes: 5, offset: 40, endOffset: 60 }]);
    truncateSync(logs()[1], BATCH);
    expect((await verify()).damage).toMatchObject([{ position: BATCH, bytes: 0, offset: 40, endOffset: 60 }]);
    truncateSync(logs()[1], 0);
    expect((await verify()).damage).toMatchObject([{ position: 0, bytes: 0, offset: 30, endOffset: 60 }]);
  });

  test("a log file that is missing, at the place where it should be", async () => {
    rmSync(logs()[1]);
    const { damage, records } = await verify();
    expect(damage).toMatchObject([{ position: BATCH * BATCHES, bytes: 0, offset: 30, endOffset: 60 }]);
    expect(records).toBe(90);
  });

  test("a log file in the place of another one", async () => {
    const [first, second] = logs();
    copyFileSync(first, second);
    const { damage, endOffset } = await verify();
    expect(damage).toMatchObject([{ position: 0, bytes: BATCH * BATCHES, offset: 30, endOffset: 60 }]);
    expect(endOffset).toBe(120);
  });

  test("bytes between batches that cost no record", async () => {
    edit(logs()[0], (bytes) =>
      Buffer.concat([bytes.subarray(0, BATCH), Buffer.alloc(777, 7), bytes.subarray(BATCH)]),
    );
    expect((await verify()).damage).toMatchObject([
      { position: BATCH, bytes: 777, offset: 10, endOffset: 10 },
    ]);
  });

  test("several damaged places in one file, also at its start and its end", async () => {
    edit(logs()[0], (bytes) => {
      bytes.fill(0, 100, 200);
      bytes.fill(0, 2 * BATCH + 100, 2 * BATCH + 200);
    });
    expect((await verify()).damage).toMatchObject([
      { position: 0, bytes: BATCH, offset: 0, endOffset: 10 },
      { position: 2 * BATCH, bytes: BATCH, offset: 20, endOffset: 30 },
    ]);
  });

  test("bad or missing bytes in the last file as damage where they are known to have been good", async () => {
    truncateSync(logs()[3], 2 * BATCH + 5);
    expect((await verify()).damage).toMatchObject([
      { position: 2 * BATCH, bytes: 5, offset: 110, endOffset: 120 },
    ]);
    truncateSync(logs()[3], BATCH);
    expect((await verify(true)).damage).toMatchObject([
      { position: BATCH, bytes: 0, offset: 100, endOffset: 120 },
    ]);
    rmSync(logs()[3]);
    expect((await verify()).damage).toMatchObject([
      { path: logs()[2], bytes: 0, offset: 90, endOffset: 120 },
    ]);
  });

  test("bad bytes in the last file as damage where good batches follow, else as a torn tail", async () => {
    rmSync(`${data.shard(0)}/checkpoint`);
    edit(logs()[3], (bytes) => void bytes.fill(1, BATCH + 70, BATCH + 80));
    expect((await verify()).damage).toMatchObject([
      { position: BATCH, bytes: BATCH, offset: 100, endOffset: 110 },
    ]);
    truncateSync(logs()[3], 2 * BATCH);
    const { damage, notes, endOffset } = await verify();
    expect([damage, endOffset]).toEqual([[], 100]);
    expect(notes).toEqual([
      { path: logs()[3], message: expect.stringContaining("the next start cuts it off") },
    ]);
    expect((await verify(true)).notes).toEqual([]);
  });

  test("no fault with room that is reserved behind the last batch", async () => {
    edit(logs()[1], (bytes) => Buffer.concat([bytes, Buffer.alloc(100_000)]));
    edit(logs()[3], (bytes) => Buffer.concat([bytes, Buffer.alloc(100_000)]));
    const { damage, notes, endOffset } = await verify();
    expect([damage, notes, endOffset]).toEqual([[], [], 120]);
  });

  test("indexes that are missing, changed, swapped or lying, as notes", async () => {
    const times = data.files(0, ".timeindex");
    const offsets = data.files(0, ".index");
    rmSync(times[0] as string);
    copyFileSync(times[2] as string, times[1] as string);
    writeFileSync(offsets[1] as string, Buffer.alloc(64, 9));
    const { damage, notes } = await verify();
    expect(damage).toEqual([]);
    expect(notes.map((note) => note.path)).toEqual([times[0], offsets[1], times[1]] as string[]);
  });

  test("files that are not of a log, as notes, and the folders of nobody", async () => {
    const names = ["core", "00000000000000000000.log.bak", "00000000000000000090.12.torn"];
    for (const name of names) writeFileSync(`${data.shard(0)}/${name}`, "x");
    mkdirSync(`${data.shard(0)}/lost+found`);
    const { damage, notes } = await verify();
    expect(damage).toEqual([]);
    expect(notes.map(({ path }) => path.slice(data.shard(0).length + 1)).sort()).toEqual(
      [...names, "lost+found"].sort(),
    );
  });

  test("a folder without any log file", async () => {
    for (const path of logs()) rmSync(path);
    expect((await verify()).damage).toMatchObject([{ path: data.shard(0), offset: 0 }]);
  });
});

test("a sector that the device can't give costs the batches on it, and no more", async () => {
  const bad = { path: logs()[0], from: BATCH + 10, to: BATCH + 20 };
  const fileSystem = {
    ...disk,
    open(path: string, mode: "create" | "write" | "read"): OpenFile {
      const file = disk.open(path, mode);
      if (path !== bad.path) return file;
      const read = file.read.bind(file);
      file.read = (into, position) => {
        if (position < bad.to && position + into.length > bad.from)
          throw Object.assign(new Error("EIO"), { code: "EIO" });
        return read(into, position);
      };
      return file;
    },
  };
  const { damage } = await verifyShard(fileSystem, data.shard(0));
  // One sector of 4096 bytes holds the whole of this small file.
  expect(damage).toMatchObject([{ path: bad.path, position: 0, offset: 0, endOffset: 30 }]);
});

test("the pace is told of every byte, piece by piece", async () => {
  let bytes = 0;
  await verifyShard(disk, data.shard(0), { pace: (count) => void (bytes += count) });
  expect(bytes).toBe(12 * BATCH);
});

test("statistics count from headers what verification counts from bytes", async () => {
  const { segments, bytes, batches, records, startOffset, endOffset } = await verify();
  const stats = shardStats(disk, data.shard(0));
  expect(stats).toMatchObject({ segments, bytes, batches, records, startOffset, endOffset, unread: [] });
  expect(stats.compression).toEqual({ none: bytes });
});
