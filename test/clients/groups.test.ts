/**
 * Consumer groups of real clients against the executable: kcat (librdkafka) in a group of three with one killed, kafkajs
 * that commits and comes back, and a kill -9 of the broker between commit and resume.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { OffsetCommit } from "../../src/kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { describeWith } from "../helpers/installed.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import { kcatProduce } from "../helpers/kcat.ts";
import { KcatMember } from "../helpers/kcat-group.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const PARTITIONS = 6;
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const TIMEOUT_MS = 60_000;

let voik: VoikProcess;
beforeAll(async () => {
  voik = await VoikProcess.start({ args: ["--auto-create-shards", String(PARTITIONS)] });
});
afterAll(async () => {
  if (voik.running) await voik.stop();
  await voik[Symbol.asyncDispose]();
});

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i}`, data: Buffer.from(`value-${from + i}`) }));

async function until(what: string, holds: () => boolean, seen: () => unknown): Promise<void> {
  const startedMs = performance.now();
  while (!holds()) {
    if (performance.now() - startedMs > TIMEOUT_MS / 2) {
      throw new Error(`not within time: ${what}; seen ${JSON.stringify(seen())}`);
    }
    await Bun.sleep(20);
  }
}

describeWith("kcat", ["kcat", "-V"], () => {
  test(
    "a group of three shares the partitions; one is killed and the others take over, and no record is missed",
    async () => {
      const topic = "shared";
      await kcatProduce(voik.addresses.kafka, topic, numbered(0, 600));
      const members = [1, 2, 3].map(() => new KcatMember(voik.addresses.kafka, "three", topic));
      const shares = () => members.map(({ assigned }) => assigned);
      const covers = (list: number[][]) =>
        JSON.stringify(list.flat().sort((a, b) => a - b)) === JSON.stringify([0, 1, 2, 3, 4, 5]);
      await until(
        "two partitions each",
        () => covers(shares()) && shares().every(({ length }) => length === 2),
        shares,
      );
      const [victim, ...rest] = members as [KcatMember, KcatMember, KcatMember];
      await victim.kill();
      await kcatProduce(voik.addresses.kafka, topic, numbered(600, 600));
      await until("the others take over", () => covers(rest.map(({ assigned }) => assigned)), shares);
      const values = () => new Set(members.flatMap(({ records }) => records.map(({ value }) => value)));
      await until(
        "every record is read",
        () => values().size === 1200,
        () => values().size,
      );
      for (const member of rest) await member.stop();
    },
    TIMEOUT_MS,
  );

  test(
    "cooperative members keep what they have while others join",
    async () => {
      const topic = "cooperative";
      await kcatProduce(voik.addresses.kafka, topic, numbered(0, 300));
      const options = ["-X", "partition.assignment.strategy=cooperative-sticky"];
      const first = new KcatMember(voik.addresses.kafka, "sticky", topic, options);
      const value = () => first.records.length;
      await until("the first reads everything", () => value() === 300, value);
      const second = new KcatMember(voik.addresses.kafka, "sticky", topic, options);
      await until(
        "the second gets a part",
        () => second.assigned.length > 0,
        () => second.stderr,
      );
      await kcatProduce(voik.addresses.kafka, topic, numbered(300, 300));
      const all = () => [...first.records, ...second.records].map((record) => record.value);
      await until(
        "both read the rest",
        () => new Set(all()).size === 600,
        () => all().length,
      );
      expect(second.records.length).toBeGreaterThan(0);
      await first.stop();
      await second.stop();
    },
    TIMEOUT_MS,
  );

  test(
    "a group goes on where it stopped, also when the broker was killed in between",
    async () => {
      const topic = "resumed";
      await kcatProduce(voik.addresses.kafka, topic, numbered(0, 200));
      const first = new KcatMember(voik.addresses.kafka, "resume", topic);
      await until(
        "all is read",
        () => first.records.length === 200,
        () => first.records.length,
      );
      await first.stop();
      await voik.kill();
      await voik.restart();
      await kcatProduce(voik.addresses.kafka, topic, numbered(200, 200));
      const second = new KcatMember(voik.addresses.kafka, "resume", topic);
      await until(
        "the rest is read",
        () => second.records.length >= 200,
        () => second.records.length,
      );
      await second.stop();
      const values = second.records.map(({ value }) => value).sort();
      expect(values).toEqual(
        numbered(200, 200)
          .map(({ data }) => data.toString())
          .sort(),
      );
    },
    TIMEOUT_MS,
  );
});

describe("kafkajs", () => {
  const open = () =>
    new Kafka({
      clientId: "js",
      brokers: [voik.addresses.kafka],
      logLevel: logLevel.NOTHING,
      retry: { retries: 5 },
    });

  test(
    "a consumer reads, commits, stops, and the next one goes on behind it",
    async () => {
      const topic = "js-group";
      const producer = open().producer();
      await producer.connect();
      const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
      await createTopic(client, topic, 3);
      client.close();
      const send = (from: number, count: number) =>
        producer.send({
          topic,
          acks: -1,
          messages: numbered(from, count).map(({ key, data }) => ({ key, value: data })),
        });

      const consume = async (count: number): Promise<string[]> => {
        const consumer = open().consumer({ groupId: "js", sessionTimeout: 6_000, heartbeatInterval: 300 });
        const values: string[] = [];
        await consumer.connect();
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) });
        await until(
          `${count} records`,
          () => values.length >= count,
          () => values.length,
        );
        await consumer.disconnect();
        return values.sort();
      };
      await send(0, 100);
      expect(await consume(100)).toEqual(
        numbered(0, 100)
          .map(({ data }) => data.toString())
          .sort(),
      );
      await send(100, 50);
      expect(await consume(50)).toEqual(
        numbered(100, 50)
          .map(({ data }) => data.toString())
          .sort(),
      );

      const admin = open().admin();
      await admin.connect();
      const { groups } = await admin.describeGroups(["js"]);
      expect(groups[0]?.state).toBe("Empty");
      const [committed] = await admin.fetchOffsets({ groupId: "js", topics: [topic] });
      const sum = committed?.partitions.reduce((total, { offset }) => total + Number(offset), 0);
      expect(sum).toBe(150);
      await admin.deleteGroups(["js"]);
      expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain("js");
      await admin.disconnect();
      await producer.disconnect();
    },
    TIMEOUT_MS,
  );
});

test(
  "an acknowledged commit survives kill -9, at ten random moments under load",
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    const topic = "committed";
    for (let kill = 0; kill < 10; kill++) {
      const clients = await Promise.all(
        [0, 1, 2, 3].map(() => KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort })),
      );
      if (kill === 0) await createTopic(clients[0] as KafkaClient, topic, 4);
      const before = await fetchAll(clients[0] as KafkaClient, topic);
      const acked = [...before];
      const loads = clients.map(async (client, partition) => {
        for (let offset = (before[partition] ?? 0) + 1; ; offset++) {
          const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: "" }];
          const body = { groupId: `load-${partition}`, memberId: "", topics: [{ name: topic, partitions }] };
          const reply = await client.request(OffsetCommit, body).catch(() => undefined);
          if (!reply) return;
          if (reply.topics[0]?.partitions[0]?.errorCode === 0) acked[partition] = offset;
        }
      });
      await Bun.sleep(20 + (random.uint32() % 100));
      await voik.kill();
      await Promise.all(loads);
      await voik.restart();
      const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
      const found = await fetchAll(client, topic);
      client.close();
      for (const [partition, offset] of found.entries()) {
        expect(offset).toBeGreaterThanOrEqual(acked[partition] as number);
        expect(offset).toBeLessThanOrEqual((acked[partition] as number) + 1);
        expect(acked[partition]).toBeGreaterThan(before[partition] as number);
      }
    }
  },
  TIMEOUT_MS,
);

/** What each of the four groups has committed; 0 where it has not. */
async function fetchAll(client: KafkaClient, topic: string): Promise<number[]> {
  const groups = [0, 1, 2, 3].map((partition) => ({
    groupId: `load-${partition}`,
    topics: [{ name: topic, partitionIndexes: [partition] }],
  }));
  const reply = await client.request(OffsetFetch, { groupId: "", topics: null, groups });
  return reply.groups.map(({ topics }) => Math.max(0, topics[0]?.partitions[0]?.committedOffset ?? 0));
}
