/**
 * Clients that connect and are gone again, by the ten thousand (BAD-INPUT 49; VOIK_VISITS asks for more): at once, in the
 * middle of a request, of a reply, of a long poll, at both edges. No descriptor, no memory, no connection is left behind,
 * and not a word is in the log.
 */
import {
  CreateStreamCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  type StartingPosition,
} from "@aws-sdk/client-kinesis";
import { expect, test } from "bun:test";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { shardIdOf } from "../../src/kinesis/shard-view.ts";
import { GoodClient } from "../helpers/good-client.ts";
import { frameOf } from "../helpers/kafka.ts";
import { produceBatch } from "../helpers/kafka-records.ts";
import { kinesisClient } from "../helpers/kinesis-records.ts";
import { batchOf } from "../helpers/log.ts";
import { makeTopic, withKafka } from "../helpers/plug.ts";
import { settled } from "../helpers/settled.ts";
import { makeVisits, type Visit } from "../helpers/visit.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

/** At each edge. */
const VISITS = Number(process.env.VOIK_VISITS ?? 2_000);
const TIMEOUT_MS = 60_000 + VISITS * 10;
/** Closed connections wait for the collector; a hundred thousand visits leave no more than a few thousand. */
const GROWTH_BYTES_MAX = 64 << 20;
const BATCH_BYTES = 1_000_000;
const BATCHES = 8;
/** Of replies of a megabyte and a third; hundreds a second. */
const LARGE_VISITS = Math.max(500, VISITS / 10);
/** Twenty at once, and what the collector has not found yet. */
const LARGE_GROWTH_BYTES_MAX = 128 << 20;
/** Of the log, meanwhile. */
const FILES_OPENED_MAX = 4;
/** A reply of GetRecords is longer by a third, and more than a socket takes at once. */
const KINESIS_BATCH_BYTES = 300_000;
const STORED = "stored";
const WRITTEN = "written";
const PUSHED = "pushed";
const PUSHED_SHARDS = 100;
const CONSUMERS = 20;

test(
  "49: Kafka clients that come and go leave nothing behind",
  async () => {
    await using voik = await VoikProcess.start();
    await makeTopic(voik, WRITTEN, 1);
    const topic = await makeTopic(voik, STORED, 1);
    await withKafka(voik, async (client) => {
      for (let i = 0; i < BATCHES; i++)
        await produceBatch(client, topic, 0, batchOf(["x".repeat(BATCH_BYTES)]));
    });
    await leaveNothingBehind(voik, voik.kafkaPort, kafkaVisits());
  },
  TIMEOUT_MS,
);

test(
  "49: Kinesis clients that come and go leave nothing behind",
  async () => {
    await using voik = await VoikProcess.start();
    const client = kinesisClient(voik.addresses.kinesis);
    const port = Number(new URL(voik.addresses.kinesis).port);
    const topic = await makeTopic(voik, STORED, 1);
    await withKafka(voik, (kafka) =>
      produceBatch(kafka, topic, 0, batchOf(["x".repeat(KINESIS_BATCH_BYTES)])),
    );
    await leaveNothingBehind(voik, port, await kinesisVisits(client));
    client.destroy();
  },
  TIMEOUT_MS,
);

test(
  "49: clients that leave in the middle of replies of a megabyte starve nobody and cost little memory",
  async () => {
    await using voik = await VoikProcess.start();
    const client = kinesisClient(voik.addresses.kinesis);
    const topic = await makeTopic(voik, STORED, 1);
    await withKafka(voik, (kafka) => produceBatch(kafka, topic, 0, batchOf(["x".repeat(BATCH_BYTES)])));
    await leaveInTheMiddle(voik, {
      bytes: await getRecordsOf(client),
      untilAnswered: true,
      answer: "HTTP/1.1 200",
    });
    client.destroy();
    await voik.stop();
  },
  TIMEOUT_MS,
);

test(
  "49: subscribers that leave in the middle of events of a megabyte starve nobody and cost little memory",
  async () => {
    await using voik = await VoikProcess.start();
    const client = kinesisClient(voik.addresses.kinesis);
    const subscribe = await subscriptions(client, { Type: "TRIM_HORIZON" });
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: PUSHED }));
    const keys = (Shards ?? []).map((shard) => shard.HashKeyRange?.StartingHashKey);
    const Data = Buffer.alloc(BATCH_BYTES);
    for (let i = 0; i < LARGE_VISITS / CONSUMERS; i++) {
      const record = { PartitionKey: "k", ExplicitHashKey: keys[i % PUSHED_SHARDS], Data };
      const Records = [record, record];
      await client.send(new PutRecordsCommand({ StreamName: PUSHED, Records }));
    }
    await leaveInTheMiddle(voik, { bytes: subscribe, untilAnswered: true, answer: "HTTP/1.1 " });
    client.destroy();
    await voik.stop();
  },
  TIMEOUT_MS,
);

