/** Large bodies of puts are read by a thread of their own, and say what they would have said here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { type PutBody, type PutOperation, scanPut } from "../../src/kinesis/put-body.ts";
import { PutReader } from "../../src/kinesis/put-reader.ts";
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

/** A reader whose thread runs: the first bodies are read at once, until it does. */
async function readyReader(): Promise<PutReader> {
  const ready = new PutReader(2);
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

test("bodies that wait for a slot when the reader is closed are read at once", async () => {
  const closing = new PutReader(2);
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
  const alone = new PutReader(1);
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
