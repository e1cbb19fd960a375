/** Appending records over shards: routing, order, and one failing shard among others. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { Shard, Stream } from "../../src/streams/broker.ts";
import type { RecordToAppend } from "../../src/streams/record-table.ts";
import { HASH_KEY_MAX } from "../../src/streams/hash-range.ts";
import { type MemoryBroker, memoryLogOf, openMemoryBroker } from "../helpers/memory-broker.ts";
import { appendRecords, hashKeyOf, shardForHash, type AppendOutcome } from "../helpers/append-records.ts";

let memory: MemoryBroker;
let stream: Stream;
const NOW_MS = 1_700_000_000_123;

beforeEach(async () => {
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0, after: () => ({ cancel() {} }), defer() {} };
  memory = await openMemoryBroker({ clock });
  stream = await memory.broker.createStream({ name: "s", shardCount: 4 });
});
afterEach(() => memory.close());

function shardAt(index: number): Shard {
  return stream.shards[index] as Shard;
}

/** A record for the shard of that index. */
function recordFor(index: number, data: string, partitionKey = "k"): RecordToAppend {
  return { partitionKey, explicitHashKey: shardAt(index).range.start, data: Buffer.from(data) };
}

/** The batches of a shard, each as its records. */
function batchesOf(shard: Shard): { key: string; value: Buffer; offset: number; timestampMs: number }[][] {
  const range = shard.log.locate(0, 1 << 30);
  if (range === undefined) return [];
  const bytes = Buffer.alloc(range.bytes);
  range.copy(bytes, 0);
  range.release();
  const batches = [];
  for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
    const reader = new RecordReader(bytes.subarray(at, at + batchBytesOf(bytes, at)));
    const records = [];
    while (reader.next()) {
      const { offset, timestampMs } = reader;
      records.push({ key: String(reader.key()), value: reader.value() as Buffer, offset, timestampMs });
    }
    batches.push(records);
  }
  return batches;
}

