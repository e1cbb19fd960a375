/** Wishes that cost the client nothing and the broker much, again and again (BAD-INPUT 50): the limits hold. */
import { afterEach, expect, test } from "bun:test";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { JoinGroup } from "../../src/kafka/messages/11-join-group.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";
import { ofProducer } from "../helpers/producers.ts";

const POLICY_VIOLATION = 44;
const INVALID_PARTITIONS = 37;
const MEMBER_ID_REQUIRED = 79;
/** Of openMemoryBroker. */
const SHARDS_MAX = 1_000;
const GROUPS_MAX = 20;
/** As many as a shard remembers (producer-state.ts). */
const PRODUCERS_MAX = 5_000;
const PRODUCERS = 12_000;
const TIMEOUT_MS = 60_000;

let kafka: TestKafka | undefined;
afterEach(() => kafka?.close());

async function start(options: Parameters<typeof startTestKafka>[0] = {}) {
  kafka = await startTestKafka({ autoCreateStreams: false, ...options });
  return { kafka, client: await kafka.client() };
}

test(
  "a topic of 2^31 - 1 partitions is refused, and the shards of all topics have a limit",
  async () => {
    const { kafka, client } = await start();
    const create = async (names: string[], numPartitions: number) => {
      const topics = names.map((name) => ({
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }));
      const reply = await client.request(CreateTopics, { topics, timeoutMs: 10_000 }, 7);
      return reply.topics.map(({ errorCode }) => errorCode);
    };
    expect([INVALID_PARTITIONS, POLICY_VIOLATION]).toContain(
      (await create(["huge"], 2 ** 31 - 1))[0] as number,
    );
    const names = Array.from({ length: SHARDS_MAX + 50 }, (_, i) => `t${i}`);
    const codes = await create(names, 1);
    expect(codes.filter((code) => code === 0)).toHaveLength(SHARDS_MAX);
    expect(codes.filter((code) => code === POLICY_VIOLATION)).toHaveLength(50);
    const all = await client.request(Metadata, { topics: null }, 9);
    expect(all.topics).toHaveLength(SHARDS_MAX);
    await kafka.broker.deleteStream("t0");
    expect(await create(["one-more", "and-another"], 1)).toEqual([0, POLICY_VIOLATION]);
  },
  TIMEOUT_MS,
);

test("groups have a limit, and those that are there go on", async () => {
  const { client } = await start({ groupLimits: { groupsMax: GROUPS_MAX } });
  const join = async (groupId: string) => {
    const protocols = [{ name: "range", metadata: Buffer.from("m") }];
    const member = {
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      protocolType: "consumer",
    };
    const reply = await client.request(JoinGroup, { groupId, ...member, protocols }, 7);
    return reply.errorCode;
  };
  const codes: number[] = [];
  for (let i = 0; i < GROUPS_MAX + 5; i++) codes.push(await join(`g${i}`));
  expect(codes.slice(0, GROUPS_MAX)).toEqual(Array.from({ length: GROUPS_MAX }, () => MEMBER_ID_REQUIRED));
  expect(codes.slice(GROUPS_MAX)).toEqual(Array.from({ length: 5 }, () => POLICY_VIOLATION));
  expect(await join("g0")).toBe(MEMBER_ID_REQUIRED);
});

test(
  "of very many producers a shard remembers those that wrote last",
  async () => {
    const { kafka, client } = await start({ onDisk: true });
    await kafka.broker.createStream({ name: "orders", shardCount: 1 });
    const ids = new Set<number>();
    const write = async () => {
      const { producerId } = await client.request(
        InitProducerId,
        { transactionalId: null, transactionTimeoutMs: 1_000 },
        4,
      );
      ids.add(producerId);
      const records = ofProducer(batchOf(["a"]), producerId, 0, 0);
      const topicData = [{ name: "orders", partitionData: [{ index: 0, records }] }];
      const reply = await client.request(Produce, { acks: -1, timeoutMs: 10_000, topicData }, 9);
      expect(reply.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    };
    for (let i = 0; i < PRODUCERS; i += 100) await Promise.all(Array.from({ length: 100 }, write));
    expect(ids.size).toBe(PRODUCERS);
    const known = kafka.broker.streamByName("orders")?.shards[0]?.log.producers() ?? [];
    expect(known.length).toBeGreaterThan(PRODUCERS_MAX / 2);
    expect(known.length).toBeLessThanOrEqual(PRODUCERS_MAX);
  },
  TIMEOUT_MS,
);
