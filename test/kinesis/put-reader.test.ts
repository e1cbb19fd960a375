/** Large bodies of puts are read by a thread of their own, and say what they would have said here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { type PutBody, type PutOperation, scanPut } from "../../src/kinesis/put-body.ts";
import { PutReader } from "../../src/kinesis/put-reader.ts";
import { RecordReader } from "../../src/log/record.ts";
import { isIntactBatch } from "../../src/log/record-batch.ts";
import { HASH_KEY_MAX, uniformRanges } from "../../src/streams/hash-range.ts";
import type { RecordTable } from "../../src/streams/record-table.ts";
import { Routing } from "../../src/streams/routing.ts";
import { RequestBody } from "../../src/kinesis/request-body.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const BODIES = 60;

/** A body in memory of its own, as a request has it; `released` counts those that were given back. */
let released = 0;
const bodyOf = (text: string) => {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, "latin1");
  return new RequestBody(bytes, () => released++);
};

const plain = (put: PutBody | undefined) =>
  put && {
    names: [put.StreamName, put.StreamARN],
    records: Array.from({ length: put.records.count }, (_, place) => [
      put.records.bytes.toString("latin1", put.records.keyStart(place), put.records.keyEnd(place)),
      Bun.hash(put.records.bytes.subarray(put.records.dataStart(place), put.records.dataEnd(place))),
      put.records.hashKeys.slice(place * 4, place * 4 + 4).join(),
    ]),
  };

/** PutRecords of up to 3 MiB; one in four can't be read quickly, some of them for what stands in the last record. */
function randomPut(random: Random): { operation: PutOperation; text: string } {
  const bytes = 70_000 + (random.uint32() % 3_000_000);
  const many = random.uint32() % 4 > 0;
  const count = many ? 1 + (random.uint32() % 500) : 1;
  const records = Array.from({ length: count }, (_, i) => ({
    Data: random.bytes(Math.ceil((bytes * 0.75) / count)).toString("base64"),
    PartitionKey: `key-${i}`,
  }));
  const unusual = random.uint32() % 4 === 0 ? { PartitionKey: "\u017c" } : {};
  Object.assign(records.at(-1) as object, unusual);
  const put = many ? { StreamName: "s", Records: records } : { StreamName: "s", ...records[0] };
  const text = Buffer.from(JSON.stringify(put), "utf8").toString("latin1");
  return { operation: many ? "PutRecords" : "PutRecord", text };
}

/** The stream "s" routes hash keys so, and nothing is known of others. */
let routing: Routing | undefined;
const newReader = (processors: number, clock: Pick<Clock, "nowMs"> = systemClock) =>
  new PutReader(processors, clock, (stream) => (stream === "s" ? routing : undefined));

/** A reader whose thread runs: the first bodies are read at once, until it does. */
async function readyReader(clock: Pick<Clock, "nowMs"> = systemClock): Promise<PutReader> {
  const ready = newReader(2, clock);
  const { text } = randomPut(seededRandom(1));
  while (!(ready.read("PutRecords", bodyOf(text)) instanceof Promise)) await new Promise(setImmediate);
  return ready;
}

let reader: PutReader;
beforeAll(async () => {
  reader = await readyReader();
});
afterAll(() => reader.close());

test("of large bodies, many at a time, each is read as it is here, and one that is not is as it was", async () => {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  const random = seededRandom(SEED);
  let unread = 0;
  for (let i = 0; i < BODIES; i += 6) {
    const puts = Array.from({ length: 6 }, () => randomPut(random));
    const bodies = puts.map(({ text }) => bodyOf(text));
    const before = released;
    const read = puts.map(({ operation }, n) => reader.read(operation, bodies[n] as RequestBody));
    for (const [n, { operation, text }] of puts.entries()) {
      // There are fewer slots than bodies: the next ones are read as these are dropped.
      const put = await read[n];
      expect(plain(put)).toEqual(plain(scanPut(operation, Buffer.from(text, "latin1"))));
      if (put === undefined) {
        unread++;
        expect((bodies[n] as RequestBody).bytes.toString("latin1") === text).toBe(true);
      }
      (bodies[n] as RequestBody).drop();
    }
    expect(released).toBe(before);
    for (const body of bodies) body.release();
    expect(released).toBe(before + 6);
  }
  expect(unread).toBeGreaterThan(0);
  expect(unread).toBeLessThan(BODIES / 2);
});

