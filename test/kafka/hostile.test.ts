/** Hostile frames over real sockets: each ends its connection at once, and a good client beside them notices nothing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { APIS } from "../../src/kafka/apis.ts";
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { DescribeConfigs } from "../../src/kafka/messages/32-describe-configs.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { appendDurably, batchOf } from "../helpers/log.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { hostileCopies, PrefixRecorder, randomBody } from "../helpers/kafka-bodies.ts";
import { frameOf, RawConnection, sized, startTestKafka, type TestKafka } from "../helpers/kafka.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const versionChoice = seededRandom(SEED);
let kafka: TestKafka;
let busy = true;
let goodReplies = 0;
let goodClient: Promise<void>;

async function beGood(): Promise<void> {
  const client = await kafka.client();
  while (busy) {
    const reply = await client.request(ApiVersions, {
      clientSoftwareName: "good",
      clientSoftwareVersion: "1",
    });
    expect(reply.apiKeys.length).toBe(APIS.length);
    goodReplies++;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeAll(async () => {
  kafka = await startTestKafka();
  goodClient = beGood();
});

afterAll(async () => {
  busy = false;
  await goodClient;
  expect(goodReplies).toBeGreaterThan(10);
  await kafka.close();
});

/** Sends `bytes` and resolves to the milliseconds until the connection was gone. */
async function timeToClose(bytes: Buffer): Promise<number> {
  const connection = await RawConnection.open(kafka.port);
  const started = performance.now();
  connection.socket.write(bytes);
  await connection.closed;
  expect(connection.received.length).toBe(0);
  return performance.now() - started;
}

/** A whole frame around a header of `api` and `body`. */
function frameAround(api: (typeof APIS)[number], version: number, body: Buffer): Buffer {
  const header = new PrefixRecorder();
  writeRequestHeader(header, api.key, version, 7, "raw", api.request.isFlexible(version));
  return sized(Buffer.concat([header.bytes.subarray(0, header.at), body]));
}

/** The newest version of an API, and another one by chance, where there is one. */
function newestAndAnother(api: (typeof APIS)[number]) {
  const { min, max } = api.request.versions;
  if (min === max) return [{ api, version: max }];
  return [max, min + (versionChoice.uint32() % (max - min))].map((version) => ({ api, version }));
}

