/** Reading a log as an async sequence: where it starts and ends, what it holds open, how fast it reads. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { type ReadOptions, readBatches, readRecords } from "../../src/log/reader.ts";
import { baseOffsetOf } from "../../src/log/record-batch.ts";
import { markerBatch } from "../../src/log/control-batch.ts";
import { appendDurably, batchOf, openLog, temporaryFolder } from "../helpers/log.ts";
import { MemoryLog } from "../helpers/memory-log.ts";
import { inTransaction } from "../helpers/producers.ts";
import { flipBit } from "../helpers/shard-copies.ts";

/** Bytes of a batch that `appendBatches` makes. */
const BATCH = 94;

let log: CommitLog;
let folder: string;
let remove: () => void;

beforeEach(async () => {
  const temporary = temporaryFolder();
  ({ folder, remove } = temporary);
  log = await openLog(folder, { segmentBytesMax: 1_000 });
});

afterEach(async () => {
  await log.close();
  remove();
});

/** Batches of three records each, "0".."2" at 1000 ms, "3".."5" at 2000 ms, … */
async function appendBatches(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const values = [0, 1, 2].map((j) => String(3 * i + j));
    await appendDurably(log, batchOf(values, 1_000 * (i + 1)));
  }
}

async function valuesOf(options: ReadOptions): Promise<string[]> {
  const values: string[] = [];
  for await (const record of readRecords(log, options)) values.push(String(record.value));
  return values;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

describe("a reader starts", () => {
  test("at the oldest record, across segments, whatever the size of a piece", async () => {
    await appendBatches(40);
    for (const maxBytes of [1, 200, 700, 1 << 20]) {
      expect(await valuesOf({ maxBytes })).toEqual(numbers(0, 120));
      expect(await valuesOf({ maxBytes, reuse: true })).toEqual(numbers(0, 120));
    }
  });

  test("and gives bytes that stay as they are, unless the memory is to be reused", async () => {
    await appendBatches(40);
    const kept: { offset: number; value: Buffer | null }[] = [];
    for await (const record of readRecords(log, { maxBytes: 200 })) kept.push(record);
    expect(kept.map(({ value }) => String(value))).toEqual(numbers(0, 120));
    const memories = new Set<ArrayBufferLike>();
    for await (const batch of readBatches(log, { maxBytes: 400, reuse: true })) memories.add(batch.buffer);
    expect(memories.size).toBe(1);
  });

  test("at an offset, also within a batch", async () => {
    await appendBatches(4);
    expect(await valuesOf({ from: 4 })).toEqual(numbers(4, 12));
    expect(await valuesOf({ from: 12 })).toEqual([]);
    const first = await readBatches(log, { from: 4 }).next();
    expect(baseOffsetOf(first.value as Buffer)).toBe(3);
  });

  test("at the first record that is new enough", async () => {
    await appendBatches(4);
    expect(await valuesOf({ from: { timestampMs: 2_001 } })).toEqual(numbers(6, 12));
    expect(await valuesOf({ from: { timestampMs: 9_000 } })).toEqual([]);
  });

  test("at the end, for what comes then", async () => {
    await appendBatches(2);
    expect(await valuesOf({ from: "latest" })).toEqual([]);
    const records = readRecords(log, { from: "latest", follow: true });
    const next = records.next();
    await appendBatches(1);
    expect((await next).value).toMatchObject({ offset: 6, timestampMs: 1_000, headers: [] });
    await records.return();
  });

  test("nowhere outside the log", async () => {
    await appendBatches(1);
    for (const from of [-1, 4])
      await expect(valuesOf({ from })).rejects.toMatchObject({ code: "offset_out_of_range" });
  });
});

describe("a reader meets bits that flipped on the disk", () => {
  const places: [string, number, number][] = [
    ["its records", 90, 3],
    ["its attributes, as if it were compressed", 22, 0],
    ["its count of offsets", 26, 1],
    ["its checksum", 17, 7],
    ["its base offset", 7, 3],
    ["its length, as if it were longer", 11, 7],
    ["its length, as if it were negative", 8, 7],
  ];
  test.each(places)("and gives no batch with one in %s, but says where to go on", async (_, at, bit) => {
    await appendBatches(3);
    expect(log.sizeBytes).toBe(3 * BATCH);
    const file = join(folder, "00000000000000000000.log");
    flipBit(file, BATCH + at, bit);
    for (const options of [{}, { reuse: true }, { committed: true }, { follow: true }]) {
      const seen: number[] = [];
      const reading = (async () => {
        for await (const batch of readBatches(log, options)) seen.push(baseOffsetOf(batch));
      })();
      await expect(reading).rejects.toMatchObject({
        code: "storage_damaged",
        message:
          `damaged record batch in ${file} at byte ${BATCH}, offsets 3 to 5: ` +
          "other records stay readable, the next ones from offset 6 on",
      });
      expect(seen).toEqual([0]);
    }
    await expect(valuesOf({ from: 4 })).rejects.toMatchObject({ code: "storage_damaged" });
    expect(await valuesOf({ from: 6 })).toEqual(numbers(6, 9));
  });
});

test("what is said of a damaged batch ends where a gap begins that was noted before", async () => {
  await appendBatches(3);
  const file = join(folder, "00000000000000000000.log");
  flipBit(file, BATCH + 8, 7);
  await expect(valuesOf({ from: 4 })).rejects.toThrow("offsets 3 to 5");
  flipBit(file, BATCH - 1, 0);
  await expect(valuesOf({})).rejects.toThrow("offsets 0 to 2: other");
});

describe("a reader ends", () => {
  test("where the log ended when it began, if it does not follow", async () => {
    await appendBatches(2);
    const seen: string[] = [];
    for await (const record of readRecords(log)) {
      seen.push(String(record.value));
      if (record.offset < 3) await appendBatches(1);
    }
    expect(seen).toEqual(numbers(0, 6));
  });

  test("by its signal, at the tail as well as in the middle", async () => {
    await appendBatches(3);
    const waiting = new AbortController();
    const atTail = valuesOf({ from: "latest", follow: true, signal: waiting.signal });
    await Promise.resolve();
    waiting.abort();
    expect(await atTail).toEqual([]);

    const busy = new AbortController();
    const seen: number[] = [];
    for await (const { offset } of readRecords(log, { follow: true, signal: busy.signal })) {
      seen.push(offset);
      if (offset === 4) busy.abort();
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(await valuesOf({ signal: AbortSignal.abort() })).toEqual([]);
  });

  test("with the log's error when retention has passed it by", async () => {
    const memory = new MemoryLog();
    for (const value of ["a", "b", "c", "d"]) await appendDurably(memory, batchOf([value]));
    const batches = readBatches(memory, { maxBytes: 1 });
    await batches.next();
    memory.trimTo(2);
    await expect(batches.next()).rejects.toMatchObject({ code: "offset_out_of_range" });
  });
});

describe("a reader that follows", () => {
  test("gives every record once, in order, while others append", async () => {
    const signal = AbortSignal.timeout(10_000);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const record of readRecords(log, { follow: true, signal })) {
        seen.push(String(record.value));
        if (seen.length === 300) return;
      }
    })();
    await appendBatches(100);
    await reading;
    expect(seen).toEqual(numbers(0, 300));
  });

  test("sees nothing that is not durable", async () => {
    const memory = new MemoryLog();
    memory.hold();
    memory.append(batchOf(["a"]));
    const records = readRecords(memory, { follow: true });
    let seen = 0;
    const next = records.next().then(() => seen++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toBe(0);
    memory.sync();
    await next;
    expect(seen).toBe(1);
    await records.return();
    expect(memory.listenerCount).toBe(0);
  });

  test("reads no further than it is asked to, and holds nothing open meanwhile", async () => {
    const memory = new MemoryLog();
    let located = 0;
    const locate = memory.locate.bind(memory);
    memory.locate = (offset, maxBytes) => {
      located++;
      return locate(offset, maxBytes);
    };
    for (let i = 0; i < 10; i++) await appendDurably(memory, batchOf([String(i)]));
    for await (const batch of readBatches(memory, { maxBytes: 1, follow: true })) {
      expect(memory.openRanges).toBe(0);
      expect(located).toBe(baseOffsetOf(batch) + 1);
      if (baseOffsetOf(batch) === 5) break;
    }
    const failing = async () => {
      for await (const _ of readBatches(memory, { follow: true })) throw new Error("no more");
    };
    await expect(failing()).rejects.toThrow("no more");
    expect(memory.openRanges).toBe(0);
  });

  test("lets go of a piece that can't be read", async () => {
    const memory = new MemoryLog();
    await appendDurably(memory, batchOf(["a"]));
    const locate = memory.locate.bind(memory);
    memory.locate = (offset, maxBytes) => {
      const range = locate(offset, maxBytes);
      return (
        range && {
          ...range,
          copy: () => {
            throw new Error("bad sector");
          },
        }
      );
    };
    await expect(readBatches(memory).next()).rejects.toThrow("bad sector");
    expect(memory.openRanges).toBe(0);
  });

  test("lets timers and sockets have their turn between pieces", async () => {
    await appendBatches(40);
    let turns = 0;
    let timer = setImmediate(function count() {
      turns++;
      timer = setImmediate(count);
    });
    await valuesOf({ maxBytes: 1 });
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(20);
  });
});

