/** Metadata, CreateTopics, DeleteTopics, DescribeConfigs, DescribeCluster, FindCoordinator. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { FindCoordinator } from "../../src/kafka/messages/10-find-coordinator.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { DescribeConfigs } from "../../src/kafka/messages/32-describe-configs.ts";
import { DescribeCluster } from "../../src/kafka/messages/60-describe-cluster.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";

let kafka: TestKafka;
let client: KafkaClient;

beforeAll(async () => {
  kafka = await startTestKafka({ autoCreatePartitions: 3 });
  client = await kafka.client();
});
afterAll(() => kafka.close());

interface Wanted {
  name: string;
  numPartitions?: number;
  replicationFactor?: number;
  assignments?: { partitionIndex: number; brokerIds: number[] }[];
  configs?: { name: string; value: string | null }[];
}

async function create(wanted: Wanted, validateOnly = false) {
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...wanted };
  const reply = await client.request(CreateTopics, { topics: [topic], validateOnly });
  return reply.topics[0];
}

describe("metadata", () => {
  test("creates a topic that is asked for, once, with the default partitions", async () => {
    const ask = () => client.request(Metadata, { topics: [{ name: "auto" }] });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(first?.topics[0]).toMatchObject({ errorCode: 0, name: "auto" });
    expect(first?.topics[0]?.partitions.map((partition) => partition.partitionIndex)).toEqual([0, 1, 2]);
    expect(second?.topics[0]?.topicId).toBe(first?.topics[0]?.topicId as string);
  });

  test("does not create when the client forbids it, nor under a bad name", async () => {
    const forbidden = await client.request(Metadata, {
      topics: [{ name: "no" }],
      allowAutoTopicCreation: false,
    });
    expect(forbidden.topics[0]?.errorCode).toBe(3);
    for (const name of ["", ".", "..", "a/b", "x".repeat(250), "nul\0"]) {
      const reply = await client.request(Metadata, { topics: [{ name }] });
      expect(reply.topics[0]?.errorCode).toBe(17);
    }
    expect(kafka.broker.streamByName("no")).toBeUndefined();
  });

  test("tells once of a topic that is asked for twice", async () => {
    const { id } = await kafka.broker.createStream({ name: "once", shardCount: 1 });
    const byName = [{ name: "once" }, { name: "never" }, { name: "once" }];
    const named = await client.request(Metadata, { topics: byName, allowAutoTopicCreation: false });
    expect(named.topics.map(({ name }) => name)).toEqual(["once", "never"]);
    const byId = [id, id].map((topicId) => ({ name: null, topicId }));
    const given = await client.request(Metadata, { topics: byId, allowAutoTopicCreation: false });
    expect(given.topics.map(({ name }) => name)).toEqual(["once"]);
  });

  test("finds a topic by id, and lists all in every version", async () => {
    const stream = await kafka.broker.createStream({ name: "known", shardCount: 2 });
    const byId = await client.request(Metadata, { topics: [{ name: null, topicId: stream.id }] });
    expect(byId.topics[0]).toMatchObject({ errorCode: 0, name: "known" });
    const unknown = await client.request(Metadata, { topics: [{ name: null, topicId: "a".repeat(32) }] });
    expect(unknown.topics[0]?.errorCode).toBe(100);
    for (let version = 0; version <= 13; version++) {
      const all = await client.request(Metadata, { topics: version === 0 ? [] : null }, version);
      expect(all.topics.map((topic) => topic.name)).toContain("known");
      expect(all.brokers[0]).toMatchObject({ nodeId: 1, port: kafka.port });
    }
  });
});

describe("durability", () => {
  test("is chosen by a setting of voik's own, described, and sync without it", async () => {
    const made = await create({ name: "by-the-os", configs: [{ name: "voik.durability", value: "os" }] });
    expect(made).toMatchObject({ errorCode: 0 });
    expect(made?.configs).toContainEqual(expect.objectContaining({ name: "voik.durability", value: "os" }));
    expect(kafka.broker.streamByName("by-the-os")?.durability).toBe("os");
    await create({ name: "by-default", configs: [] });
    for (const [resourceName, value] of [
      ["by-the-os", "os"],
      ["by-default", "sync"],
    ] as const) {
      const resource = { resourceType: 2, resourceName, configurationKeys: ["voik.durability"] };
      const reply = await client.request(DescribeConfigs, { resources: [resource] });
      expect(reply.results[0]?.configs.map((config) => config.value)).toEqual([value]);
    }
  });

  test("is sync or os and nothing else", async () => {
    const refused = await create({ name: "none", configs: [{ name: "voik.durability", value: "none" }] });
    expect(refused).toMatchObject({ errorCode: 40, errorMessage: "voik.durability is sync or os, not none" });
    expect(kafka.broker.streamByName("none")).toBeUndefined();
  });
});

describe("create topics", () => {
  test("creates with partitions and retention, and says what it made", async () => {
    const made = await create({
      name: "made",
      numPartitions: 4,
      configs: [
        { name: "retention.ms", value: "60000" },
        { name: "cleanup.policy", value: "delete" },
      ],
    });
    expect(made).toMatchObject({ errorCode: 0, numPartitions: 4, replicationFactor: 1 });
    const stream = kafka.broker.streamByName("made");
    expect(stream).toMatchObject({ id: made?.topicId, retentionMs: 60_000 });
    expect(stream?.shards.length).toBe(4);
  });

  test("takes -1 for the defaults, and an assignment to this broker", async () => {
    expect(await create({ name: "default", numPartitions: -1, replicationFactor: -1 })).toMatchObject({
      numPartitions: 3,
    });
    const assignments = [0, 1].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] }));
    const assigned = await create({
      name: "assigned",
      numPartitions: -1,
      replicationFactor: -1,
      assignments,
    });
    expect(assigned).toMatchObject({ errorCode: 0, numPartitions: 2 });
  });

  test("only checks when it is told to only validate", async () => {
    expect(await create({ name: "dry" }, true)).toMatchObject({ errorCode: 0 });
    expect(kafka.broker.streamByName("dry")).toBeUndefined();
  });

  const wrong: [string, Wanted, number][] = [
    ["a name that is taken", { name: "made" }, 36],
    ["a bad name", { name: "../x" }, 17],
    ["no partitions", { name: "w", numPartitions: 0 }, 37],
    ["2^31-1 partitions", { name: "w", numPartitions: 0x7fffffff }, 44],
    ["three replicas", { name: "w", replicationFactor: 3 }, 38],
    ["an unknown setting", { name: "w", configs: [{ name: "bogus", value: "1" }] }, 40],
    ["compaction", { name: "w", configs: [{ name: "cleanup.policy", value: "compact" }] }, 40],
    ["retention -2", { name: "w", configs: [{ name: "retention.ms", value: "-2" }] }, 40],
    [
      "an assignment to another broker",
      {
        name: "w",
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [2] }],
      },
      39,
    ],
  ];
  test.each(wrong)("refuses %s with a message", async (_name, wanted, code) => {
    const refused = await create(wanted);
    expect(refused?.errorCode).toBe(code);
    expect(refused?.errorMessage).toBeTruthy();
    expect(kafka.broker.streamByName("w")).toBeUndefined();
  });

  test("refuses a setting without a value, whatever its name", async () => {
    for (const name of ["retention.ms", "bogus.setting"]) {
      const refused = await create({ name: "valueless", configs: [{ name, value: null }] });
      expect(refused).toMatchObject({
        errorCode: 40,
        errorMessage: `${name} is to be set, and has no value`,
      });
    }
    expect(kafka.broker.streamByName("valueless")).toBeUndefined();
  });

  test("refuses a topic that is named twice in one request", async () => {
    const topic = { name: "twice", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const reply = await client.request(CreateTopics, { topics: [topic, topic] });
    expect(reply.topics.map(({ errorCode }) => errorCode)).toEqual([42]);
  });
});

test("topics are deleted by name and by id", async () => {
  const byName = await kafka.broker.createStream({ name: "gone-1", shardCount: 1 });
  const byId = await kafka.broker.createStream({ name: "gone-2", shardCount: 1 });
  const old = await client.request(
    DeleteTopics,
    { topics: [], topicNames: ["gone-1", "never"], timeoutMs: 1 },
    5,
  );
  expect(old.responses.map(({ errorCode }) => errorCode)).toEqual([0, 3]);
  const topics = [{ topicId: byId.id }, { topicId: byName.id }];
  const reply = await client.request(DeleteTopics, { topics, topicNames: [], timeoutMs: 1 });
  expect(reply.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["gone-2", 0],
    [null, 100],
  ]);
});

test("a topic that is named twice in one request is not deleted, and answered once", async () => {
  const { id } = await kafka.broker.createStream({ name: "stays", shardCount: 1 });
  const topicNames = ["stays", "never", "stays"];
  const old = await client.request(DeleteTopics, { topics: [], topicNames, timeoutMs: 1 }, 5);
  expect(old.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["stays", 42],
    ["never", 3],
  ]);
  const answersTo = async (topics: { name?: string; topicId?: string }[]) => {
    const { responses } = await client.request(DeleteTopics, { topics, topicNames: [], timeoutMs: 1 });
    return responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]);
  };
  const NO_ID = "0".repeat(32);
  expect(await answersTo([{ topicId: id }, { topicId: id }])).toEqual([[null, id, 42]]);
  // The second names the same topic in the other way.
  expect(await answersTo([{ name: "stays" }, { topicId: id }])).toEqual([["stays", NO_ID, 42]]);
  expect(await answersTo([{ name: "stays", topicId: id }])).toEqual([["stays", id, 42]]);
  expect(await answersTo([{}])).toEqual([[null, NO_ID, 42]]);
  expect(kafka.broker.streamByName("stays")?.id).toBe(id);
});

test("settings of topics and the broker are told as they are", async () => {
  await kafka.broker.createStream({ name: "settings", shardCount: 1, retentionMs: 12_345 });
  const ask = (resourceType: number, resourceName: string, configurationKeys: string[] | null = null) =>
    client.request(DescribeConfigs, { resources: [{ resourceType, resourceName, configurationKeys }] });
  const [topic] = (await ask(2, "settings")).results;
  // As in Kafka, naming none asks for all.
  expect((await ask(2, "settings", [])).results[0]?.configs).toEqual(topic?.configs ?? []);
  const values = Object.fromEntries(topic?.configs.map(({ name, value }) => [name, value]) ?? []);
  expect(values).toMatchObject({
    "retention.ms": "12345",
    "cleanup.policy": "delete",
    "min.insync.replicas": "1",
  });
  const [one] = (await ask(2, "settings", ["retention.ms"])).results;
  expect(one?.configs.length).toBe(1);
  expect((await ask(4, "1")).results[0]?.configs.length).toBeGreaterThan(5);
  expect((await ask(2, "missing")).results[0]?.errorCode).toBe(3);
  expect((await ask(4, "9")).results[0]?.errorCode).toBe(42);
});

test("the cluster is one broker with an id, and coordinates every group and every transaction", async () => {
  const cluster = await client.request(DescribeCluster, { includeClusterAuthorizedOperations: false });
  expect(cluster).toMatchObject({ errorCode: 0, controllerId: 1 });
  expect(cluster.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
  const found = await client.request(FindCoordinator, { coordinatorKeys: ["g"] });
  const here = { errorCode: 0, nodeId: 1, host: "127.0.0.1", port: kafka.port };
  expect(found.coordinators[0]).toMatchObject({ key: "g", ...here });
  for (let version = 0; version <= 3; version++) {
    expect(await client.request(FindCoordinator, { key: "g", coordinatorKeys: [] }, version)).toMatchObject(
      here,
    );
  }
  const transaction = await client.request(FindCoordinator, { keyType: 1, coordinatorKeys: ["t"] });
  expect(transaction.coordinators[0]).toMatchObject({ key: "t", ...here });
  const shares = await client.request(FindCoordinator, { keyType: 2, coordinatorKeys: ["s"] });
  expect(shares.coordinators[0]).toMatchObject({ key: "s", errorCode: 42, nodeId: -1 });
});
