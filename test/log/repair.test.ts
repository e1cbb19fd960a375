/** Repair: a damaged shard takes writes again, every other record keeps its offset, nothing is cut or written over. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, truncateSync } from "node:fs";
import { disk } from "../../src/base/disk.ts";
import { readRecords } from "../../src/log/reader.ts";
import { type RepairedRange, setDamageAside } from "../../src/log/repair.ts";
import { verifyShard } from "../../src/log/verify.ts";
import { DataFolder, edit } from "../helpers/data-folder.ts";
import { appendDurably, batchOf, openLog } from "../helpers/log.ts";

const BATCH = 1061;

let data: DataFolder;
beforeEach(async () => {
  data = new DataFolder();
  await data.addStream("orders");
});
afterEach(() => data[Symbol.dispose]());

const logs = () => data.files(0, ".log") as [string, string, string, string];

async function repair(): Promise<RepairedRange[]> {
  const folder = data.shard(0);
  const { damage } = await verifyShard(disk, folder);
  return setDamageAside(disk, folder, damage);
}

/** Opens the log, appends a record, and gives the offsets of all that can be read. */
async function offsetsAfterAppend(): Promise<number[]> {
  const log = await openLog(data.shard(0), { segmentBytesMax: 4096 });
  try {
    await appendDurably(log, batchOf(["new"]));
    const offsets: number[] = [];
    for await (const { offset } of readRecords(log)) offsets.push(offset);
    return offsets;
  } finally {
    await log.close();
  }
}

/** 0..121 but for those of `from` to `to`. */
const without = (from: number, to: number) =>
  Array.from({ length: 121 }, (_, offset) => offset).filter((offset) => offset < from || offset >= to);

describe("a repaired shard goes on without", () => {
  test("a batch in the middle of a sealed file", async () => {
    edit(logs()[1], (bytes) => void bytes.fill(0, BATCH + 100, BATCH + 200));
    const before = readFileSync(logs()[1]);
    const [repaired] = await repair();
    expect(repaired?.range).toMatchObject({ position: BATCH, bytes: BATCH, offset: 40, endOffset: 50 });
    expect(readFileSync(repaired?.copy as string)).toEqual(before.subarray(BATCH, 2 * BATCH));
    expect(readFileSync(logs()[1])).toEqual(before);
    expect(await offsetsAfterAppend()).toEqual(without(40, 50));
    const { damage, notes } = await verifyShard(disk, data.shard(0));
    expect(damage).toEqual([]);
    expect(notes.map(({ message }) => message)).toContainEqual(
      expect.stringContaining("set aside by a repair"),
    );
    expect(await repair()).toEqual([]);
  });

  test("the first and the last batch of a sealed file", async () => {
    edit(logs()[0], (bytes) => void bytes.fill(1, 0, 10));
    expect(await repair()).toHaveLength(1);
    expect(await offsetsAfterAppend()).toEqual(without(0, 10));
    edit(logs()[0], (bytes) => void bytes.fill(0, 2 * BATCH, 2 * BATCH + 10));
    expect(await repair()).toHaveLength(1);
    expect(await offsetsAfterAppend()).toEqual(
      without(0, 10)
        .filter((o) => o < 20 || o >= 30)
        .concat(121),
    );
  });

  test("a file that is cut short, and one that is gone", async () => {
    truncateSync(logs()[1], BATCH);
    expect(await repair()).toMatchObject([
      { range: { offset: 40, endOffset: 60, bytes: 0 }, copy: undefined },
    ]);
    expect(await offsetsAfterAppend()).toEqual(without(40, 60));
    rmSync(logs()[1]);
    expect(await repair()).toHaveLength(1);
    expect(await offsetsAfterAppend()).toEqual([...without(30, 60), 121]);
  });

  test("the last batch of the last file", async () => {
    edit(logs()[3], (bytes) => void bytes.fill(0, 2 * BATCH + 100, 2 * BATCH + 200));
    expect(await repair()).toHaveLength(1);
    expect(await offsetsAfterAppend()).toEqual(without(110, 120));
  });
});

test("what names no file, or has no end, is left to a backup", async () => {
  const range = { path: data.shard(0), position: 0, bytes: 0, offset: 0, endOffset: 30 };
  expect(await setDamageAside(disk, data.shard(0), [range])).toEqual([]);
  expect(
    await setDamageAside(disk, data.shard(0), [{ ...range, path: logs()[0], endOffset: undefined }]),
  ).toEqual([]);
});
