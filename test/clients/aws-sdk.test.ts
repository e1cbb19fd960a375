/** @aws-sdk/client-kinesis with its default transport (HTTP/2 without TLS) against the executable. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-kinesis";
import { KafkaClient } from "../../src/kafka/client.ts";
import { readPartition, topicId } from "../helpers/kafka-records.ts";
import { createStream, kinesisClient, putAll, readStream } from "../helpers/kinesis-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SHARDS = 3;

describe("@aws-sdk/client-kinesis", () => {
  let voik: VoikProcess;
  let client: KinesisClient;

  beforeAll(async () => {
    voik = await VoikProcess.start();
    client = kinesisClient(voik.addresses.kinesis);
  });
  afterAll(async () => {
    client?.destroy();
    await voik?.stop();
    await voik?.[Symbol.asyncDispose]();
  });

  test("puts and gets the same bytes, in order per key, also after a restart", async () => {
    const seed = 11;
    console.log(`records of seed ${seed}`);
    const records = testRecords(seed, 1200);
    await createStream(client, "orders", SHARDS);
    await putAll(client, "orders", records);
    const before = await readStream(client, "orders");
    expect(byKey(before)).toEqual(byKey(records));
    expect(new Set(before.map(({ shard }) => shard)).size).toBe(SHARDS);

    client.destroy();
    await voik.stop();
    await voik.restart();
    client = kinesisClient(voik.addresses.kinesis);
    expect(await readStream(client, "orders")).toEqual(before);
  }, 30_000);

  test("puts one record at a time; each answer names where it lies, a Kafka client finds it there", async () => {
    const records = testRecords(12, 60, { large: false });
    await createStream(client, "one-by-one", SHARDS);
    const placed: string[] = [];
    for (const { key, data } of records) {
      const { ShardId, SequenceNumber } = await client.send(
        new PutRecordCommand({ StreamName: "one-by-one", PartitionKey: key, Data: data }),
      );
      placed.push(`${ShardId} ${SequenceNumber}`);
    }
    const read = await readStream(client, "one-by-one");
    expect(read.map(({ shard, sequenceNumber }) => `${shard} ${sequenceNumber}`).sort()).toEqual(
      placed.sort(),
    );

    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const topic = { name: "one-by-one", id: await topicId(kafka, "one-by-one") };
    for (let shard = 0; shard < SHARDS; shard++) {
      const shardId = `shardId-${String(shard).padStart(12, "0")}`;
      const throughKafka = await readPartition(kafka, topic, shard);
      expect(throughKafka.map(({ key, value }) => [String(key), value?.toString("hex")])).toEqual(
        read.filter((record) => record.shard === shardId).map(({ key, data }) => [key, data.toString("hex")]),
      );
    }
    kafka.close();
  }, 30_000);

  test("reads on from a sequence number and from the end", async () => {
    await createStream(client, "iterators", 1);
    await putAll(client, "iterators", testRecords(13, 10, { large: false }));
    const read = await readStream(client, "iterators");
    const { Shards: [shard] = [] } = await client.send(new ListShardsCommand({ StreamName: "iterators" }));
    const from = async (
      ShardIteratorType: "AFTER_SEQUENCE_NUMBER" | "LATEST",
      StartingSequenceNumber?: string,
    ) => {
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({
          StreamName: "iterators",
          ShardId: shard?.ShardId,
          ShardIteratorType,
          StartingSequenceNumber,
        }),
      );
      return (await client.send(new GetRecordsCommand({ ShardIterator }))).Records ?? [];
    };
    const rest = await from("AFTER_SEQUENCE_NUMBER", read[3]?.sequenceNumber);
    expect(rest.map(({ SequenceNumber }) => SequenceNumber)).toEqual(
      read.slice(4).map(({ sequenceNumber }) => sequenceNumber),
    );
    expect(await from("LATEST")).toEqual([]);
  });

  test("gets AWS's own exception for a stream that is gone", async () => {
    await createStream(client, "gone", 1);
    await client.send(new DeleteStreamCommand({ StreamName: "gone" }));
    const describe = client.send(new DescribeStreamSummaryCommand({ StreamName: "gone" }));
    await expect(describe).rejects.toBeInstanceOf(ResourceNotFoundException);
  });
});
