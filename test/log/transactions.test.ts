/**
 * Transactions in a log: the stable end, what was aborted, and that a log that is opened again, after a clean stop or a
 * crash, over many segments, with or without its .transactions files, knows as much. An oracle that keeps every batch in
 * memory says what should be seen.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { disk } from "../../src/base/disk.ts";
import type { FileSystem } from "../../src/base/file-system.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { markerBatch, markerKindOf } from "../../src/log/control-batch.ts";
import { batchBytesOf, isIntactBatch } from "../../src/log/record-batch.ts";
import { RecordReader } from "../../src/log/record.ts";
import { isShown } from "../../src/log/shard-transactions.ts";
import { appendDurably, batchOf, openLog, temporaryFolder } from "../helpers/log.ts";
import { inTransaction, ofProducer } from "../helpers/producers.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const write = (log: CommitLog, id: number, sequence: number, value: string, epoch = 0) =>
  appendDurably(log, inTransaction(batchOf([value]), id, epoch, sequence));
const end = (log: CommitLog, id: number, kind: "commit" | "abort", epoch = 0) =>
  appendDurably(log, markerBatch(kind, id, epoch, 1_000));

/** The values that a reader of committed records sees, read in ranges of `maxBytes`. */
function readCommitted(log: CommitLog, maxBytes = 1 << 16, from = log.startOffset): string[] {
  const values: string[] = [];
  let offset = from;
  for (;;) {
    const range = log.locate(offset, maxBytes, log.stableEnd);
    if (range === undefined) return values;
    const bytes = Buffer.alloc(range.bytes);
    range.copy(bytes, 0);
    range.release();
    const aborted = log.abortedIn(range.baseOffset, range.endOffset);
    for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
      const batch = bytes.subarray(at, at + batchBytesOf(bytes, at));
      if (!isShown(batch, aborted)) continue;
      const reader = new RecordReader(batch);
      while (reader.next()) values.push(String(reader.value()));
    }
    offset = range.endOffset;
  }
}

describe("a marker", () => {
  test("is a batch that recovery takes for whole, and says what it ends", () => {
    for (const kind of ["commit", "abort"] as const) {
      const batch = markerBatch(kind, 2 ** 40, 7, 123_456);
      expect(isIntactBatch(batch)).toBe(true);
      expect(markerKindOf(batch)).toBe(kind);
    }
    expect(markerKindOf(batchOf(["x"]).subarray(0, 61))).toBeUndefined();
  });

  test("has Kafka's bytes", () => {
    const hex = markerBatch("commit", 1, 2, 3).toString("hex");
    expect(hex.slice(42, 46)).toBe("0030");
    // length, attributes, timestamp delta, offset delta, key of 4: version 0, type 1, value of 6: version 0, epoch 0
    expect(hex.slice(122)).toBe("20000000080000000 10c00000000000000".replace(" ", ""));
  });
});

test("the stable end waits for open transactions, and for markers to be durable", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder);
  await appendDurably(log, batchOf(["plain"]));
  expect(log.stableEnd).toBe(1);
  await write(log, 1, 0, "a");
  await write(log, 2, 0, "b");
  await appendDurably(log, batchOf(["later"]));
  expect([log.stableEnd, log.durableEnd]).toEqual([1, 4]);
  expect(readCommitted(log)).toEqual(["plain"]);
  expect(log.locate(2, 1_000, log.stableEnd)).toBeUndefined();
  const aborting = end(log, 1, "abort");
  expect(log.openTransactions().map(({ producerId }) => producerId)).toEqual([2]);
  expect(log.stableEnd).toBe(1);
  await aborting;
  expect(log.stableEnd).toBe(2);
  await end(log, 2, "commit");
  expect(log.stableEnd).toBe(6);
  expect(readCommitted(log)).toEqual(["plain", "b", "later"]);
  expect(log.abortedIn(0, 6)).toEqual([{ producerId: 1, firstOffset: 1, markerOffset: 4 }]);
  expect(log.abortedIn(0, 1)).toEqual([]);
  expect(log.abortedIn(5, 6)).toEqual([]);
  await log.close();
  remove();
});

