/**
 * Idempotent producers against the executable: kcat and kafkajs as they come, and one of our own that keeps five batches
 * in flight, loses its broker to kill -9 again and again, and sends again whatever it has no answer for.
 * VOIK_IDEMPOTENT_KILLS and VOIK_SEED change count and seed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { describeWith } from "../helpers/installed.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import { kcatConsume, kcatProduce } from "../helpers/kcat.ts";
import { OnceProducer } from "../helpers/once-producer.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const KILLS = Number(process.env.VOIK_IDEMPOTENT_KILLS ?? 10);
const PARTITIONS = 2;
const NEW_PRODUCER = { transactionalId: null, transactionTimeoutMs: 0 };

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
    const { producerId } = await client.request(InitProducerId, NEW_PRODUCER);
    const producers = Array.from({ length: PARTITIONS }, (_, i) => new OnceProducer(topic, producerId, i));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = producers.map(({ acked }) => acked);
      const loads = producers.map((producer) => producer.run(client));
      // Each partition has to take what comes again, and go on, before the next kill.
      while (producers.some(({ acked }, i) => acked <= (before[i] as number))) await Bun.sleep(1);
      await Bun.sleep(random.uint32() % 200);
      await voik.kill();
      await Promise.all(loads);
      await voik.restart();
      client = await connect();
    }
    for (const producer of producers) {
      await producer.resend(client);
      await producer.check(client);
    }
    const other = await client.request(InitProducerId, NEW_PRODUCER);
    expect(other.producerId).toBeGreaterThan(producerId);
    const batches = producers.reduce((sum, { sent }) => sum + sent, 0);
    console.log(`${KILLS} kills: ${batches} batches, each once and in order`);
    client.close();
  },
  60_000 + KILLS * 3_000,
);

const connect = () => KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
