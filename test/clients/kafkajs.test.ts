/** A kafkajs producer (Kafka's client for JavaScript) against the executable, read through Kinesis and Fetch. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { CompressionTypes, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { KafkaClient } from "../../src/kafka/client.ts";
import { readPartition, topicId } from "../helpers/kafka-records.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const PARTITIONS = 3;

describe("kafkajs", () => {
  let voik: VoikProcess;
  let producer: Producer;
  let kafka: Kafka;
  let kinesis: KinesisClient;

  beforeAll(async () => {
    voik = await VoikProcess.start();
    kinesis = kinesisClient(voik.addresses.kinesis);
    kafka = new Kafka({ brokers: [voik.addresses.kafka], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
  });
  afterAll(async () => {
    await producer?.disconnect();
    kinesis?.destroy();
    await voik?.stop();
    await voik?.[Symbol.asyncDispose]();
  });

  test.each([
    ["none", CompressionTypes.None],
    ["gzip", CompressionTypes.GZIP],
  ])(
    "creates a topic and writes with compression %s; both protocols read the same",
    async (name, compression) => {
      const seed = 41 + compression;
      console.log(`records of seed ${seed}`);
      const records = testRecords(seed, 300);
      const topic = `kafkajs-${name}`;
      const admin = kafka.admin();
      await admin.connect();
      expect(await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] })).toBe(true);
      await admin.disconnect();

      for (let from = 0; from < records.length; from += 60) {
        const messages = records.slice(from, from + 60).map(({ key, data }) => ({ key, value: data }));
        const sent = await producer.send({ topic, compression, acks: -1, messages });
        expect(sent.every(({ errorCode }) => errorCode === 0)).toBe(true);
      }
      expect(byKey(await readStream(kinesis, topic))).toEqual(byKey(records));

      const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
      const found = { name: topic, id: await topicId(client, topic) };
      const throughKafka = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const read = await readPartition(client, found, partition);
        expect(read.map(({ offset }) => offset)).toEqual(read.map((_, i) => i));
        for (const { key, value } of read)
          throughKafka.push({ key: String(key), data: value ?? Buffer.alloc(0) });
      }
      client.close();
      expect(byKey(throughKafka)).toEqual(byKey(records));
    },
    30_000,
  );

  test("keeps headers, null values and its own timestamps", async () => {
    const topic = "kafkajs-details";
    const timestampMs = Date.now() - 3_600_000;
    await producer.send({
      topic,
      messages: [
        { key: "k", value: "v", headers: { trace: "abc" }, timestamp: String(timestampMs) },
        { key: "k", value: null },
      ],
    });
    const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const read = await readPartition(client, { name: topic, id: await topicId(client, topic) }, 0);
    client.close();
    expect(read.map(({ value }) => value?.toString())).toEqual(["v", undefined]);
    expect(read[0]?.timestampMs).toBe(timestampMs);
    expect((await readStream(kinesis, topic)).map(({ data }) => data.toString())).toEqual(["v", ""]);
  }, 30_000);
});
