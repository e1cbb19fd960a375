/** Clients that send rubbish, or leave: never a 500, never a word in the log, never harm to the others. */
import { expect, test } from "bun:test";
import http2 from "node:http2";
import { connect } from "node:net";
import { createLogger } from "../../src/base/logger.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { encodeCbor } from "../../src/kinesis/cbor.ts";
import { OPERATIONS } from "../../src/kinesis/operations.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const NAMES = [
  "StreamName",
  "StreamARN",
  "ShardCount",
  "ShardId",
  "ShardIteratorType",
  "ShardIterator",
  "StartingSequenceNumber",
  "Timestamp",
  "Limit",
  "Records",
  "Data",
  "PartitionKey",
  "ExplicitHashKey",
  "NextToken",
  "MaxResults",
  "ShardFilter",
  "Type",
  "ExclusiveStartShardId",
  "ExclusiveStartStreamName",
  "StreamModeDetails",
  "__proto__",
];
const SCALARS: readonly unknown[] = [
  "s",
  "shardId-000000000000",
  "TRIM_HORIZON",
  "LATEST",
  "AT_TIMESTAMP",
  "AT_SEQUENCE_NUMBER",
  "arn:aws:kinesis:us-east-1:000000000000:stream/s",
  "YWE=",
  "AQEAAA==",
  "\u0000",
  "",
  "9".repeat(56),
  "x".repeat(5000),
  0,
  1,
  -1,
  0.5,
  1e300,
  -1e18,
  2 ** 53,
  null,
  true,
];

function randomValue(random: Random, depth: number): unknown {
  const pick = <T>(from: readonly T[]) => from[randomBelow(random, from.length)] as T;
  const kind = randomBelow(random, depth > 3 ? 6 : 9);
  if (kind < 6) return pick(SCALARS);
  if (kind === 6) return Array.from({ length: randomBelow(random, 4) }, () => randomValue(random, depth + 1));
  const members: [string, unknown][] = [];
  for (let i = randomBelow(random, 8); i > 0; i--)
    members.push([pick(NAMES), randomValue(random, depth + 1)]);
  return Object.fromEntries(members);
}

function randomBody(random: Random): object {
  const members = NAMES.filter(() => random.uint32() & 1).map((name) => [name, randomValue(random, 1)]);
  return { StreamName: "s", ...Object.fromEntries(members) };
}

test("3,000 bodies of rubbish get 200, 400 or 413, in either format", async () => {
  const seed = Date.now() >>> 0;
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const harness = await KinesisHarness.start();
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const operations = Object.keys(OPERATIONS).filter((name) => !/Create|Delete/.test(name));
  const refused = new Map<string, number>();
  for (let round = 0; round < 3000; round++) {
    const operation = operations[round % operations.length] as string;
    const body = randomBody(random);
    const bytes = Buffer.from(round & 1 ? encodeCbor(body) : JSON.stringify(body));
    for (let flips = randomBelow(random, 3); flips > 0; flips--)
      bytes[randomBelow(random, bytes.length)] = random.uint32() & 0xff;
    const response = await fetch(harness.url, {
      method: "POST",
      headers: {
        "content-type": round & 1 ? "application/x-amz-cbor-1.1" : "application/x-amz-json-1.1",
        "x-amz-target": `Kinesis_20131202.${operation}`,
      },
      body: bytes,
    });
    await response.arrayBuffer();
    if (![200, 400, 413].includes(response.status))
      throw new Error(`${operation} ${response.status}: ${bytes.toString("base64")}`);
    const type = response.headers.get("x-amzn-errortype") ?? "none";
    refused.set(type, (refused.get(type) ?? 0) + 1);
  }
  for (const type of ["SerializationException", "ValidationException"])
    expect(refused.get(type)).toBeGreaterThan(100);
  expect((await harness.call("DescribeStream", { StreamName: "s" })).status).toBe(200);
  await harness.stop();
}, 30_000);

test("a client that leaves in the middle of its body is no event, and its bytes are given back", async () => {
  const lines: string[] = [];
  const logger = createLogger("text", "debug", (line) => void lines.push(line));
  const harness = await KinesisHarness.start({ logger, limits: { maxMemoryBytes: 2_000_000 } });
  for (let i = 0; i < 20; i++) {
    const socket = connect(harness.server.port, "127.0.0.1");
    const head = [
      "POST / HTTP/1.1",
      "Host: x",
      "Content-Type: application/x-amz-json-1.1",
      "Content-Length: 1000000",
    ];
    await new Promise<void>((resolve) => {
      socket.write(`${head.join("\r\n")}\r\nX-Amz-Target: Kinesis_20131202.ListStreams\r\n\r\n{`, () =>
        resolve(),
      );
    });
    socket.destroy();
  }
  const largest = `{}${" ".repeat(1_900_000)}`;
  while ((await harness.call("ListStreams", largest)).status !== 200) await Bun.sleep(1);
  expect(lines).toEqual([]);
  await harness.stop();
});

/** Where a reply of 9 MB has no room, all that it would have said comes in replies that need none. */
async function readsInShortReplies(harness: KinesisHarness) {
  await harness.ok("CreateStream", { StreamName: "many", ShardCount: 1 });
  const keys = Array.from({ length: 90 }, (_, i) => `key-${i}`);
  const records = keys.map((PartitionKey) => ({ PartitionKey, Data: Buffer.alloc(100_000) }));
  for (const Records of [records.slice(0, 45), records.slice(45)])
    expect((await harness.cbor("PutRecords", { StreamName: "many", Records })).status).toBe(200);
  const start = await harness.iterator("many", "TRIM_HORIZON");
  const json = (input: object) => harness.call("GetRecords", input);
  const cbor = (input: object) => harness.cbor("GetRecords", input);
  for (const call of [json, cbor]) {
    const seen: unknown[] = [];
    let ShardIterator: unknown = start;
    while (seen.length < keys.length) {
      const { status, body } = await call({ ShardIterator });
      expect(status).toBe(200);
      const some = body["Records"] as unknown as { PartitionKey: string }[];
      expect(some.length).toBeWithin(1, 12);
      seen.push(...some.map((record) => record.PartitionKey));
      expect(Number(body["MillisBehindLatest"]) > 0).toBe(seen.length < keys.length);
      ShardIterator = body["NextShardIterator"];
    }
    expect(seen).toEqual(keys);
  }
}

test("clients that do not take their replies hold no more than the budget, and give it back when they leave", async () => {
  const harness = await KinesisHarness.start({ limits: { maxMemoryBytes: 28 << 20 } });
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const Records = Array.from({ length: 8 }, () => ({ PartitionKey: "k", Data: Buffer.alloc(1_000_000) }));
  expect((await harness.cbor("PutRecords", { StreamName: "s", Records })).status).toBe(200);
  const body = JSON.stringify({ ShardIterator: await harness.iterator("s", "TRIM_HORIZON") });
  const session = http2.connect(harness.url, { settings: { initialWindowSize: 1000 } }).on("error", () => {});
  for (let i = 0; i < 2; i++) {
    const request = session.request({
      ":method": "POST",
      ":path": "/",
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "Kinesis_20131202.GetRecords",
    });
    request.on("error", () => {});
    request.pause();
    const answered = new Promise((resolve) => request.once("response", resolve));
    request.end(body);
    await answered;
  }
  expect((await harness.call("GetRecords", body)).status).toBe(503);
  expect((await harness.cbor("GetRecords", JSON.parse(body))).status).toBe(503);
  await readsInShortReplies(harness);
  session.destroy();
  while ((await harness.call("GetRecords", body)).status !== 200) await Bun.sleep(1);
  await harness.stop();
});
