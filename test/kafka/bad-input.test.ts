/**
 * Rows of BAD-INPUT that belong to no one API's tests: codecs and epochs (39), bombs (40), names (43), wishes for very
 * much (48).
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { IncrementalAlterConfigs } from "../../src/kafka/messages/44-incremental-alter-configs.ts";
import { recompress } from "../../src/log/recompress.ts";
import { computeCrc } from "../../src/log/record-batch.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";
import { ofProducer } from "../helpers/producers.ts";

const TOPIC = 2;

let kafka: TestKafka;
let client: KafkaClient;

beforeAll(async () => {
  kafka = await startTestKafka({ autoCreateStreams: false, onDisk: true });
  client = await kafka.client();
  await kafka.broker.createStream({ name: "orders", shardCount: 1 });
});
afterAll(() => kafka.close());

async function produce(records: Buffer, name = "orders") {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const reply = await client.request(Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
  return reply.responses[0]?.partitionResponses[0];
}

const endOffset = () => kafka.broker.streamByName("orders")?.shards[0]?.log.endOffset;

test.each([5, 6, 7])("compression %i, which nobody knows, is refused with 76", async (codec) => {
  const batch = batchOf(["a"]);
  batch.writeInt16BE(codec, 21);
  batch.writeUInt32BE(computeCrc(batch), 17);
  const before = endOffset();
  expect((await produce(batch))?.errorCode).toBe(76);
  expect(endOffset()).toBe(before as number);
});

test("a newer epoch of a producer that does not start at sequence 0 is out of order: 45", async () => {
  expect((await produce(ofProducer(batchOf(["a"]), 77, 0, 0)))?.errorCode).toBe(0);
  const before = endOffset();
  expect((await produce(ofProducer(batchOf(["b"]), 77, 1, 5)))?.errorCode).toBe(45);
  expect(endOffset()).toBe(before as number);
  expect((await produce(ofProducer(batchOf(["b"]), 77, 1, 0)))?.errorCode).toBe(0);
});

test.each(["gzip", "snappy", "lz4", "zstd"] as const)(
  "a batch of %s that is cut short is refused with 87 where it has to be opened",
  async (codec) => {
    await kafka.broker.createStream({ name: `cut-${codec}`, shardCount: 1 });
    await recompressed(`cut-${codec}`, codec === "gzip" ? "lz4" : "gzip");
    const whole = recompress(batchOf(["a".repeat(500), "b"]), codec);
    const cut = whole.subarray(0, whole.length - 12);
    cut.writeInt32BE(cut.length - 12, 8);
    cut.writeUInt32BE(computeCrc(cut), 17);
    expect((await produce(cut, `cut-${codec}`))?.errorCode).toBe(87);
  },
);

// Snappy does not shrink anything a hundredfold.
test.each(["gzip", "lz4", "zstd"] as const)(
  "a bomb of %s is refused with 87 where it has to be opened, and takes neither memory nor time",
  async (codec) => {
    const name = `bombs-${codec}`;
    await kafka.broker.createStream({ name, shardCount: 1 });
    await recompressed(name, "snappy");
    const bomb = recompress(batchOf(["\0".repeat(24 << 20)]), codec);
    expect(bomb.length).toBeLessThan(200_000);
    await produce(bomb, name); // loads what opens it
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const cpuBefore = process.cpuUsage();
    for (let i = 0; i < 20; i++) expect((await produce(bomb, name))?.errorCode).toBe(87);
    const { user, system } = process.cpuUsage(cpuBefore);
    expect((user + system) / 1000 / 20).toBeLessThan(100);
    expect(process.memoryUsage().rss - before).toBeLessThan(32 << 20);
    expect(kafka.broker.streamByName(name)?.shards[0]?.log.endOffset).toBe(0);
  },
);

/** Has the broker write what is sent to `name` with `codec`, for which it opens what comes otherwise. */
async function recompressed(name: string, codec: string): Promise<void> {
  const configs = [{ name: "compression.type", configOperation: 0, value: codec }];
  const resources = [{ resourceType: TOPIC, resourceName: name, configs }];
  const reply = await client.request(IncrementalAlterConfigs, { resources, validateOnly: false });
  expect(reply.responses[0]?.errorCode).toBe(0);
}

const BAD_NAMES = ["", ".", "..", "../x", "a/b", "%2e%2e%2f", "a\0b", "ü", "a b", "x".repeat(250)];

test.each(BAD_NAMES)("the topic name %j is refused with 17 and can't be written to or read", async (name) => {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const created = await client.request(CreateTopics, { topics: [topic] });
  expect(created.topics[0]?.errorCode).toBe(17);
  expect((await produce(batchOf(["a"]), name))?.errorCode).toBe(3);
  expect((await fetchOf(name, [0]))[0]?.errorCode).toBe(3);
});

test.each(["...", "-", "foo-0", "__consumer_offsets", "x".repeat(249)])(
  "the topic name %j is one",
  async (name) => {
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    expect((await client.request(CreateTopics, { topics: [topic] })).topics[0]?.errorCode).toBe(0);
    expect((await produce(batchOf(["a"]), name))?.errorCode).toBe(0);
  },
);

/** Partition answers of a Fetch that asks for as much as can be said. */
async function fetchOf(topic: string, partitions: number[]) {
  const most = 0x7fffffff;
  const wishes = partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: most }));
  const topics = [{ topic, partitions: wishes }];
  const body = { maxWaitMs: 0, minBytes: 1, maxBytes: most, topics, forgottenTopicsData: [] };
  return (await client.request(Fetch, body, 12)).responses[0]?.partitions ?? [];
}

test("a fetch of 10,000 partitions that are not there is answered for each", async () => {
  const answers = await fetchOf(
    "orders",
    Array.from({ length: 10_000 }, (_, i) => i + 1),
  );
  expect(answers.length).toBe(10_000);
  expect(new Set(answers.map(({ errorCode }) => errorCode))).toEqual(new Set([3]));
});