describe("hostile frames", () => {
  test.each(["ffffffff", "80000000", "7fffffff", "00000000", "16030100", "47455420"])(
    "the length prefix %s closes the connection within 100 ms",
    async (hex) => {
      const bytes = Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(300)]);
      expect(await timeToClose(bytes)).toBeLessThan(100);
    },
  );

  test("an unknown API and an unknown version close the connection", async () => {
    await timeToClose(sized(Buffer.from("7fff000000000001ffff", "hex")));
    await timeToClose(sized(Buffer.from("0000ffff00000001ffff", "hex")));
    await timeToClose(sized(Buffer.from("0000006400000001ffff", "hex")));
  });

  test("a client id that is longer than its frame closes the connection", async () => {
    await timeToClose(sized(Buffer.from("00120000000000017fff", "hex")));
    await timeToClose(sized(Buffer.from("0012000000000001fffe", "hex")));
  });

  test("every inner length and count of every API closes the connection, and memory stays", async () => {
    const random = seededRandom(SEED);
    const before = process.memoryUsage().rss;
    let sent = 0;
    for (const { api, version } of APIS.flatMap(newestAndAnother)) {
      const writer = new PrefixRecorder();
      api.request.write(version, writer, randomBody(api.request.fields, version, random) as never);
      const body = Buffer.from(writer.bytes.subarray(0, writer.at));
      for (const hostile of hostileCopies(body, writer.prefixes.slice(0, 12))) {
        await timeToClose(frameAround(api, version, hostile));
        sent++;
      }
    }
    expect(sent).toBeGreaterThan(100);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  }, 30_000);

  test("random bytes in valid frames never harm the server", async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 200; round++) {
      const api = APIS[round % APIS.length] as (typeof APIS)[number];
      const { min, max } = api.request.versions;
      const version = min + (random.uint32() % (max - min + 1));
      const connection = await RawConnection.open(kafka.port);
      connection.socket.write(frameAround(api, version, random.bytes(random.uint32() % 400)));
      const good = frameOf(ApiVersions, 0, {}, 99);
      connection.socket.write(Buffer.concat([good, Buffer.from("ffffffff", "hex")]));
      await connection.closed;
    }
  });

  test("valid requests with bytes changed never harm the server", async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 1500; round++) {
      const api = APIS[round % APIS.length] as (typeof APIS)[number];
      const { min, max } = api.request.versions;
      const version = min + (random.uint32() % (max - min + 1));
      const writer = new PrefixRecorder();
      const body = randomBody(api.request.fields, version, random);
      // No long polls, which would hold back the end of the connection.
      if (api.name === "Fetch") body.maxWaitMs = 0;
      api.request.write(version, writer, body as never);
      const bytes = Buffer.from(writer.bytes.subarray(0, writer.at));
      for (let change = random.uint32() % 4; change > 0; change--) {
        if (bytes.length > 0) bytes[random.uint32() % bytes.length] = random.uint32() & 0xff;
      }
      const connection = await RawConnection.open(kafka.port);
      connection.socket.write(
        Buffer.concat([frameAround(api, version, bytes), Buffer.from("ffffffff", "hex")]),
      );
      await connection.closed;
    }
  }, 30_000);

  test("names as long as the protocol allows, and names that are not UTF-8, are answered or refused", async () => {
    const name = "n".repeat(32_767);
    const connection = await RawConnection.open(kafka.port);
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const config = { ...topic, name: "t", configs: [{ name, value: name }] };
    const frames = [
      frameOf(Metadata, 1, { topics: [{ name }] }, 1),
      frameOf(CreateTopics, 2, { topics: [topic, config] }, 2),
      frameOf(DeleteTopics, 3, { topics: [], topicNames: [name], timeoutMs: 1 }, 3),
      frameOf(
        DescribeConfigs,
        1,
        {
          resources: [{ resourceType: 2, resourceName: name, configurationKeys: null }],
        },
        4,
      ),
    ];
    connection.socket.write(Buffer.concat(frames));
    for (let id = 1; id <= 4; id++) expect((await connection.reply()).readInt32BE(0)).toBe(id);
    const bad = frameOf(Metadata, 1, { topics: [{ name }] }, 5);
    connection.socket.write(bad.fill(0xff, bad.length - 1000));
    await connection.closed;
  });

  test("clients that leave in the middle of anything leave nothing behind", async () => {
    const stream = await kafka.broker.createStream({ name: "storm", shardCount: 1 });
    const log = memoryLogOf(stream.shards[0] as never);
    await appendDurably(log, batchOf(["x".repeat(100_000)]));
    const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 };
    const fetchOf = (fetchOffset: number) =>
      frameOf(Fetch, 12, {
        maxWaitMs: 60_000,
        minBytes: 1,
        topics: [{ topic: "storm", partitions: [{ ...partition, fetchOffset }] }],
        forgottenTopicsData: [],
      });
    for (let round = 0; round < 300; round++) {
      const connection = await RawConnection.open(kafka.port);
      const frame = fetchOf(round % 3 === 0 ? 1 : 0);
      connection.socket.write(round % 3 === 1 ? frame.subarray(0, frame.length / 2) : frame);
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      connection.end();
    }
    while (kafka.server.connections > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(log.openRanges).toBe(0);
    expect(log.listenerCount).toBe(0);
  });

  test("replies to requests in front of a hostile frame still come", async () => {
    const connection = await RawConnection.open(kafka.port);
    const good = frameOf(ApiVersions, 0, {}, 5);
    connection.socket.write(Buffer.concat([good, good, Buffer.from("ffffffff", "hex")]));
    expect((await connection.reply()).readInt32BE(0)).toBe(5);
    expect((await connection.reply()).readInt32BE(0)).toBe(5);
    await connection.closed;
  });
});
