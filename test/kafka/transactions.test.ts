/** Transactions over the wire, in both manners of Kafka's clients: what is seen when, who is fenced, what is described. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { AddPartitionsToTxn } from "../../src/kafka/messages/24-add-partitions-to-txn.ts";
import { AddOffsetsToTxn } from "../../src/kafka/messages/25-add-offsets-to-txn.ts";
import { EndTxn } from "../../src/kafka/messages/26-end-txn.ts";
import { DescribeProducers } from "../../src/kafka/messages/61-describe-producers.ts";
import { DescribeTransactions } from "../../src/kafka/messages/65-describe-transactions.ts";
import { TxnOffsetCommit } from "../../src/kafka/messages/28-txn-offset-commit.ts";
import { ListTransactions } from "../../src/kafka/messages/66-list-transactions.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";
import { inTransaction } from "../helpers/producers.ts";
import { TimerClock } from "../helpers/timer-clock.ts";
import {
  fetchCommitted,
  type Manner,
  readCommitted,
  type Topic,
  TransactionalProducer,
} from "../helpers/transactional-producer.ts";

const MANNERS: Manner[] = ["announced", "implicit"];
const clock = new TimerClock();
let kafka: TestKafka;
let client: KafkaClient;
let topics = 0;

beforeAll(async () => {
  kafka = await startTestKafka({ onDisk: true, clock, groupLimits: {} });
  client = await kafka.client();
});
afterAll(() => kafka.close());

async function newTopic(shardCount = 1): Promise<Topic> {
  const name = `topic-${++topics}`;
  const { id } = await kafka.broker.createStream({ name, shardCount });
  return { name, id };
}

const values = async (topic: Topic, partition = 0, maxBytes?: number) =>
  (await readCommitted(client, topic, partition, maxBytes)).map(({ value }) => value);

async function committedOffset(groupId: string, { name }: Topic, requireStable = false) {
  const groups = [{ groupId, topics: [{ name, partitionIndexes: [0] }] }];
  const reply = await client.request(OffsetFetch, { groupId: "", topics: [], groups, requireStable }, 8);
  const { committedOffset: offset, errorCode } = reply.groups[0]?.topics[0]?.partitions[0] ?? {};
  return errorCode === 0 ? offset : `error ${errorCode}`;
}

async function latest({ name }: Topic, isolationLevel: number): Promise<number | undefined> {
  const partitions = [{ partitionIndex: 0, timestamp: -1 }];
  const body = { replicaId: -1, isolationLevel, timeoutMs: 1_000, topics: [{ name, partitions }] };
  const reply = await client.request(ListOffsets, body);
  return reply.topics[0]?.partitions[0]?.offset;
}

describe.each(MANNERS)("%s", (manner) => {
  const start = (id: string, timeoutMs?: number) =>
    TransactionalProducer.start(client, id, manner, timeoutMs);

  test("what is committed is seen at the commit, in all partitions, and what is aborted never", async () => {
    const topic = await newTopic(2);
    const producer = await start(`both-${manner}`);
    const seen: string[] = [];
    for (let round = 0; round < 6; round++) {
      await producer.send(topic, 0, [`${round}a`, `${round}b`]);
      await producer.send(topic, 1, [`${round}c`]);
      await producer.send(topic, 0, [`${round}d`]);
      expect(await values(topic)).toEqual(seen);
      expect((await fetchCommitted(client, topic, 0, 0)).highWatermark).toBe(round * 4 + 3);
      await producer.end(round % 2 === 0);
      if (round % 2 === 0) seen.push(`${round}a`, `${round}b`, `${round}d`);
      expect(await values(topic)).toEqual(seen);
      expect(await values(topic, 0, 1)).toEqual(seen);
    }
    expect(await values(topic, 1)).toEqual(["0c", "2c", "4c"]);
  });

  test("a reader of committed records waits for the commit, and starts at the last stable offset", async () => {
    const topic = await newTopic();
    const producer = await start(`waits-${manner}`);
    await producer.send(topic, 0, ["a"]);
    expect(await latest(topic, 0)).toBe(1);
    expect(await latest(topic, 1)).toBe(0);
    const other = await kafka.client();
    const waiting = fetchCommitted(other, topic, 0, 0, { maxWaitMs: 20_000 });
    let answered = false;
    void waiting.then(() => (answered = true));
    await producer.send(topic, 0, ["b"]);
    expect(answered).toBe(false);
    await producer.end(true);
    expect((await waiting).records.map(({ value }) => value)).toEqual(["a", "b"]);
    expect(await latest(topic, 1)).toBe(3);
  });

  test("open transactions of several producers hold back what comes after the first of them", async () => {
    const topic = await newTopic();
    const producers = await Promise.all([1, 2, 3].map((i) => start(`several-${manner}-${i}`)));
    const [first, second, third] = producers as [
      TransactionalProducer,
      TransactionalProducer,
      TransactionalProducer,
    ];
    await first.send(topic, 0, ["1"]);
    await second.send(topic, 0, ["2"]);
    await third.send(topic, 0, ["3"]);
    await second.end(true);
    await third.end(false);
    expect(await values(topic)).toEqual([]);
    await first.end(true);
    expect(await values(topic)).toEqual(["1", "2"]);
  });

  test("offsets of a group become its own at the commit, and never at an abort", async () => {
    const topic = await newTopic();
    const group = `offsets-${manner}`;
    const producer = await start(`offsets-${manner}`);
    await producer.commitOffset(group, topic.name, 0, 5);
    expect(await committedOffset(group, topic)).toBe(-1);
    expect(await committedOffset(group, topic, true)).toBe("error 88");
    await producer.end(true);
    expect(await committedOffset(group, topic, true)).toBe(5);
    await producer.commitOffset(group, topic.name, 0, 9);
    expect(await committedOffset(group, topic)).toBe(5);
    await producer.end(false);
    expect(await committedOffset(group, topic, true)).toBe(5);
  });

  test("a producer that starts under the same id aborts what the one before left, and fences it everywhere", async () => {
    const topic = await newTopic();
    const zombie = await start(`fenced-${manner}`);
    await zombie.send(topic, 0, ["zombie"]);
    const heir = await start(`fenced-${manner}`);
    expect(heir.producerId).toBe(zombie.producerId);
    expect(heir.producerEpoch).toBeGreaterThan(zombie.producerEpoch);
    expect(await latest(topic, 1)).toBe(2);
    await expect(zombie.send(topic, 0, ["late"])).rejects.toThrow("Produce: error 47");
    await expect(zombie.end(true)).rejects.toThrow("EndTxn: error 90");
    await expect(zombie.commitOffset("g", topic.name, 0, 1)).rejects.toThrow(/error (90|47)/);
    await heir.send(topic, 0, ["heir"]);
    await expect(zombie.send(topic, 0, ["later"])).rejects.toThrow("Produce: error 47");
    await heir.end(true);
    expect(await values(topic)).toEqual(["heir"]);
  });

  test("a transaction that takes too long is aborted, and its producer fenced", async () => {
    const topic = await newTopic();
    const producer = await start(`slow-${manner}`, 5_000);
    await producer.send(topic, 0, ["slow"]);
    clock.pass(4_000);
    await producer.send(topic, 0, ["still there"]);
    clock.pass(1_000);
    while ((await latest(topic, 1)) !== 3) await Bun.sleep(1);
    expect(await values(topic)).toEqual([]);
    await expect(producer.send(topic, 0, ["late"])).rejects.toThrow("Produce: error 47");
    await expect(producer.end(true)).rejects.toThrow("EndTxn: error 90");
  });

  test("a transaction that ended in time is left alone, and so is the next one until its own time is up", async () => {
    const topic = await newTopic();
    const producer = await start(`quick-${manner}`, 5_000);
    await producer.send(topic, 0, ["a"]);
    clock.pass(3_000);
    await producer.end(true);
    await producer.send(topic, 0, ["b"]);
    clock.pass(3_000);
    await producer.send(topic, 0, ["c"]);
    await producer.end(true);
    expect(await values(topic)).toEqual(["a", "b", "c"]);
  });
});

test("fenced producers are told by the code that each version knows", async () => {
  const topic = await newTopic();
  const zombie = await TransactionalProducer.start(client, "versions");
  await TransactionalProducer.start(client, "versions");
  const { producerId, producerEpoch } = zombie;
  const identity = { transactionalId: "versions", producerId, producerEpoch };
  for (let version = 0; version <= 4; version++) {
    const fenced = version < 2 ? 47 : 90;
    const end = await client.request(EndTxn, { ...identity, committed: true }, version);
    expect(end.errorCode).toBe(fenced);
    const offsets = await client.request(AddOffsetsToTxn, { ...identity, groupId: "g" }, version);
    expect(offsets.errorCode).toBe(fenced);
  }
  for (let version = 0; version <= 3; version++) {
    const reply = await client.request(
      AddPartitionsToTxn,
      {
        transactions: [],
        v3AndBelowTransactionalId: "versions",
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic.name, partitions: [0] }],
      },
      version,
    );
    const code = reply.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode;
    expect(code).toBe(version < 2 ? 47 : 90);
  }
  for (let version = 3; version <= 5; version++) {
    const body = { ...identity, transactionTimeoutMs: 1_000 };
    const { errorCode } = await client.request(InitProducerId, body, version);
    expect(errorCode).toBe(version < 4 ? 47 : 90);
  }
});

test("what can't be is refused: no id, no such id, too long a timeout, an unknown partition, a second end", async () => {
  const topic = await newTopic();
  const init = async (transactionalId: string, transactionTimeoutMs: number) =>
    (await client.request(InitProducerId, { transactionalId, transactionTimeoutMs })).errorCode;
  expect(await init("", 1_000)).toBe(42);
  expect(await init("x", 900_001)).toBe(50);
  expect(await init("x", 0)).toBe(50);
  expect(await init("y".repeat(1_025), 1_000)).toBe(42);
  const unknown = { transactionalId: "nobody", producerId: 1, producerEpoch: 0, committed: true };
  expect((await client.request(EndTxn, unknown)).errorCode).toBe(49);

  const producer = await TransactionalProducer.start(client, "careless");
  await expect(producer.announce(topic.name, [0, 7])).rejects.toThrow("AddPartitionsToTxn: error 55");
  await expect(producer.announce("missing", [0])).rejects.toThrow("AddPartitionsToTxn: error 3");
  await expect(producer.end(true)).rejects.toThrow("EndTxn: error 48");
  await producer.send(topic, 0, ["a"]);
  await producer.end(true);
  await producer.end(true);
  await expect(producer.end(false)).rejects.toThrow("EndTxn: error 48");
});

test("a partition that was not added is not written to before version 12", async () => {
  const topic = await newTopic();
  const { producerId, producerEpoch } = await TransactionalProducer.start(client, "unannounced");
  const records = inTransaction(batchOf(["a"]), producerId, producerEpoch, 0);
  const topicData = [{ name: topic.name, topicId: topic.id, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: "unannounced", acks: -1, timeoutMs: 1_000, topicData };
  const codeOf = async (version: number) => {
    const reply = await client.request(Produce, body, version);
    return reply.responses[0]?.partitionResponses[0]?.errorCode;
  };
  // KIP-890: version 11 knows TRANSACTION_ABORTABLE, older ones get INVALID_TXN_STATE.
  expect([await codeOf(10), await codeOf(11)]).toEqual([48, 120]);
  expect(kafka.broker.streamByName(topic.name)?.shards[0]?.log.endOffset).toBe(0);
});

test("offsets of a group that was not added are not stored before version 5", async () => {
  const topic = await newTopic();
  const { producerId, producerEpoch } = await TransactionalProducer.start(client, "groupless");
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }];
  const topics = [{ name: topic.name, partitions }];
  const body = { transactionalId: "groupless", groupId: "unadded", producerId, producerEpoch, topics };
  const codeOf = async (version: number) =>
    (await client.request(TxnOffsetCommit, body, version)).topics[0]?.partitions[0]?.errorCode;
  expect([await codeOf(3), await codeOf(4), await codeOf(5)]).toEqual([48, 120, 0]);
});

test("five requests in a row take a partition in by themselves and are stored in their order", async () => {
  const topic = await newTopic(3);
  const producer = await TransactionalProducer.start(client, "pipelined", "implicit");
  for (let round = 0; round < 5; round++) {
    const sent = Array.from({ length: 15 }, (_, i) => producer.send(topic, i % 3, [`${round}/${i}`]));
    await Promise.all(sent);
    await producer.end(true);
  }
  for (let partition = 0; partition < 3; partition++) {
    const expected = Array.from({ length: 5 }, (_, round) =>
      Array.from({ length: 5 }, (__, i) => `${round}/${i * 3 + partition}`),
    );
    expect(await values(topic, partition)).toEqual(expected.flat());
  }
});

test("an implicit producer gets a new epoch from each end, also when it had nothing to end", async () => {
  const topic = await newTopic();
  const producer = await TransactionalProducer.start(client, "bumped", "implicit");
  const epochs = [producer.producerEpoch];
  for (let i = 0; i < 3; i++) {
    if (i !== 1) await producer.send(topic, 0, ["a"]);
    await producer.end(i === 2);
    epochs.push(producer.producerEpoch);
  }
  expect(epochs).toEqual([0, 1, 2, 3]);
});

test("ApiVersions says that both manners are spoken", async () => {
  const reply = await client.request(ApiVersions, {}, 3);
  expect(reply.finalizedFeatures).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: "transaction.version", maxVersionLevel: 2 })]),
  );
  expect(reply.finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0);
});

test("brokers' version of AddPartitionsToTxn adds to many transactions, or only verifies", async () => {
  const topic = await newTopic(2);
  const producer = await TransactionalProducer.start(client, "many");
  const { producerId, producerEpoch } = producer;
  const ask = async (verifyOnly: boolean, partition: number) => {
    const topicsOf = [{ name: topic.name, partitions: [partition] }];
    const one = { transactionalId: "many", producerId, producerEpoch, verifyOnly, topics: topicsOf };
    const reply = await client.request(AddPartitionsToTxn, { transactions: [one], v3AndBelowTopics: [] }, 5);
    return reply.resultsByTransaction[0]?.topicResults[0]?.resultsByPartition[0]?.partitionErrorCode;
  };
  expect(await ask(true, 0)).toBe(48);
  expect(await ask(false, 0)).toBe(0);
  expect(await ask(true, 0)).toBe(0);
  expect(await ask(true, 1)).toBe(48);
});

test("tools see how far transactions are, and who has something open in a partition", async () => {
  const topic = await newTopic(2);
  const producer = await TransactionalProducer.start(client, "described");
  const describeOne = async (id: string) =>
    (await client.request(DescribeTransactions, { transactionalIds: [id] })).transactionStates[0];
  expect(await describeOne("described")).toMatchObject({ errorCode: 0, transactionState: "Empty" });
  expect(await describeOne("nobody")).toMatchObject({ errorCode: 105 });
  await producer.send(topic, 1, ["a"]);
  await producer.send(topic, 1, ["b"]);
  const { producerId, producerEpoch } = producer;
  expect(await describeOne("described")).toMatchObject({
    transactionState: "Ongoing",
    producerId,
    producerEpoch,
    topics: [{ topic: topic.name, partitions: [1] }],
  });
  const list = async (body: object) => {
    const filters = { stateFilters: [], producerIdFilters: [], ...body };
    const { transactionStates, unknownStateFilters } = await client.request(ListTransactions, filters);
    return [...transactionStates.map(({ transactionalId }) => transactionalId), ...unknownStateFilters];
  };
  expect(await list({ producerIdFilters: [producerId] })).toEqual(["described"]);
  expect(await list({ stateFilters: ["Ongoing"], producerIdFilters: [producerId] })).toEqual(["described"]);
  expect(await list({ stateFilters: ["Empty"], producerIdFilters: [producerId] })).toEqual([]);
  expect(await list({ stateFilters: ["Odd"] })).toEqual(["Odd"]);
  clock.pass(500);
  expect(await list({ durationFilter: 400, producerIdFilters: [producerId] })).toEqual(["described"]);
  expect(await list({ durationFilter: 60_000, producerIdFilters: [producerId] })).toEqual([]);
  const producersOf = async (partition: number) => {
    const asked = [{ name: topic.name, partitionIndexes: [partition] }];
    const { topics: found } = await client.request(DescribeProducers, { topics: asked });
    return found[0]?.partitions[0];
  };
  expect(await producersOf(1)).toMatchObject({
    errorCode: 0,
    activeProducers: [{ producerId, producerEpoch, lastSequence: 1, currentTxnStartOffset: 0 }],
  });
  expect(await producersOf(0)).toMatchObject({ errorCode: 0, activeProducers: [] });
  expect(await producersOf(9)).toMatchObject({ errorCode: 3 });
  await producer.end(true);
  expect((await producersOf(1))?.activeProducers[0]?.currentTxnStartOffset).toBe(-1);
  expect(await describeOne("described")).toMatchObject({ transactionState: "CompleteCommit", topics: [] });
});
