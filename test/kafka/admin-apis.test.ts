/** CreatePartitions, DeleteRecords, DescribeLogDirs, DescribeTopicPartitions, OffsetForLeaderEpoch, ListConfigResources. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { DescribeGroups } from "../../src/kafka/messages/15-describe-groups.ts";
import { DeleteRecords } from "../../src/kafka/messages/21-delete-records.ts";
import { OffsetForLeaderEpoch } from "../../src/kafka/messages/23-offset-for-leader-epoch.ts";
import { DescribeLogDirs } from "../../src/kafka/messages/35-describe-log-dirs.ts";
import { CreatePartitions } from "../../src/kafka/messages/37-create-partitions.ts";
import { ListConfigResources } from "../../src/kafka/messages/74-list-config-resources.ts";
import { DescribeTopicPartitions } from "../../src/kafka/messages/75-describe-topic-partitions.ts";
import type { Shard, Stream } from "../../src/streams/broker.ts";
import { uniformRanges } from "../../src/streams/hash-range.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { appendDurably, batchOf } from "../helpers/log.ts";
import { appendRecords } from "../helpers/append-records.ts";

let kafka: TestKafka;
let client: KafkaClient;

beforeAll(async () => {
  kafka = await startTestKafka({ onDisk: true });
  client = await kafka.client();
});
afterAll(() => kafka.close());

let made = 0;
const newStream = (shardCount = 1) => kafka.broker.createStream({ name: `s${++made}`, shardCount });
const logOf = (stream: Stream, index = 0) => (stream.shards[index] as Shard).log;

async function grow(name: string, count: number, more: { validateOnly?: boolean; brokers?: number[] } = {}) {
  const assignments = more.brokers?.map((id) => ({ brokerIds: [id] })) ?? null;
  const reply = await client.request(CreatePartitions, {
    topics: [{ name, count, assignments }],
    timeoutMs: 1000,
    validateOnly: more.validateOnly ?? false,
  });
  return reply.results[0];
}

describe("create partitions", () => {
  test("gives an empty topic more, which tile the hash keys with the old ones", async () => {
    const stream = await newStream(2);
    expect(await grow(stream.name, 5, { brokers: [1, 1, 1] })).toMatchObject({ errorCode: 0 });
    expect(stream.shards.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(stream.shards.map(({ range }) => range)).toEqual(uniformRanges(5));
    expect(stream.shards.every(({ closedAtMs }) => closedAtMs === undefined)).toBe(true);
    const [outcome] = await appendRecords(kafka.broker, stream, [
      { partitionKey: "k", explicitHashKey: 2n ** 128n - 1n, data: Buffer.from("v") },
    ]);
    expect(outcome).toMatchObject({ offset: 0, shard: { index: 4 } });
  });

  test("refuses a topic that has had a record, and says what to do", async () => {
    const stream = await newStream();
    await appendDurably(logOf(stream), batchOf(["a"]));
    const refused = await grow(stream.name, 2);
    expect(refused?.errorCode).toBe(37);
    expect(refused?.errorMessage).toContain("UpdateShardCount");
    await logOf(stream).trimTo(1);
    expect((await grow(stream.name, 2))?.errorCode).toBe(37);
    expect(stream.shards.length).toBe(1);
  });

  test("a record that comes while the partitions are made wins", async () => {
    const stream = await newStream();
    const growing = grow(stream.name, 50);
    const [outcome] = await appendRecords(kafka.broker, stream, [
      { partitionKey: "k", data: Buffer.from("v") },
    ]);
    expect(outcome).toMatchObject({ offset: 0 });
    const { errorCode } = (await growing) as { errorCode: number };
    expect(errorCode).toBe(stream.shards.length === 1 ? 37 : 0);
  });

  test.each([
    ["no more than there are", 1, {}, 37],
    ["fewer", 0, {}, 37],
    ["too many", 1_000_000, {}, 44],
    ["on another broker", 2, { brokers: [7] }, 39],
    ["with too few assignments", 3, { brokers: [1] }, 39],
  ])("%s is refused", async (_what, count, more, code) => {
    const { name } = await newStream();
    expect((await grow(name, count, more))?.errorCode).toBe(code);
  });

  test("an unknown topic is refused, and only validating changes nothing", async () => {
    expect((await grow("missing", 2))?.errorCode).toBe(3);
    const stream = await newStream();
    expect((await grow(stream.name, 2, { validateOnly: true }))?.errorCode).toBe(0);
    expect(stream.shards.length).toBe(1);
  });
});

describe("delete records", () => {
  async function deleteBefore(name: string, offset: number, partitionIndex = 0) {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
    const reply = await client.request(DeleteRecords, { topics, timeoutMs: 1000 });
    return reply.topics[0]?.partitions[0];
  }

  test("moves the start to the offset, in the middle of a batch too, and readers see it", async () => {
    const stream = await newStream();
    await appendDurably(logOf(stream), batchOf(["a", "b", "c", "d"]));
    expect(await deleteBefore(stream.name, 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    const partitions = [{ partitionIndex: 0, timestamp: -2 }];
    const reply = await client.request(ListOffsets, {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 1,
      topics: [{ name: stream.name, partitions }],
    });
    expect(reply.topics[0]?.partitions[0]?.offset).toBe(2);
    const fetched = await client.request(
      Fetch,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [
          { topic: stream.name, partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }] },
        ],
        forgottenTopicsData: [],
      },
      12,
    );
    expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(1);
    expect(await deleteBefore(stream.name, 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await deleteBefore(stream.name, -1)).toMatchObject({ errorCode: 0, lowWatermark: 4 });
    await appendDurably(logOf(stream), batchOf(["e"]));
    expect(logOf(stream).durableEnd).toBe(5);
  });

  test("refuses offsets past the end, unknown topics and partitions", async () => {
    const { name } = await newStream();
    expect(await deleteBefore(name, 1)).toMatchObject({ errorCode: 1, lowWatermark: -1 });
    expect(await deleteBefore(name, -2)).toMatchObject({ errorCode: 1 });
    expect(await deleteBefore(name, 0, 9)).toMatchObject({ errorCode: 3 });
    expect(await deleteBefore("missing", 0)).toMatchObject({ errorCode: 3 });
  });
});

test("log dirs have the bytes of every partition, of all topics or of those that are named", async () => {
  const stream = await newStream(2);
  await appendDurably(logOf(stream, 1), batchOf(["x".repeat(5000)]));
  const named = await client.request(DescribeLogDirs, {
    topics: [{ topic: stream.name, partitions: [1, 7] }],
  });
  expect(named.results[0]?.topics).toEqual([
    {
      name: stream.name,
      partitions: [
        { partitionIndex: 1, partitionSize: logOf(stream, 1).sizeBytes, offsetLag: 0, isFutureKey: false },
      ],
    },
  ]);
  expect(logOf(stream, 1).sizeBytes).toBeGreaterThan(5000);
  for (let version = 0; version <= 4; version++) {
    const all = await client.request(DescribeLogDirs, { topics: null }, version);
    expect(all.results[0]?.topics.length).toBe(kafka.broker.listStreams().length);
  }
});

test("topic partitions come in pages, each partition once", async () => {
  const names = [await newStream(3), await newStream(4), await newStream(2)].map(({ name }) => name);
  const seen: string[] = [];
  type Cursor = { topicName: string; partitionIndex: number } | null;
  let cursor: Cursor = null;
  let pages = 0;
  do {
    const page: {
      topics: { name: string | null; partitions: { partitionIndex: number }[] }[];
      nextCursor: Cursor;
    } = await client.request(DescribeTopicPartitions, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: 2,
      cursor,
    });
    for (const { name, partitions } of page.topics)
      for (const { partitionIndex } of partitions) seen.push(`${name} ${partitionIndex}`);
    cursor = page.nextCursor;
    pages++;
  } while (cursor && pages < 20);
  const first = await client.request(DescribeTopicPartitions, { topics: [{ name: names[0] as string }] });
  expect(first.topics[0]?.partitions[0]).toMatchObject({
    replicaNodes: [1],
    isrNodes: [1],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  });
  expect(new Set(seen).size).toBe(9);
  expect(seen.length).toBe(9);
  expect(pages).toBeGreaterThanOrEqual(5);
  const unknown = await client.request(DescribeTopicPartitions, {
    topics: [{ name: "missing" }, { name: "a/b" }],
  });
  expect(unknown.topics.map(({ errorCode }) => errorCode).sort()).toEqual([17, 3]);
});

test("the one leader epoch ends at the durable end; a newer one is unknown", async () => {
  const stream = await newStream();
  await appendDurably(logOf(stream), batchOf(["a", "b"]));
  const ask = async (leaderEpoch: number, currentLeaderEpoch = 0, topic = stream.name) => {
    const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }];
    const reply = await client.request(OffsetForLeaderEpoch, { topics: [{ topic, partitions }] });
    return reply.topics[0]?.partitions[0];
  };
  expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 });
  expect(await ask(3)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
  expect(await ask(0, 1)).toMatchObject({ errorCode: 75 });
  expect(await ask(0, 0, "missing")).toMatchObject({ errorCode: 3 });
});

test("what has settings is listed by type, and client metrics have none", async () => {
  const { name } = await newStream();
  const old = await client.request(ListConfigResources, { resourceTypes: [] }, 0);
  expect(old).toMatchObject({ errorCode: 0, configResources: [] });
  const all = await client.request(ListConfigResources, { resourceTypes: [] });
  expect(all.configResources).toContainEqual({ resourceName: name, resourceType: 2 });
  const brokers = await client.request(ListConfigResources, { resourceTypes: [4] });
  expect(brokers.configResources).toEqual([{ resourceName: "1", resourceType: 4 }]);
});

test("a group that is not there is Dead to old clients and an error to new ones", async () => {
  const ask = (version: number) =>
    client.request(DescribeGroups, { groups: ["nobody"], includeAuthorizedOperations: false }, version);
  expect((await ask(5)).groups[0]).toMatchObject({ errorCode: 0, groupState: "Dead" });
  expect((await ask(6)).groups[0]).toMatchObject({ errorCode: 69, groupState: "Dead" });
});
