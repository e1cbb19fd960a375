/** InitProducerId, and what batches of idempotent producers are answered over the wire. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";
import { openMemoryBroker } from "../helpers/memory-broker.ts";
import { ofProducer } from "../helpers/producers.ts";

let kafka: TestKafka;
let client: KafkaClient;
let topicId: string;

beforeAll(async () => {
  kafka = await startTestKafka({ onDisk: true });
  client = await kafka.client();
  ({ id: topicId } = await kafka.broker.createStream({ name: "once", shardCount: 2 }));
});
afterAll(() => kafka.close());

async function newProducer(version?: number): Promise<number> {
  const body = { transactionalId: null, transactionTimeoutMs: 0 };
  const reply = await client.request(InitProducerId, body, version);
  expect(reply).toMatchObject({ errorCode: 0, producerEpoch: 0 });
  return reply.producerId;
}

async function send(
  id: number,
  epoch: number,
  sequence: number,
  index = 0,
  to = { name: "once", id: topicId },
) {
  const records = ofProducer(batchOf([`${id}/${sequence}`]), id, epoch, sequence);
  const topicData = [{ name: to.name, topicId: to.id, partitionData: [{ index, records }] }];
  const reply = await client.request(Produce, { acks: -1, timeoutMs: 1000, topicData });
  const { errorCode, baseOffset, errorMessage } = reply.responses[0]?.partitionResponses[0] ?? {};
  return { errorCode, baseOffset, errorMessage };
}

test("each producer gets an id of its own, in every version", async () => {
  const ids = new Set<number>();
  for (let i = 0; i < 2_500; i++) ids.add(await newProducer(i % 6));
  expect(ids.size).toBe(2_500);
});

test("a batch that is sent again is answered with its old offset; gaps, old epochs and old batches by their codes", async () => {
  const id = await newProducer();
  for (let sequence = 0; sequence < 6; sequence++) {
    expect(await send(id, 0, sequence)).toMatchObject({ errorCode: 0, baseOffset: sequence });
  }
  expect(await send(id, 0, 3)).toMatchObject({ errorCode: 0, baseOffset: 3 });
  expect(await send(id, 0, 0)).toMatchObject({ errorCode: 46, baseOffset: -1 });
  expect(await send(id, 0, 7)).toMatchObject({
    errorCode: 45,
    errorMessage: `producer ${id}: sequence 7 came, 6 should`,
  });
  expect(await send(id, 1, 0)).toMatchObject({ errorCode: 0, baseOffset: 6 });
  expect(await send(id, 0, 6)).toMatchObject({ errorCode: 47 });
  expect(await send(id, 1, 1, 1)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect(kafka.broker.streamByName("once")?.shards[0]?.log.endOffset).toBe(7);
});

test("a shard that was split takes no new batch, but answers what it has with its old offset", async () => {
  const stream = await kafka.broker.createStream({ name: "closing", shardCount: 1 });
  const id = await newProducer();
  const sendThere = (sequence: number) => send(id, 0, sequence, 0, stream);
  expect(await sendThere(0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  await kafka.broker.reshard(stream, { kind: "split", shard: 0, at: 1n << 127n });
  expect(await sendThere(0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect(await sendThere(1)).toMatchObject({ errorCode: 44 });
  expect(await sendThere(7)).toMatchObject({ errorCode: 44 });
  expect(stream.shards[0]?.log.endOffset).toBe(1);
});

test("five batches in one burst are stored in order, sent again in another they are not", async () => {
  const id = await newProducer();
  const burst = () => Promise.all([0, 1, 2, 3, 4].map((sequence) => send(id, 0, sequence, 1)));
  const first = await burst();
  expect(first.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0, 0]);
  expect(await burst()).toEqual(first);
});

test("ids are not given out again by a broker that did not end well", async () => {
  const { broker, dataDir, logs, close } = await openMemoryBroker();
  const before = broker.newProducerId();
  const again = await openMemoryBroker({ dataDir, openLog: logs.open });
  expect(again.broker.newProducerId()).toBeGreaterThan(before);
  await again.broker.close();
  await close();
});
