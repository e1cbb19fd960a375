/** The broker over the real log and a real folder: what was acked is there after a restart, and deletion frees it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { Shard } from "../../src/streams/broker.ts";
import type { StreamBroker } from "../../src/streams/stream-broker.ts";
import { openDiskBroker } from "../helpers/disk-broker.ts";
import { appendRecords } from "../helpers/append-records.ts";

let dataDir: string;
let broker: StreamBroker;
let stop: () => Promise<void>;

async function start(): Promise<void> {
  const options = { segmentBytesMax: 256 << 10, retentionMsDefault: 3_600_000, shardCountMax: 100 };
  ({ broker, close: stop } = await openDiskBroker({ dataDir, ...options }));
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "voik-broker-on-disk-"));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(dataDir, { recursive: true, force: true });
});

function valuesOf(shard: Shard): string[] {
  const values: string[] = [];
  for (let offset = shard.log.startOffset; offset < shard.log.durableEnd;) {
    const range = shard.log.locate(offset, 1 << 20);
    if (range === undefined) throw new Error(`nothing at ${offset}`);
    const bytes = Buffer.alloc(range.bytes);
    range.copy(bytes, 0);
    range.release();
    for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
      const reader = new RecordReader(bytes.subarray(at, at + batchBytesOf(bytes, at)));
      while (reader.next()) {
        expect(reader.offset).toBe(offset++);
        values.push(String(reader.value()));
      }
    }
  }
  return values;
}

test("records of many requests at once lie in their shards at their offsets, before and after a restart", async () => {
  const random = seededRandom(5);
  const stream = await broker.createStream({ name: "s", shardCount: 3 });
  const expected: string[][] = [[], [], []];
  const requests = Array.from({ length: 40 }, async (_, request) => {
    const records = Array.from({ length: 1 + randomBelow(random, 40) }, (_, i) => ({
      partitionKey: `key-${i}`,
      data: Buffer.from(`${request}.${i}.${"x".repeat(randomBelow(random, 2000))}`),
    }));
    const outcomes = await appendRecords(broker, stream, records);
    outcomes.forEach((outcome, i) => {
      if ("error" in outcome) throw outcome.error;
      expect(outcome.shard.log.durableEnd).toBeGreaterThan(outcome.offset);
      (expected[outcome.shard.index] as string[])[outcome.offset] = String(records[i]?.data);
    });
  });
  await Promise.all(requests);
  expect(stream.shards.map(valuesOf)).toEqual(expected);
  await stop();
  await start();
  expect(broker.streamByName("s")?.shards.map(valuesOf)).toEqual(expected);
});

test("a deleted stream leaves no file", async () => {
  const stream = await broker.createStream({ name: "s", shardCount: 2 });
  await appendRecords(broker, stream, [{ partitionKey: "k", data: Buffer.from("v") }]);
  expect(readdirSync(join(dataDir, "streams", stream.id)).sort()).toEqual(["0", "1"]);
  expect(statSync(join(dataDir, "streams", stream.id, "0")).mode & 0o777).toBe(0o700);
  await broker.deleteStream("s");
  expect(readdirSync(join(dataDir, "streams"))).toEqual([]);
});