describe("a reader of committed records", () => {
  const write = (id: number, value: string) => appendDurably(log, inTransaction(batchOf([value]), id, 0, 0));
  const end = (id: number, kind: "commit" | "abort") => appendDurably(log, markerBatch(kind, id, 0, 1_000));

  test("leaves out what was aborted, and ends before what is open; others read everything", async () => {
    await write(1, "aborted");
    await write(2, "committed");
    await appendDurably(log, batchOf(["plain"]));
    await end(1, "abort");
    await end(2, "commit");
    await write(3, "open");
    await appendDurably(log, batchOf(["behind"]));
    for (const maxBytes of [1, 200, 1 << 20]) {
      expect(await valuesOf({ maxBytes, committed: true })).toEqual(["committed", "plain"]);
      expect(await valuesOf({ maxBytes, committed: true, from: 2 })).toEqual(["plain"]);
      expect(await valuesOf({ maxBytes, committed: true, from: 6 })).toEqual([]);
      expect(await valuesOf({ maxBytes })).toEqual(["aborted", "committed", "plain", "open", "behind"]);
    }
    const batches = await Array.fromAsync(readBatches(log, { committed: true, maxBytes: 1 }));
    expect(batches.map((batch) => baseOffsetOf(batch))).toEqual([1, 2]);
  });

  test("that follows goes on when an open transaction has ended, and a latest one starts where it began", async () => {
    await appendDurably(log, batchOf(["before"]));
    await write(1, "open");
    await appendDurably(log, batchOf(["behind"]));
    const reader = readRecords(log, { committed: true, follow: true, from: "latest" });
    const first = reader.next();
    const none = Promise.resolve("nothing yet");
    await write(1, "more");
    expect(await Promise.race([first, none])).toBe("nothing yet");
    await end(1, "abort");
    expect(String((await first).value?.value)).toBe("behind");
    await reader.return();
  });
});