/** Has many visits made whose replies are large, beside a client that wants to be served; looks at what memory they take. */
async function leaveInTheMiddle(voik: VoikProcess, visit: Visit): Promise<void> {
  const good = await GoodClient.start(voik);
  const before = voik.residentBytes();
  await makeVisits(Number(new URL(voik.addresses.kinesis).port), [visit], LARGE_VISITS);
  const growth = voik.peakResidentBytes() - before;
  console.log(`${LARGE_VISITS} visits: resident memory +${(growth / 1e6).toFixed(1)} MB at its peak`);
  expect(growth).toBeLessThan(LARGE_GROWTH_BYTES_MAX);
  await good.moreReplies(100);
  await good.finish();
}

/** Has a tenth of the visits made, so that everything has its size, and then all; looks at what they have left. */
async function leaveNothingBehind(voik: VoikProcess, port: number, kinds: readonly Visit[]): Promise<void> {
  const good = await GoodClient.start(voik);
  await makeVisits(port, kinds, VISITS / 10);
  await settled(voik, () => voik.metric("voik_kafka_connections"), 1);
  const before = { bytes: voik.residentBytes(), descriptors: voik.descriptors() };
  await makeVisits(port, kinds, VISITS);
  await settled(voik, () => voik.metric("voik_kafka_connections"), 1);
  await settled(voik, voik.descriptors.bind(voik), before.descriptors + FILES_OPENED_MAX);
  const growth = voik.residentBytes() - before.bytes;
  console.log(
    `${VISITS} visits to ${port === voik.kafkaPort ? "Kafka" : "Kinesis"}: resident memory ` +
      `${(growth / 1e6).toFixed(1)} MB more, ${voik.descriptors()} descriptors, before ${before.descriptors}`,
  );
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
  expect(voik.stderr.split("\n").filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
  await good.moreReplies(100);
  await good.finish();
  await voik.stop();
}

function kafkaVisits(): Visit[] {
  const topics = (fetchOffset: number) => [
    { topic: STORED, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 2 ** 31 - 1 }] },
  ];
  const wish = { maxWaitMs: 300_000, minBytes: 1, maxBytes: 2 ** 31 - 1, forgottenTopicsData: [] };
  const stored = frameOf(Fetch, 12, { ...wish, topics: topics(0) });
  // The answer to what stands in front of it says that the Fetch is waiting.
  const versions = frameOf(ApiVersions, 0, {});
  const waiting = Buffer.concat([versions, frameOf(Fetch, 12, { ...wish, topics: topics(BATCHES) })]);
  const topicData = [{ name: WRITTEN, partitionData: [{ index: 0, records: batchOf(["left"]) }] }];
  const produce = frameOf(Produce, 9, { acks: -1, timeoutMs: 1_000, topicData });
  return [
    {},
    { bytes: () => produce.subarray(0, produce.length / 2) },
    { bytes: () => produce.subarray(0, 3) },
    { bytes: () => produce },
    { bytes: () => stored, untilAnswered: true },
    { bytes: () => waiting, untilAnswered: true },
  ];
}

async function kinesisVisits(client: KinesisClient): Promise<Visit[]> {
  const subscribe = await subscriptions(client, { Type: "LATEST" });
  const records = (await getRecordsOf(client))();
  return [
    {},
    { bytes: () => records.subarray(0, 60) },
    { bytes: () => records.subarray(0, records.length - 10) },
    { bytes: () => records, untilAnswered: true, answer: "HTTP/1.1 200" },
    // Refused when it comes within five seconds of the last one, with very many visits.
    { bytes: subscribe, untilAnswered: true, answer: "HTTP/1.1 " },
  ];
}

/** Subscriptions to the shards of a new stream, by one consumer after the other, shard by shard. */
async function subscriptions(client: KinesisClient, from: StartingPosition): Promise<() => Buffer> {
  await client.send(new CreateStreamCommand({ StreamName: PUSHED, ShardCount: PUSHED_SHARDS }));
  const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${PUSHED}`;
  const consumers: string[] = [];
  for (let i = 0; i < CONSUMERS; i++) {
    const { Consumer } = await client.send(
      new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: `c${i}` }),
    );
    consumers.push(Consumer?.ConsumerARN ?? "");
  }
  let made = 0;
  // Each consumer and shard in turn: one that was subscribed to may be so again after five seconds.
  return () => {
    const number = made++ % (CONSUMERS * PUSHED_SHARDS);
    return requestOf("SubscribeToShard", {
      ConsumerARN: consumers[number % CONSUMERS],
      ShardId: shardIdOf(Math.floor(number / CONSUMERS)),
      StartingPosition: from,
    });
  };
}

/** A GetRecords of all that is stored. */
async function getRecordsOf(client: KinesisClient): Promise<() => Buffer> {
  const from = { StreamName: STORED, ShardId: shardIdOf(0), ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(from));
  const request = requestOf("GetRecords", { ShardIterator });
  return () => request;
}

/** A request as it goes over HTTP/1.1. */
function requestOf(operation: string, body: object): Buffer {
  const text = JSON.stringify(body);
  const head = [
    "POST / HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/x-amz-json-1.1",
    `X-Amz-Target: Kinesis_20131202.${operation}`,
    `Content-Length: ${text.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`);
}
