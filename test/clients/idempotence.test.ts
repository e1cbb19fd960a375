/**
 * Idempotent producers against the executable: kcat and kafkajs as they come, and one of our own that keeps five batches
 * in flight, loses its broker to kill -9 again and again, and sends again whatever it has no answer for.
 * VOIK_IDEMPOTENT_KILLS and VOIK_SEED change count and seed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { describeWith } from "../helpers/installed.ts";
import { createTopic, readPartition, topicId } from "../helpers/kafka-records.ts";
import { kcatConsume, kcatProduce } from "../helpers/kcat.ts";
import { batchOf } from "../helpers/log.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { ofProducer } from "../helpers/producers.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const KILLS = Number(process.env.VOIK_IDEMPOTENT_KILLS ?? 10);
const PARTITIONS = 2;
const IN_FLIGHT = 5;

let voik: VoikProcess;
beforeAll(async () => {
  voik = await VoikProcess.start({ args: ["--segment-bytes", "1MiB"] });
});
afterAll(async () => {
  if (voik.running) await voik.stop();
  await voik[Symbol.asyncDispose]();
});

describeWith("kcat", ["kcat", "-V"], () => {
  test("writes with enable.idempotence", async () => {
    const records = testRecords(404, 500);
    const options = ["-X", "enable.idempotence=true", "-X", "linger.ms=1", "-X", "batch.num.messages=20"];
    await kcatProduce(voik.addresses.kafka, "kcat-once", records, options);
    expect(byKey(await kcatConsume(voik.addresses.kafka, "kcat-once"))).toEqual(byKey(records));
  }, 30_000);
});

describe("kafkajs", () => {
  test("writes with idempotent: true", async () => {
    const kafka = new Kafka({ brokers: [voik.addresses.kafka], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (let i = 0; i < 20; i++) {
      const [sent] = await producer.send({ topic: "js-once", messages: [{ value: `${i}` }] });
      expect(sent).toMatchObject({ errorCode: 0, baseOffset: String(i) });
    }
    await producer.disconnect();
  }, 30_000);
});

test(
  "under kill -9 every batch is stored once and in order, whatever was in flight",
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    let client = await connect();
    const topic = { name: "killed-once", id: await createTopic(client, "killed-once", PARTITIONS) };
    const producer = await client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 });
    /** For each partition the first sequence without an answer, and the one after the last that was sent. */
    const acked = Array.from({ length: PARTITIONS }, () => 0);
    const sent = Array.from({ length: PARTITIONS }, () => 0);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = [...acked];
      const loads = acked.map((_, partition) =>
        load(client, topic, producer.producerId, partition, acked, sent),
      );
      // Each partition has to take what comes again, and go on, before the next kill.
      while (acked.some((count, partition) => count <= (before[partition] as number))) await Bun.sleep(1);
      await Bun.sleep(random.uint32() % 200);
      await voik.kill();
      await Promise.all(loads);
      await voik.restart();
      client = await connect();
    }
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let sequence = acked[partition] as number; sequence < (sent[partition] as number); sequence++) {
        expect(await send(client, topic, producer.producerId, partition, sequence)).toBe(sequence);
      }
      const read = await readPartition(
        client,
        { name: topic.name, id: await topicId(client, topic.name) },
        partition,
      );
      expect(read.map(({ value }) => String(value))).toEqual(
        Array.from({ length: sent[partition] as number }, (_, sequence) => `${partition}/${sequence}`),
      );
    }
    const other = await client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 });
    expect(other.producerId).toBeGreaterThan(producer.producerId);
    console.log(
      `${KILLS} kills: ${sent.reduce((sum, count) => sum + count, 0)} batches, each once and in order`,
    );
    client.close();
  },
  60_000 + KILLS * 3_000,
);

const connect = () => KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });

/** Sends again what has no answer, then goes on, five batches at a time, until the connection ends. */
async function load(
  client: KafkaClient,
  topic: { name: string; id: string },
  id: number,
  partition: number,
  acked: number[],
  sent: number[],
): Promise<void> {
  let next = acked[partition] as number;
  const worker = async () => {
    for (;;) {
      const sequence = next++;
      sent[partition] = Math.max(sent[partition] as number, next);
      const offset = await send(client, topic, id, partition, sequence).catch(() => undefined);
      if (offset === undefined) return;
      expect(offset).toBe(sequence);
      acked[partition] = Math.max(acked[partition] as number, sequence + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** One batch of one record; resolves to its offset, or to an error code below 0. */
async function send(
  client: KafkaClient,
  topic: { name: string; id: string },
  id: number,
  partition: number,
  sequence: number,
): Promise<number> {
  const records = ofProducer(batchOf([`${partition}/${sequence}`]), id, 0, sequence);
  const topicData = [{ name: topic.name, topicId: topic.id, partitionData: [{ index: partition, records }] }];
  const reply = await client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData });
  const result = reply.responses[0]?.partitionResponses[0];
  if (result?.errorCode !== 0) return -(result?.errorCode ?? 1);
  return result.baseOffset;
}