test("a producer with an open transaction writes nothing beside it; a marker of a newer epoch ends the old one", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder);
  await write(log, 1, 0, "a");
  await expect(appendDurably(log, ofProducer(batchOf(["b"]), 1, 0, 1))).rejects.toMatchObject({
    code: "transaction_invalid",
  });
  await end(log, 1, "abort", 1);
  await expect(write(log, 1, 1, "zombie")).rejects.toMatchObject({ code: "producer_fenced" });
  await expect(write(log, 1, 1, "gap", 1)).rejects.toMatchObject({ code: "sequence_out_of_order" });
  await write(log, 1, 0, "c", 1);
  await end(log, 1, "commit", 1);
  await write(log, 1, 1, "same epoch, next sequence", 1);
  await end(log, 1, "commit", 1);
  expect(readCommitted(log)).toEqual(["c", "same epoch, next sequence"]);
  await log.close();
  remove();
});

/** What a log should show. */
class Oracle {
  private readonly batches: { id: number; value: string; fate: "open" | "committed" | "aborted" }[] = [];
  readonly open = new Set<number>();

  add(id: number, value: string): void {
    this.batches.push({ id, value, fate: id < 0 ? "committed" : "open" });
    if (id >= 0) this.open.add(id);
  }

  end(id: number, kind: "commit" | "abort"): void {
    const fate = kind === "commit" ? "committed" : "aborted";
    for (const batch of this.batches) if (batch.id === id && batch.fate === "open") batch.fate = fate;
    this.open.delete(id);
  }

  get shown(): string[] {
    const firstOpen = this.batches.findIndex(({ fate }) => fate === "open");
    const settled = firstOpen < 0 ? this.batches : this.batches.slice(0, firstOpen);
    return settled.filter(({ fate }) => fate === "committed").map(({ value }) => value);
  }
}

const SMALL = { segmentBytesMax: 1_500 };

/** Random appends and ends of five producers, some outside of transactions. */
async function churn(log: CommitLog, oracle: Oracle, sequences: number[], random: Random, steps: number) {
  const appends: Promise<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    const id = randomBelow(random, 7);
    const value = `${id}/${sequences[id]}/${step}`;
    if (id >= 5) {
      appends.push(appendDurably(log, batchOf([value])));
      oracle.add(-1, value);
    } else if (oracle.open.has(id) && randomBelow(random, 4) === 0) {
      const kind = randomBelow(random, 2) === 0 ? "commit" : "abort";
      appends.push(end(log, id, kind));
      oracle.end(id, kind);
    } else {
      appends.push(write(log, id, sequences[id] as number, value));
      sequences[id] = (sequences[id] as number) + 1;
      oracle.add(id, value);
    }
  }
  await Promise.all(appends);
}

const filesOf = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".transactions"))
    .sort()
    .map((name) => join(folder, name));

/** How a log ends before it is opened again, and what becomes of its files. */
const ENDS: [name: string, closed: boolean, harm: (folder: string, random: Random) => void][] = [
  ["closed", true, () => {}],
  ["left as a crash leaves it", false, () => {}],
  [
    "closed, the seals lost to a power cut",
    true,
    (folder) => {
      for (const path of filesOf(folder)) truncateSync(path, openPartBytes(path));
    },
  ],
  [
    "left by a crash, a random file damaged",
    false,
    (folder, random) => {
      const files = filesOf(folder);
      const path = files[randomBelow(random, files.length)] as string;
      writeFileSync(path, Buffer.from("bad"));
    },
  ],
];

function openPartBytes(path: string): number {
  const file = disk.open(path, "read");
  const count = Buffer.alloc(4);
  file.read(count, 8);
  file.close();
  return 12 + count.readUInt32BE(0) * 20;
}