describe("batches of a large body", () => {
  const NOW_MS = 1_700_000_000_123;
  let built: PutReader;
  beforeAll(async () => {
    built = await readyReader({ ...systemClock, nowMs: () => NOW_MS });
  });
  afterAll(() => {
    built.close();
    routing = undefined;
  });
  /** Base64 of `count` records, their keys, and the body that puts them. */
  const bodyOfRecords = (count: number, bytes: number, name: object = { StreamName: "s" }) => {
    const records = Array.from({ length: count }, (_, i) => ({
      Data: Buffer.alloc(bytes + i, i).toString("base64"),
      PartitionKey: `key-${i}`,
      ...(i % 7 === 0 && { ExplicitHashKey: String(HASH_KEY_MAX - BigInt(i)) }),
    }));
    return { records, body: bodyOf(JSON.stringify({ ...name, Records: records })) };
  };
  const read = async (body: RequestBody) => (await built.read("PutRecords", body))?.records as RecordTable;

  test("are built once the thread knows how the stream routes hash keys, and again when that changes", async () => {
    for (const shards of [1, 4, 7]) {
      routing = Routing.of(uniformRanges(shards));
      const first = bodyOfRecords(300, 400);
      expect((await read(first.body)).built?.routingId).not.toBe(routing.id);
      first.body.release();
      const { records, body } = bodyOfRecords(300, 400, {
        StreamARN: "arn:aws:kinesis:x:000000000000:stream/s",
      });
      const table = await read(body);
      expect(table.built?.routingId).toBe(routing.id);
      expect(recordsIn(table, NOW_MS)).toEqual(expectedIn(table, records, routing));
      expect(table.built?.count).toBe(shards);
      body.release();
    }
  });

  test("end at the first record that takes them past a mebibyte", async () => {
    routing = Routing.of(uniformRanges(2));
    for (let i = 0; i < 2; i++) {
      const { records, body } = bodyOfRecords(40, 200_000);
      const table = await read(body);
      if (i === 1) {
        expect(recordsIn(table, NOW_MS)).toEqual(expectedIn(table, records, routing));
        expect(table.built?.count).toBeGreaterThanOrEqual(7);
      }
      body.release();
    }
  });

  test("of a stream that routes nothing are not for use", async () => {
    const { body } = bodyOfRecords(300, 400, { StreamName: "another" });
    expect((await read(body)).built?.routingId).toBe(0);
    body.release();
  });

  /** What the batches hold, by record: its batch's number and offset there, its key, its data. */
  function recordsIn({ built: batches }: RecordTable, timeMs: number): unknown[] {
    const all: unknown[] = [];
    for (let batch = 0; batch < (batches?.count ?? 0); batch++) {
      const bytes = batches?.bytesOf(batch) as Buffer;
      expect(isIntactBatch(bytes)).toBe(true);
      const reader = new RecordReader(bytes);
      while (reader.next()) {
        expect(reader.timestampMs).toBe(timeMs);
        const data = Bun.hash(reader.value() as Buffer);
        all.push([batches?.routeOf(batch), batch, reader.offset, reader.key()?.toString(), data]);
      }
    }
    return all.sort();
  }

  function expectedIn(table: RecordTable, records: { Data: string; PartitionKey: string }[], by: Routing) {
    const next = new Map<number, number>();
    return records
      .map(({ Data, PartitionKey }, place) => {
        const batch = table.built?.batchOf(place) as number;
        const offset = next.get(batch) ?? 0;
        next.set(batch, offset + 1);
        const route = by.routeOf(table.hashKeys, place);
        return [route, batch, offset, PartitionKey, Bun.hash(Buffer.from(Data, "base64"))];
      })
      .sort();
  }
});

test("bodies that wait for a slot when the reader is closed are read at once", async () => {
  const closing = newReader(2);
  const text = JSON.stringify({ StreamName: "s", PartitionKey: "k", Data: "AAEC".repeat(20_000) });
  while (!(closing.read("PutRecord", bodyOf(text)) instanceof Promise)) await new Promise(setImmediate);
  // Nobody drops what has a slot.
  const read = Array.from({ length: 12 }, () => closing.read("PutRecord", bodyOf(text)));
  await Promise.all(read.slice(0, 3));
  closing.close();
  const last = (await read.at(-1)) as PutBody;
  expect(plain(last)).toEqual(plain(scanPut("PutRecord", Buffer.from(text, "latin1"))));
});

test("a small body is read at once", () => {
  const put = reader.read("PutRecord", bodyOf('{"StreamName":"s","Data":"AAEC","PartitionKey":"k"}'));
  expect(plain(put as PutBody)?.records.length).toBe(1);
});

test("with one processor everything is read at once", () => {
  const alone = newReader(1);
  const { text } = randomPut(seededRandom(1));
  for (let i = 0; i < 3; i++) expect(alone.read("PutRecords", bodyOf(text))).not.toBeInstanceOf(Promise);
});

describe("a thread that ends without a word", () => {
  test("with nothing in hand: what comes next is read at once", async () => {
    const lost = await readyReader();
    const { operation, text } = randomPut(seededRandom(1));
    await lost.read(operation, bodyOf(text));
    const thread = lost["thread"] as Worker;
    const ended = new Promise((resolve) => thread.addEventListener("close", resolve));
    thread.terminate();
    await ended;
    expect(lost.read(operation, bodyOf(text))).not.toBeInstanceOf(Promise);
  });

  test("with bodies in hand, of which nothing true can be said any more: the process ends", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "put-thread-loss.ts")], {
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = await child.stderr.text();
    expect(await child.exited).toBe(70);
    expect(said).toContain("the thread that reads puts failed: it has ended");
  });
});
