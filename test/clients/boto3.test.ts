/** boto3 from Debian against the executable: bytes in equal bytes out, through boto3 and through Kafka. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { KafkaClient } from "../../src/kafka/client.ts";
import { AWS_ENV, describeWith, run } from "../helpers/installed.ts";
import { readPartition, topicId } from "../helpers/kafka-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const PYTHON = "/usr/bin/python3";
const SHARDS = 2;

interface Answer {
  records: { shard: string; sequenceNumber: string; arrivedAt: number; key: string; data: string }[];
  missing: string;
}

describeWith("boto3", [PYTHON, "-c", "import boto3"], () => {
  test("puts and reads back, pages of 50, order kept per key; Kafka reads the same", async () => {
    await using voik = await VoikProcess.start();
    const seed = 31;
    console.log(`records of seed ${seed}`);
    const records = testRecords(seed, 400);
    const input = Buffer.from(
      JSON.stringify(records.map(({ key, data }) => ({ key, data: data.toString("base64") }))),
    );
    const script = join(import.meta.dir, "boto3-client.py");
    const startedAtMs = Date.now();
    const command = [PYTHON, script, voik.addresses.kinesis, "boto3", String(SHARDS)];
    const answer: Answer = JSON.parse((await run(command, { env: AWS_ENV, input })).toString());

    const read = answer.records.map(({ key, data }) => ({ key, data: Buffer.from(data, "base64") }));
    expect(byKey(read)).toEqual(byKey(records));
    expect(new Set(answer.records.map(({ sequenceNumber }) => sequenceNumber)).size).toBe(records.length);
    expect(answer.missing).toBe("ResourceNotFoundException");
    for (const { arrivedAt } of answer.records) {
      expect(arrivedAt * 1000).toBeGreaterThanOrEqual(startedAtMs - 1);
      expect(arrivedAt * 1000).toBeLessThanOrEqual(Date.now());
    }

    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const topic = { name: "boto3", id: await topicId(kafka, "boto3") };
    const throughKafka = [];
    for (let partition = 0; partition < SHARDS; partition++) {
      for (const { key, value } of await readPartition(kafka, topic, partition))
        throughKafka.push({ key: String(key), data: value ?? Buffer.alloc(0) });
    }
    kafka.close();
    expect(byKey(throughKafka)).toEqual(byKey(records));
    await voik.stop();
  }, 60_000);
});
