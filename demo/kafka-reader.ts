/** Reads a whole stream over Kafka's wire protocol, shard by shard. */
import { KafkaClient } from "../src/kafka/client.ts";
import { Fetch } from "../src/kafka/messages/01-fetch.ts";
import { Metadata } from "../src/kafka/messages/03-metadata.ts";
import { RecordReader } from "../src/log/record.ts";
import { batchBytesOf, nextOffsetOf } from "../src/log/record-batch.ts";
import type { DemoRecord } from "./data-set.ts";

const FETCH_BYTES = 4 * 1024 * 1024;

/** All records of `stream` at `address` ("host:port"), in order within each shard. */
export async function readThroughKafka(address: string, stream: string): Promise<DemoRecord[]> {
  const [host = "", port] = address.split(":");
  const client = await KafkaClient.connect({ host, port: Number(port) });
  try {
    const { topics } = await client.request(Metadata, { topics: [{ name: stream }] });
    const topic = topics[0];
    if (!topic || topic.errorCode !== 0) throw new Error(`no stream ${stream}: error ${topic?.errorCode}`);
    const records: DemoRecord[] = [];
    for (const { partitionIndex } of topic.partitions) {
      await readShard(client, { name: stream, id: topic.topicId, partition: partitionIndex }, records);
    }
    return records;
  } finally {
    client.close();
  }
}

interface ShardAddress {
  name: string;
  id: string;
  partition: number;
}

async function readShard(client: KafkaClient, shard: ShardAddress, into: DemoRecord[]): Promise<void> {
  for (let offset = 0, end = 1; offset < end;) {
    const partition = { partition: shard.partition, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES };
    const reply = await client.request(Fetch, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic: shard.name, topicId: shard.id, partitions: [partition] }],
      forgottenTopicsData: [],
    });
    const fetched = reply.responses[0]?.partitions[0];
    if (!fetched || fetched.errorCode !== 0) throw new Error(`fetch failed: error ${fetched?.errorCode}`);
    end = fetched.highWatermark;
    const batches = fetched.records ?? Buffer.alloc(0);
    for (let at = 0; at < batches.length;) {
      const batch = batches.subarray(at, at + batchBytesOf(batches, at));
      readBatch(batch, into);
      offset = nextOffsetOf(batch);
      at += batch.length;
    }
  }
}

function readBatch(batch: Buffer, into: DemoRecord[]): void {
  const reader = new RecordReader(batch);
  while (reader.next()) {
    into.push({ key: reader.key()?.toString("utf8") ?? "", data: reader.value() ?? Buffer.alloc(0) });
  }
}
