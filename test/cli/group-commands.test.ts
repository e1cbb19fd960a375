/** The group commands against a running voik, with kafkajs in the group. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { KafkaClient } from "../../src/kafka/client.ts";
import { ConsumerGroupHeartbeat } from "../../src/kafka/messages/68-consumer-group-heartbeat.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { runCli } from "./run-cli.ts";

let voik: VoikProcess;
const cli = (...args: string[]) => runCli([...args, "--broker", voik.addresses.kafka]);

beforeAll(async () => {
  voik = await VoikProcess.start();
});
afterAll(() => voik[Symbol.asyncDispose]());

test("a group is listed and described with its lag while it reads, then reset and deleted", async () => {
  const kafka = new Kafka({ brokers: [voik.addresses.kafka], clientId: "cli", logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "read", numPartitions: 2 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: 10 }, (_, i) => ({ value: `${i}`, partition: i % 2 }));
  await producer.send({ topic: "read", messages });

  const consumer = kafka.consumer({ groupId: "g", sessionTimeout: 6_000, heartbeatInterval: 500 });
  await consumer.connect();
  await consumer.subscribe({ topics: ["read"], fromBeginning: true });
  let read = 0;
  const all = Promise.withResolvers<void>();
  await consumer.run({ eachMessage: async () => void (++read === 10 && all.resolve()) });
  await all.promise;
  expect((await cli("group", "list")).stdout).toBe("g\tStable\n");
  const busy = JSON.parse((await cli("group", "describe", "g", "--json")).stdout);
  expect(busy).toMatchObject({ name: "g", state: "Stable", members: [{ client: "cli", host: "127.0.0.1" }] });
  expect(busy.shards.map(({ member }: { member: string }) => member)).toEqual([
    busy.members[0].id,
    busy.members[0].id,
  ]);
  const refused = await cli("group", "reset", "g", "read", "--to", "earliest");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("stop its consumers first")]);
  expect((await cli("group", "delete", "g")).code).toBe(1);
  await consumer.disconnect();

  await producer.send({ topic: "read", messages });
  const lags = async () => {
    const { shards } = JSON.parse((await cli("group", "describe", "g", "--json")).stdout);
    return shards.map((shard: { committed: number; lag: number }) => [shard.committed, shard.lag]);
  };
  expect(await lags()).toEqual([
    [5, 5],
    [5, 5],
  ]);
  await producer.disconnect();
  expect((await cli("group", "reset", "g", "read", "--to", "3", "--shard", "1")).stdout).toBe(
    "read shard 1: 3\n",
  );
  expect(await lags()).toEqual([
    [5, 5],
    [3, 7],
  ]);
  await cli("group", "reset", "g", "read", "--to", "latest");
  expect(await lags()).toEqual([
    [10, 0],
    [10, 0],
  ]);
  await cli("group", "reset", "g", "read", "--to", "1h");
  expect(await lags()).toEqual([
    [0, 10],
    [0, 10],
  ]);
  const text = (await cli("group", "describe", "g")).stdout;
  expect(text).toContain("g  Empty, 0 members\n");
  expect(text).toMatch(/read +1 +0 +10 +10 +-\n/);
  expect((await cli("group", "delete", "g")).stdout).toBe("deleted g\n");
  expect((await cli("group", "list")).stdout).toBe("");
}, 60_000);

test("what can't be done is said in one line", async () => {
  for (const [args, code, line] of [
    [["group", "describe", "nobody"], 1, "there is no group nobody"],
    [["group", "delete", "nobody"], 1, "there is no group nobody"],
    [["group", "reset", "g", "nowhere", "--to", "latest"], 1, "there is no stream nowhere"],
    [["group", "reset", "g", "read", "--to", "sometime"], 64, "--to takes"],
    [["group", "reset", "g", "read", "--to", "1", "--shard", "9"], 1, "has no shard 9"],
  ] as [string[], number, string][]) {
    const { code: got, stderr } = await cli(...args);
    expect([got, stderr]).toEqual([code, expect.stringContaining(line)]);
  }
}, 30_000);

test("a group that the broker assigns (KIP-848) is listed and described like any other", async () => {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  await createTopic(client, "modern", 2);
  const joined = await client.request(ConsumerGroupHeartbeat, {
    groupId: "modern-group",
    memberId: "m1",
    memberEpoch: 0,
    rebalanceTimeoutMs: 1000,
    subscribedTopicNames: ["modern"],
    topicPartitions: [],
  });
  expect(joined.errorCode).toBe(0);
  expect((await cli("group", "list")).stdout).toContain("modern-group\tStable\n");
  const described = JSON.parse((await cli("group", "describe", "modern-group", "--json")).stdout);
  const shard = { stream: "modern", committed: null, end: 0, lag: null, member: "m1" };
  expect(described).toEqual({
    name: "modern-group",
    state: "Stable",
    members: [{ id: "m1", client: "voik", host: "127.0.0.1" }],
    shards: [
      { ...shard, shard: 0 },
      { ...shard, shard: 1 },
    ],
  });
  expect((await cli("group", "delete", "modern-group")).code).toBe(1);
  client.close();
}, 20_000);

test("voik consume --group reads on from where the group is, shares with other members, and commits", async () => {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  await createTopic(client, "shared", 2);
  client.close();
  const lines = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `k${from + i}:v${from + i}\n`);
  const produce = (from: number, count: number) =>
    runCli(["produce", "shared", "--key-separator", ":", "--broker", voik.addresses.kafka], {
      stdin: lines(from, count).join(""),
    });
  const consume = (...more: string[]) => cli("consume", "shared", "--group", "readers", ...more);
  await produce(0, 20);
  const some = (await consume("--count", "5")).stdout.trim().split("\n");
  const rest = (await consume()).stdout.trim().split("\n");
  expect(some.length).toBe(5);
  expect(new Set([...some, ...rest]).size).toBe(20);
  expect(some.length + rest.length).toBe(20);
  const [one, other] = [consume("--follow", "--count", "20"), consume("--follow", "--count", "20")];
  let members = 0;
  while (members < 2) {
    const { stdout } = await cli("group", "describe", "readers", "--json");
    members = new Set(JSON.parse(stdout).shards.map(({ member }: { member: string }) => member)).size;
    if (!stdout.includes('"state":"Stable"')) members = 0;
  }
  await produce(20, 200);
  const read = (await Promise.all([one, other])).flatMap(({ stdout }) => stdout.trim().split("\n"));
  expect(read.length).toBe(40);
  expect(new Set(read).size).toBe(40);
  expect((await cli("consume", "shared", "--group", "readers", "--shard", "1")).code).toBe(64);
}, 60_000);
