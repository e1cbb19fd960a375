/** Streams written and read whole through @aws-sdk/client-kinesis with its default transport (HTTP/2 without TLS). */
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import type { TestRecord } from "./payloads.ts";

const PUT_RECORDS_MAX = 500;
const PUT_BYTES_MAX = 4 * 1024 * 1024;

export function kinesisClient(endpoint: string): KinesisClient {
  return new KinesisClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
}

/** Creates a stream and waits until it can be used. */
export async function createStream(client: KinesisClient, name: string, shards: number): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
  await waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1 }, { StreamName: name });
}

/** Puts all records in order, as few requests as possible. Throws when one of them is refused. */
export async function putAll(
  client: KinesisClient,
  stream: string,
  records: readonly TestRecord[],
): Promise<void> {
  for (let from = 0; from < records.length;) {
    let to = from;
    for (let bytes = 0; to < records.length && to - from < PUT_RECORDS_MAX && bytes < PUT_BYTES_MAX; to++)
      bytes += (records[to] as TestRecord).data.length;
    const { FailedRecordCount } = await client.send(
      new PutRecordsCommand({
        StreamName: stream,
        Records: records.slice(from, to).map(({ key, data }) => ({ PartitionKey: key, Data: data })),
      }),
    );
    if (FailedRecordCount !== 0) throw new Error(`PutRecords: ${FailedRecordCount} records failed`);
    from = to;
  }
}

export interface KinesisRecord extends TestRecord {
  shard: string;
  sequenceNumber: string;
}

/** Every record of the stream, shard by shard from TRIM_HORIZON until each shard says that nothing is behind. */
export async function readStream(client: KinesisClient, stream: string): Promise<KinesisRecord[]> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: stream }));
  const found: KinesisRecord[] = [];
  for (const { ShardId = "" } of Shards) {
    let { ShardIterator: iterator } = await client.send(
      new GetShardIteratorCommand({ StreamName: stream, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
    );
    while (iterator) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      for (const { PartitionKey = "", Data = new Uint8Array(), SequenceNumber = "" } of page.Records ?? [])
        found.push({
          key: PartitionKey,
          data: Buffer.from(Data),
          shard: ShardId,
          sequenceNumber: SequenceNumber,
        });
      if (page.MillisBehindLatest === 0) break;
      iterator = page.NextShardIterator;
    }
  }
  return found;
}
