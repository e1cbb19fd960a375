/** A client that believes in another leader than there is hears of it (KIP-320), whichever way it asks. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { OffsetForLeaderEpoch } from "../../src/kafka/messages/23-offset-for-leader-epoch.ts";
import type { Stream } from "../../src/streams/broker.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { appendDurably, batchOf } from "../helpers/log.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";

let kafka: TestKafka;
let client: KafkaClient;
let stream: Stream;

beforeAll(async () => {
  kafka = await startTestKafka();
  client = await kafka.client();
  stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
  await appendDurably(memoryLogOf(stream.shards[0] as never), batchOf(["a"]));
});
afterAll(() => kafka.close());

async function fetched(partition: number, currentLeaderEpoch: number) {
  const wanted = { partition, currentLeaderEpoch, fetchOffset: 0, partitionMaxBytes: 1 << 20 };
  const reply = await client.request(Fetch, {
    maxWaitMs: 60_000,
    minBytes: 1 << 20, // what is there is not enough, so only an error is told of at once
    topics: [{ topicId: stream.id, partitions: [wanted] }],
    forgottenTopicsData: [],
  });
  return reply.responses[0]?.partitions[0];
}

async function listed(partitionIndex: number, currentLeaderEpoch: number) {
  const partitions = [{ partitionIndex, currentLeaderEpoch, timestamp: -1 }];
  const topics = [{ name: "s", partitions }];
  const reply = await client.request(ListOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs: 1000,
    topics,
  });
  return reply.topics[0]?.partitions[0];
}

async function endOf(partition: number, currentLeaderEpoch: number) {
  const partitions = [{ partition, currentLeaderEpoch, leaderEpoch: 0 }];
  const reply = await client.request(OffsetForLeaderEpoch, { topics: [{ topic: "s", partitions }] });
  return reply.topics[0]?.partitions[0];
}

test.each([
  ["a newer epoch is unknown", 0, 1, 75],
  ["an older epoch is fenced", 0, -2, 74],
  ["a partition that is not there has no epoch", 7, 1, 3],
])("%s", async (_what, partition, epoch, errorCode) => {
  expect(await fetched(partition, epoch)).toMatchObject({ errorCode, highWatermark: -1 });
  expect(await listed(partition, epoch)).toMatchObject({ errorCode, offset: -1 });
  expect(await endOf(partition, epoch)).toMatchObject({ errorCode, endOffset: -1 });
});

test.each([
  ["the epoch that Metadata tells", 0],
  ["no epoch", -1],
])("%s is answered", async (_what, epoch) => {
  expect(await listed(0, epoch)).toMatchObject({ errorCode: 0, offset: 1, leaderEpoch: 0 });
  expect(await endOf(0, epoch)).toMatchObject({ errorCode: 0, endOffset: 1 });
});
