/** The log as a library: what it promises beyond the commit log itself. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppendQueue } from "../../src/log/append-queue.ts";
import { openLog } from "../../src/log/embedded.ts";
import { batchOf } from "../helpers/log.ts";
import { MemoryLog } from "../helpers/memory-log.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "voik-embedded-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("an embedded log", () => {
  test("gives back what was appended, also after it was closed and opened again", async () => {
    const headers = [{ key: "h", value: Buffer.from([0, 255]) }];
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
      await using log = await openLog(join(folder, compression), { compression });
      expect(await log.append({ value: "a" })).toBe(0);
      expect(await log.append([{ key: "k", value: null, headers, timestampMs: 7 }, { value: "c" }])).toBe(1);
    }
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      await using log = await openLog(join(folder, compression));
      const records = await Array.fromAsync(log.records());
      expect(records.map((record) => [record.offset, String(record.key), String(record.value)])).toEqual([
        [0, "null", "a"],
        [1, "k", "null"],
        [2, "null", "c"],
      ]);
      expect(records[1]).toMatchObject({ timestampMs: 7, headers });
      expect([log.startOffset, log.durableEnd]).toEqual([0, 3]);
    }
  });

  test("is opened by one process at a time, which the second is told", async () => {
    await using first = await openLog(folder);
    expect(first.durableEnd).toBe(0);
    await expect(openLog(folder)).rejects.toMatchObject({
      code: "folder_in_use",
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  test("is trimmed for ever", async () => {
    {
      await using log = await openLog(folder);
      for (const value of ["a", "b", "c"]) await log.append({ value });
      await log.trim(2);
      expect(log.startOffset).toBe(2);
      await expect(log.trim(4)).rejects.toMatchObject({ code: "offset_out_of_range" });
    }
    await using log = await openLog(folder);
    expect((await Array.fromAsync(log.records())).map(({ offset }) => offset)).toEqual([2]);
  });

  test("takes batches as another log gives them, and no others", async () => {
    await using from = await openLog(join(folder, "from"));
    await using to = await openLog(join(folder, "to"));
    await to.append({ value: "before" });
    await from.append([{ value: "a" }, { value: "b" }]);
    for await (const batch of from.read()) await to.appendBatch(batch);
    const values = (await Array.fromAsync(to.records())).map((record) => String(record.value));
    expect(values).toEqual(["before", "a", "b"]);
    const bad = batchOf(["x"]);
    bad[40] = 1;
    await expect(to.appendBatch(bad)).rejects.toMatchObject({ code: "batch_corrupt" });
    await expect(to.append([])).rejects.toMatchObject({ code: "argument_invalid" });
  });

  test("makes durable what nobody awaits when it is closed", async () => {
    const log = await openLog(folder);
    const appends = Array.from({ length: 100 }, (_, i) => log.append({ value: String(i) }));
    await log.close();
    expect(await Promise.all(appends)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    await expect(log.append({ value: "late" })).rejects.toMatchObject({ code: "shutting_down" });
    await using again = await openLog(folder);
    expect(again.durableEnd).toBe(100);
  });

  test("ends readers that follow when it is closed", async () => {
    const log = await openLog(folder);
    await log.append({ value: "a" });
    const reading = Array.fromAsync(log.records({ follow: true }));
    const waiting = Array.fromAsync(log.read({ from: "latest", follow: true }));
    await log.close();
    expect((await reading).length).toBeLessThanOrEqual(1);
    expect(await waiting).toEqual([]);
  });
});

describe("the queue of appends", () => {
  test("keeps the order of the calls through congestion", async () => {
    const log = new MemoryLog();
    const queue = new AppendQueue(log);
    const order: number[] = [];
    const append = (value: string) => queue.append(batchOf([value])).then((offset) => order.push(offset));
    const appends = [append("a")];
    log.setCongested(true);
    appends.push(append("b"), append("c"));
    await appends[0];
    expect(log.endOffset).toBe(1);
    log.setCongested(false);
    appends.push(append("d"));
    await Promise.all(appends);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test("refuses what waits when the disk fails", async () => {
    const log = new MemoryLog();
    const queue = new AppendQueue(log);
    log.hold();
    const first = queue.append(batchOf(["a"]));
    log.setCongested(true);
    const second = queue.append(batchOf(["b"]));
    log.failWaiting();
    await expect(first).rejects.toMatchObject({ code: "storage_failed" });
    await expect(second).rejects.toMatchObject({ code: "storage_failed" });
    await queue.close();
    expect(log.listenerCount).toBe(0);
  });
});