describe.each(ENDS)("a log that is %s", (_name, closed, harm) => {
  test("shows the same when it is opened again, whatever piece is read", async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 3; round++) {
      const { folder, remove } = temporaryFolder();
      const oracle = new Oracle();
      const sequences = Array.from({ length: 7 }, () => 0);
      let log = await openLog(folder, SMALL);
      for (let restart = 0; restart < 4; restart++) {
        await churn(log, oracle, sequences, random, 60);
        expect(readCommitted(log)).toEqual(oracle.shown);
        if (closed) await log.close();
        harm(folder, random);
        log = await openLog(folder, SMALL);
        expect(new Set(log.openTransactions().map(({ producerId }) => producerId))).toEqual(oracle.open);
        expect(readCommitted(log)).toEqual(oracle.shown);
        expect(readCommitted(log, 1)).toEqual(oracle.shown);
        expect(readCommitted(log, 700)).toEqual(oracle.shown);
      }
      await log.close();
      remove();
    }
  });
});

test("opened cleanly, a log reads no record batch to know its transactions", async () => {
  const { folder, remove } = temporaryFolder();
  const oracle = new Oracle();
  const log = await openLog(folder, SMALL);
  await churn(
    log,
    oracle,
    Array.from({ length: 7 }, () => 0),
    seededRandom(SEED),
    100,
  );
  const { stableEnd } = log;
  await log.close();
  const opened: string[] = [];
  const watched: FileSystem = new Proxy(disk, {
    get(target, name) {
      if (name !== "open") return Reflect.get(target, name) as unknown;
      return (path: string, mode: "read") => {
        opened.push(path);
        return target.open(path, mode);
      };
    },
  });
  const again = await openLog(folder, { ...SMALL, fileSystem: watched });
  opened.length = 0;
  expect(again.stableEnd).toBe(stableEnd);
  expect(opened.filter((path) => path.endsWith(".log"))).toEqual([]);
  expect(opened.length).toBeGreaterThan(0);
  await again.close();
  remove();
});

test("a log without transactions has no file for them", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder, SMALL);
  for (let i = 0; i < 100; i++) await appendDurably(log, ofProducer(batchOf([`${i}`]), 1, 0, i));
  await write(log, 2, 0, "x");
  await end(log, 2, "commit");
  for (let i = 0; i < 100; i++) await appendDurably(log, batchOf([`${i}`]));
  expect(filesOf(folder).length).toBe(1);
  await log.close();
  remove();
});

test("deleted segments take their files and what was aborted in them along", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder, { ...SMALL, retentionBytes: 3_000 });
  const oracle = new Oracle();
  await churn(
    log,
    oracle,
    Array.from({ length: 7 }, () => 0),
    seededRandom(SEED),
    300,
  );
  for (const id of [...oracle.open]) {
    await end(log, id, "abort");
    oracle.end(id, "abort");
  }
  while (await log.applyRetention(Date.now())) {}
  expect(log.startOffset).toBeGreaterThan(0);
  expect(log.abortedIn(0, log.startOffset).every(({ markerOffset }) => markerOffset >= log.startOffset)).toBe(
    true,
  );
  const segments = readdirSync(folder).filter((name) => name.endsWith(".log")).length;
  expect(filesOf(folder).length).toBeLessThanOrEqual(segments);
  const shown = readCommitted(log);
  expect(shown.length).toBeGreaterThan(0);
  expect(oracle.shown.slice(-shown.length)).toEqual(shown);
  await log.close();
  remove();
});

test("files that are lost cost nothing that was committed", async () => {
  const { folder, remove } = temporaryFolder();
  const log = await openLog(folder);
  await write(log, 1, 0, "a");
  await end(log, 1, "commit");
  await log.close();
  for (const path of filesOf(folder)) rmSync(path);
  const again = await openLog(folder);
  expect(readCommitted(again)).toEqual(["a"]);
  await again.close();
  remove();
});