/** Whether a promise is settled once every planned microtask has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

const codes = (outcomes: AppendOutcome[]) => outcomes.map((o) => ("error" in o ? o.error.code : o.offset));

describe("appending records", () => {
  test("each record lies at the offset of its outcome, in the shard of its key, in the order of the request", async () => {
    const random = seededRandom(3);
    const sent = new Map<Shard, string[]>();
    for (let request = 0; request < 20; request++) {
      const records = Array.from({ length: 1 + randomBelow(random, 50) }, (_, i) => {
        const partitionKey = `key-${randomBelow(random, 30)}`;
        return { partitionKey, data: Buffer.from(`${partitionKey} ${request}.${i}`) };
      });
      const outcomes = await appendRecords(memory.broker, stream, records);
      expect(outcomes.length).toBe(records.length);
      outcomes.forEach((outcome, i) => {
        if ("error" in outcome) throw outcome.error;
        const { partitionKey, data } = records[i] as RecordToAppend;
        const hash = hashKeyOf(String(partitionKey));
        expect(hash >= outcome.shard.range.start && hash <= outcome.shard.range.end).toBe(true);
        const values = sent.get(outcome.shard) ?? [];
        sent.set(outcome.shard, values);
        expect(outcome.offset).toBe(values.length);
        values.push(String(data));
      });
    }
    for (const shard of stream.shards) {
      const records = batchesOf(shard).flat();
      expect(records.map((record) => String(record.value))).toEqual(sent.get(shard) ?? []);
      expect(records.every((record) => record.timestampMs === NOW_MS)).toBe(true);
      expect(records.every((record) => String(record.value).startsWith(`${record.key} `))).toBe(true);
    }
  });

  test("an explicit hash key wins over the partition key, to the last key of a range", async () => {
    const keys = stream.shards.flatMap((shard) => [shard.range.start, shard.range.end]);
    const records = keys.map((explicitHashKey) => ({
      partitionKey: "same",
      explicitHashKey,
      data: Buffer.from("x"),
    }));
    const outcomes = await appendRecords(memory.broker, stream, records);
    expect(outcomes.map((outcome) => "shard" in outcome && outcome.shard.index)).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3,
    ]);
    expect(shardForHash(stream, HASH_KEY_MAX).index).toBe(3);
  });

  test("nothing is told before every shard is durable", async () => {
    memoryLogOf(shardAt(1)).hold();
    const appended = appendRecords(memory.broker, stream, [
      recordFor(0, "a"),
      recordFor(1, "b"),
      recordFor(0, "c"),
    ]);
    expect(await isSettled(appended)).toBe(false);
    memoryLogOf(shardAt(1)).release();
    expect(codes(await appended)).toEqual([0, 0, 1]);
  });

  test("a shard that refuses fails its own records only", async () => {
    memoryLogOf(shardAt(2)).appendError = new VoikError("disk_full", "disk full");
    const records = [recordFor(0, "a"), recordFor(2, "b"), recordFor(1, "c"), recordFor(2, "d")];
    expect(codes(await appendRecords(memory.broker, stream, records))).toEqual([
      0,
      "disk_full",
      0,
      "disk_full",
    ]);
    expect(codes(await appendRecords(memory.broker, stream, [recordFor(2, "b")]))).toEqual(["disk_full"]);
  });

  test("a shard whose sync fails fails its own records only", async () => {
    memoryLogOf(shardAt(3)).hold();
    const appended = appendRecords(memory.broker, stream, [recordFor(3, "a"), recordFor(0, "b")]);
    expect(await isSettled(appended)).toBe(false);
    memoryLogOf(shardAt(3)).failWaiting();
    expect(codes(await appended)).toEqual(["storage_failed", 0]);
  });

  test("a record by itself is told once it is durable, or that it never will be", async () => {
    const log = memoryLogOf(shardAt(3));
    log.hold();
    const good = appendRecords(memory.broker, stream, [recordFor(3, "a")]);
    expect(await isSettled(good)).toBe(false);
    log.release();
    expect(codes(await good)).toEqual([0]);
    expect(batchesOf(shardAt(3)).map((batch) => batch.map(({ offset }) => offset))).toEqual([[0]]);
    log.hold();
    const bad = appendRecords(memory.broker, stream, [recordFor(3, "b")]);
    expect(await isSettled(bad)).toBe(false);
    log.failWaiting();
    expect(codes(await bad)).toEqual(["storage_failed"]);
  });

  test("many bytes for one shard become several batches, acked together", async () => {
    const log = memoryLogOf(shardAt(0));
    log.hold();
    const data = Buffer.alloc(400_000, "x").toString();
    const appended = appendRecords(
      memory.broker,
      stream,
      Array.from({ length: 8 }, () => recordFor(0, data)),
    );
    expect(await isSettled(appended)).toBe(false);
    log.release();
    expect(codes(await appended)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(batchesOf(shardAt(0)).map((batch) => batch.length)).toEqual([3, 3, 2]);
  });

  test("when a later batch of a shard is refused, the earlier ones count once they are durable", async () => {
    const log = memoryLogOf(shardAt(0));
    log.hold();
    const append = log.append.bind(log);
    let calls = 0;
    log.append = (batch, waiter) => {
      if (++calls === 2) throw new VoikError("disk_full", "disk full");
      return append(batch, waiter);
    };
    const data = Buffer.alloc(600_000, "x").toString();
    const appended = appendRecords(
      memory.broker,
      stream,
      [1, 2, 3, 4].map(() => recordFor(0, data)),
    );
    expect(await isSettled(appended)).toBe(false);
    log.release();
    expect(codes(await appended)).toEqual([0, 1, "disk_full", "disk_full"]);
  });

  test("empty data, empty requests and keys beyond ASCII are kept as they are", async () => {
    expect(await appendRecords(memory.broker, stream, [])).toEqual([]);
    await appendRecords(memory.broker, stream, [recordFor(0, "", "schlüssel-\u{1f511}")]);
    const [record] = batchesOf(shardAt(0)).flat();
    expect([record?.key, record?.value.length]).toEqual(["schlüssel-\u{1f511}", 0]);
  });

  test("a bug in a log is no outcome: it rejects", async () => {
    memoryLogOf(shardAt(0)).append = () => {
      throw new TypeError("bug");
    };
    await expect(appendRecords(memory.broker, stream, [recordFor(0, "a")])).rejects.toThrow("bug");
  });
});
