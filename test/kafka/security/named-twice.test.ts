/**
 * What a client may not do with a topic or group that it names twice in one request: it is answered once, as in Kafka
 * (librdkafka drops a reply that names a topic twice), and a change of it is invalid before it is denied.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KafkaClient } from "../../../src/kafka/client.ts";
import { Metadata } from "../../../src/kafka/messages/03-metadata.ts";
import { CreateTopics } from "../../../src/kafka/messages/19-create-topics.ts";
import { DeleteTopics } from "../../../src/kafka/messages/20-delete-topics.ts";
import { CreatePartitions } from "../../../src/kafka/messages/37-create-partitions.ts";
import { DeleteGroups } from "../../../src/kafka/messages/42-delete-groups.ts";
import { DescribeTopicPartitions } from "../../../src/kafka/messages/75-describe-topic-partitions.ts";
import { GROUP, TOPIC } from "../../helpers/acl-rows.ts";
import { startTestKafka, type TestKafka } from "../../helpers/kafka.ts";

const INVALID = 42;
const NO_ID = "0".repeat(32);

let kafka: TestKafka;
let client: KafkaClient;
let id: string;

beforeAll(async () => {
  kafka = await startTestKafka({ enforcing: true, security: { auth: "sasl" } });
  await kafka.access.users.create("ann", "secret");
  ({ id } = await kafka.broker.createStream({ name: "there", shardCount: 1 }));
  client = await kafka.client({ login: { mechanism: "PLAIN", user: "ann", password: "secret" } });
});
afterAll(() => kafka.close());

const twice = <T>(one: T, other: T): T[] => [one, other, one];
const names = twice({ name: "there" }, { name: "nowhere" });

test("Metadata and DescribeTopicPartitions answer once", async () => {
  for (let version = 0; version <= 13; version++) {
    const { topics } = await client.request(Metadata, { topics: names }, version);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["there", TOPIC],
      ["nowhere", TOPIC],
    ]);
  }
  const ids = twice({ name: null, topicId: id }, { name: "there", topicId: NO_ID });
  const byId = await client.request(Metadata, { topics: ids });
  expect(byId.topics.map(({ topicId, errorCode }) => [topicId, errorCode])).toEqual([
    [id, TOPIC],
    [NO_ID, TOPIC],
  ]);
  const pages = await client.request(DescribeTopicPartitions, { topics: names, responsePartitionLimit: 9 });
  expect(pages.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["there", TOPIC],
    ["nowhere", TOPIC],
  ]);
});

test("CreateTopics, CreatePartitions and DeleteTopics call it invalid, and do nothing", async () => {
  const created = await client.request(CreateTopics, {
    topics: names.map((one) => ({
      ...one,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
  });
  expect(created.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["there", INVALID],
    ["nowhere", TOPIC],
  ]);
  const grown = await client.request(CreatePartitions, {
    topics: names.map((one) => ({ ...one, count: 3, assignments: null })),
    timeoutMs: 1000,
    validateOnly: false,
  });
  expect(grown.results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["there", INVALID],
    ["nowhere", TOPIC],
  ]);
  const topicNames = twice("there", "nowhere");
  const deleted = await client.request(DeleteTopics, { topics: [], topicNames, timeoutMs: 1000 }, 5);
  expect(deleted.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["there", INVALID],
    ["nowhere", TOPIC],
  ]);
  expect(kafka.broker.streamByName("there")?.shards.length).toBe(1);
});

test("DeleteTopics by name and by id does not tell that both are one topic", async () => {
  const topics = [...twice({ name: null, topicId: id }, { name: "there", topicId: NO_ID })];
  const { responses } = await client.request(DeleteTopics, { topics, topicNames: [], timeoutMs: 1000 });
  expect(responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode])).toEqual([
    [null, id, INVALID],
    ["there", NO_ID, TOPIC],
  ]);
  expect(kafka.broker.streamByName("there")).toBeDefined();
});

test("DeleteGroups answers once", async () => {
  const { results } = await client.request(DeleteGroups, { groupsNames: twice("g1", "g2") });
  expect(results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
    ["g1", GROUP],
    ["g2", GROUP],
  ]);
});
