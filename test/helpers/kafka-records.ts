/**
 * Topics, produce and fetch through the small Kafka client (src/kafka/client.ts), for tests that look at every
 * record: whole shards read strictly, each batch's checksum checked here, not by the server.
 */
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { CreateTopics } from "../../src/kafka/messages/19-create-topics.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf, compressionOf, isIntactBatch, producerIdOf } from "../../src/log/record-batch.ts";

const FETCH_BYTES_MAX = 8 * 1024 * 1024;
const EARLIEST = -2;
const LATEST = -1;

export interface ReadRecord {
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  timestampMs: number;
  /** Of its batch: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  compression: number;
  /** Of its batch; -1 where the producer was not idempotent. */
  producerId: number;
}

/** Creates a topic; throws on any error code. Resolves to its id, 32 hex digits. */
export async function createTopic(client: KafkaClient, name: string, partitions: number): Promise<string> {
  const { topics } = await client.request(CreateTopics, {
    topics: [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  });
  if (topics[0]?.errorCode !== 0) throw new Error(`CreateTopics ${name}: error ${topics[0]?.errorCode}`);
  return topicId(client, name);
}

/** The id of a topic, 32 hex digits. */
export async function topicId(client: KafkaClient, name: string): Promise<string> {
  const { topics } = await client.request(Metadata, { topics: [{ name }], allowAutoTopicCreation: false });
  if (topics[0]?.errorCode !== 0) throw new Error(`Metadata ${name}: error ${topics[0]?.errorCode}`);
  return topics[0].topicId;
}

/** Sends one batch with acks=all; resolves to its base offset. Throws on any error code. */
export async function produceBatch(
  client: KafkaClient,
  topic: { name: string; id: string },
  partition: number,
  batch: Buffer,
): Promise<number> {
  const { responses } = await client.request(Produce, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      { name: topic.name, topicId: topic.id, partitionData: [{ index: partition, records: batch }] },
    ],
  });
  const outcome = responses[0]?.partitionResponses[0];
  if (outcome?.errorCode !== 0)
    throw new Error(`Produce: error ${outcome?.errorCode} ${outcome?.errorMessage}`);
  return outcome.baseOffset;
}

/** Start and end offset of a partition, as ListOffsets tells them. */
export async function offsetsOf(
  client: KafkaClient,
  name: string,
  partition: number,
): Promise<[number, number]> {
  const at = async (timestamp: number): Promise<number> => {
    const { topics } = await client.request(ListOffsets, {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 10_000,
      topics: [{ name, partitions: [{ partitionIndex: partition, timestamp }] }],
    });
    const found = topics[0]?.partitions[0];
    if (found?.errorCode !== 0)
      throw new Error(`ListOffsets ${name}-${partition}: error ${found?.errorCode}`);
    return found.offset;
  };
  return [await at(EARLIEST), await at(LATEST)];
}

/**
 * Every record of a partition from its start to its end, in the order in which Fetch gives them. Throws on a broken
 * batch, and when Fetch stops before the end offset that ListOffsets tells of.
 */
export async function readPartition(
  client: KafkaClient,
  topic: { name: string; id: string },
  partition: number,
): Promise<ReadRecord[]> {
  const [start, end] = await offsetsOf(client, topic.name, partition);
  const records: ReadRecord[] = [];
  for (let next = start; next < end; next = (records.at(-1) as ReadRecord).offset + 1) {
    const found = await fetchRecords(client, topic, partition, next);
    if (found.length === 0) throw new Error(`${topic.name}-${partition}: Fetch gives nothing at ${next}`);
    records.push(...found);
  }
  return records;
}

export interface FetchOptions {
  /** How long to wait at the end of the partition. Default 0. */
  maxWaitMs?: number;
  /** Default 8 MiB; 1 gives a single batch. */
  maxBytes?: number;
}

/**
 * The records that one Fetch gives from `offset` on; none at the end of the partition. Throws on a broken batch and
 * on any error code.
 */
export async function fetchRecords(
  client: KafkaClient,
  topic: { name: string; id: string },
  partition: number,
  offset: number,
  options: FetchOptions = {},
): Promise<ReadRecord[]> {
  const bytes = await fetchBytes(client, topic, partition, offset, options);
  const records: ReadRecord[] = [];
  for (let at = 0; at + 12 <= bytes.length;) {
    const batch = bytes.subarray(at, at + batchBytesOf(bytes, at));
    at += batchBytesOf(bytes, at);
    if (at > bytes.length) break; // Fetch may cut its last batch short
    if (!isIntactBatch(batch))
      throw new Error(`${topic.name}-${partition}: a broken batch at offset ${offset}`);
    const reader = new RecordReader(batch);
    while (reader.next()) {
      if (reader.offset < offset) continue; // Fetch gives the whole batch that holds the offset
      const { timestampMs } = reader;
      const compression = compressionOf(batch);
      records.push({
        offset: reader.offset,
        key: reader.key(),
        value: reader.value(),
        timestampMs,
        compression,
        producerId: producerIdOf(batch),
      });
    }
  }
  return records;
}

async function fetchBytes(
  client: KafkaClient,
  topic: { name: string; id: string },
  partition: number,
  fetchOffset: number,
  { maxWaitMs = 0, maxBytes = FETCH_BYTES_MAX }: FetchOptions,
): Promise<Buffer> {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: maxBytes }];
  const reply = await client.request(Fetch, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: [{ topic: topic.name, topicId: topic.id, partitions }],
    forgottenTopicsData: [],
  });
  const found = reply.responses[0]?.partitions[0];
  const error = reply.errorCode || found?.errorCode;
  if (error !== 0) throw new Error(`Fetch ${topic.name}-${partition} at ${fetchOffset}: error ${error}`);
  return (found?.records as Buffer | null | undefined) ?? Buffer.alloc(0);
}
