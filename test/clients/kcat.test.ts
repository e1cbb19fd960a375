/** kcat (librdkafka) against the executable: every compression in, both protocols out, bytes and order kept. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { KafkaClient } from "../../src/kafka/client.ts";
import { describeWith, run } from "../helpers/installed.ts";
import { readPartition, topicId } from "../helpers/kafka-records.ts";
import { kcatConsume, kcatProduce, type KcatRecord } from "../helpers/kcat.ts";
import { createStream, kinesisClient, putAll, readStream } from "../helpers/kinesis-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SHARDS = 4;

describeWith("kcat", ["kcat", "-V"], () => {
  let voik: VoikProcess;
  let kinesis: KinesisClient;

  beforeAll(async () => {
    voik = await VoikProcess.start({ args: ["--auto-create-shards", String(SHARDS)] });
    kinesis = kinesisClient(voik.addresses.kinesis);
  });
  afterAll(async () => {
    kinesis?.destroy();
    await voik?.stop();
    await voik?.[Symbol.asyncDispose]();
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"].entries().toArray())(
    "%i: writes with compression %s; Kinesis and kcat read the same bytes, in order per key",
    async (number, codec) => {
      const seed = 101 + codec.length;
      console.log(`records of seed ${seed}`);
      const records = testRecords(seed, 300);
      const topic = `kcat-${codec}`;
      await kcatProduce(voik.addresses.kafka, topic, records, ["-z", codec, "-X", "linger.ms=20"]);

      const throughKafka = await kcatConsume(voik.addresses.kafka, topic);
      expect(byKey(throughKafka)).toEqual(byKey(records));
      expectDenseOffsets(throughKafka, records.length);

      expect(byKey(await readStream(kinesis, topic))).toEqual(byKey(records));
      expect(await compressionsOf(voik, topic)).toContain(number);
    },
    30_000,
  );

  test("reads what was put through Kinesis", async () => {
    const records = testRecords(202, 700);
    await createStream(kinesis, "from-kinesis", SHARDS);
    await putAll(kinesis, "from-kinesis", records);
    const read = await kcatConsume(voik.addresses.kafka, "from-kinesis");
    expect(byKey(read)).toEqual(byKey(records));
    expectDenseOffsets(read, records.length);
  }, 30_000);

  test("checks the checksum of every batch that it reads", async () => {
    const records = testRecords(303, 200, { large: false });
    await kcatProduce(voik.addresses.kafka, "checked", records, ["-z", "lz4"]);
    await createStream(kinesis, "checked-kinesis", 1);
    await putAll(kinesis, "checked-kinesis", records);
    for (const topic of ["checked", "checked-kinesis"]) {
      const read = await kcatConsume(voik.addresses.kafka, topic, ["-X", "check.crcs=true"]);
      expect(byKey(read)).toEqual(byKey(records));
    }
  }, 30_000);

  test("lists the topics", async () => {
    const listing = JSON.parse((await run(["kcat", "-L", "-J", "-b", voik.addresses.kafka])).toString());
    const topics = listing.topics as { topic: string; partitions: unknown[] }[];
    expect(topics.find(({ topic }) => topic === "kcat-none")?.partitions).toHaveLength(SHARDS);
  });
});

/** The compressions of all batches that the topic has. */
async function compressionsOf(voik: VoikProcess, name: string): Promise<number[]> {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  const topic = { name, id: await topicId(client, name) };
  const found = new Set<number>();
  for (let partition = 0; partition < SHARDS; partition++) {
    for (const { compression } of await readPartition(client, topic, partition)) found.add(compression);
  }
  client.close();
  return [...found];
}

/** Offsets are 0, 1, 2, … in each partition, ascending as read, and `total` in all. */
function expectDenseOffsets(records: readonly KcatRecord[], total: number): void {
  const next: number[] = [];
  for (const { partition, offset } of records) {
    expect(offset).toBe(next[partition] ?? 0);
    next[partition] = offset + 1;
  }
  expect(records).toHaveLength(total);
  expect(next.filter((count) => count > 0).length).toBeGreaterThan(0);
}
