/**
 * Transactions of real clients against the executable: kafkajs and confluent-kafka (librdkafka) as they come, each with
 * commits, aborts, offsets in a transaction, and a fenced producer; Kinesis reads what is committed and no more.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { KafkaClient } from "../../src/kafka/client.ts";
import { describeWith, run } from "../helpers/installed.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { TransactionalProducer } from "../helpers/transactional-producer.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const PYTHON = process.env.VOIK_CONFLUENT_PYTHON ?? "/usr/bin/python3";

let voik: VoikProcess;
beforeAll(async () => {
  voik = await VoikProcess.start();
});
afterAll(async () => {
  await voik.stop();
  await voik[Symbol.asyncDispose]();
});

async function throughKinesis(stream: string): Promise<string[]> {
  const kinesis = kinesisClient(voik.addresses.kinesis);
  const records = await readStream(kinesis, stream);
  kinesis.destroy();
  return records.map(({ data }) => String(data));
}

describe("kafkajs", () => {
  test("commits, aborts, sends offsets, and is fenced", async () => {
    const kafka = new Kafka({ brokers: [voik.addresses.kafka], logLevel: logLevel.NOTHING });
    const topic = "kafkajs-transactions";
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const settings = { transactionalId: "kafkajs", maxInFlightRequests: 1, idempotent: true };
    const producer = kafka.producer({ ...settings, transactionTimeout: 10_000 });
    await producer.connect();
    const shown: string[] = [];
    for (let i = 0; i < 9; i++) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: `a-${i}` }, { value: `b-${i}` }] });
      if (i % 3 === 2) {
        await transaction.abort();
        continue;
      }
      await transaction.sendOffsets({
        consumerGroupId: "kafkajs-group",
        topics: [{ topic, partitions: [{ partition: 0, offset: String(i) }] }],
      });
      await transaction.commit();
      shown.push(`a-${i}`, `b-${i}`);
    }
    const offsets = await admin.fetchOffsets({ groupId: "kafkajs-group", topics: [topic] });
    expect(offsets[0]?.partitions[0]?.offset).toBe("7");

    const consumer = kafka.consumer({ groupId: "kafkajs-reader" });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(String(message.value));
          if (seen.length === shown.length) resolve();
        },
      });
    });
    expect(seen).toEqual(shown);
    await consumer.disconnect();

    const open = await producer.transaction();
    await open.send({ topic, messages: [{ value: "zombie" }] });
    const heir = kafka.producer(settings);
    await heir.connect();
    const next = await heir.transaction();
    await next.send({ topic, messages: [{ value: "heir" }] });
    await next.commit();
    await expect(open.commit()).rejects.toThrow();
    expect(await throughKinesis(topic)).toEqual([...shown, "heir"]);
    await Promise.all([producer.disconnect(), heir.disconnect(), admin.disconnect()]);
  }, 60_000);
});

describeWith("confluent-kafka", [PYTHON, "-c", "import confluent_kafka"], () => {
  test("commits, aborts, sends offsets, and is fenced", async () => {
    const script = join(import.meta.dir, "confluent-transactions.py");
    const saw = JSON.parse((await run([PYTHON, script, voik.addresses.kafka])).toString());
    const all = Array.from({ length: 10 }, (_, i) => [`a-${i}`, `b-${i}`]);
    const shown = all.filter((_, i) => i % 3 !== 2).flat();
    expect(saw.seen).toEqual(shown);
    expect(saw.all).toEqual(all.flat());
    expect([saw.before, saw.after]).toEqual([-1001, saw.position]);
    expect(saw.fenced).toBe(true);
    expect(saw.last).toEqual(["with offsets", "heir"]);
    expect(await throughKinesis("librdkafka")).toEqual([...shown, "with offsets", "heir"]);
  }, 60_000);
});

test("a Kinesis reader waits at an open transaction, and passes over one that was aborted", async () => {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  const topic = { name: "kinesis-reads", id: await createTopic(client, "kinesis-reads", 1) };
  const first = await TransactionalProducer.start(client, "kinesis-1", "implicit");
  const second = await TransactionalProducer.start(client, "kinesis-2", "implicit");
  await first.send(topic, 0, ["first"]);
  await second.send(topic, 0, ["second"]);
  await second.end(true);
  expect(await throughKinesis(topic.name)).toEqual([]);
  await first.end(false);
  expect(await throughKinesis(topic.name)).toEqual(["second"]);
  client.close();
}, 20_000);
