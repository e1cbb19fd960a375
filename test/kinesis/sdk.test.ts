/** AWS's own client for JavaScript, unmodified, over both of its transports. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { KinesisHarness, ManualClock } from "./kinesis-harness.ts";

const transports: [string, Partial<KinesisClientConfig>][] = [
  ["HTTP/2 without TLS, the client's default", {}],
  ["HTTP/1.1", { requestHandler: new NodeHttpHandler() }],
];

for (const [name, transport] of transports) {
  describe(name, () => {
    const clock = new ManualClock();
    let harness: KinesisHarness;
    let client: KinesisClient;

    beforeAll(async () => {
      harness = await KinesisHarness.start({ clock });
      client = new KinesisClient({
        endpoint: harness.url,
        region: "eu-west-1",
        credentials: { accessKeyId: "111122223333", secretAccessKey: "secret" },
        ...transport,
      });
    });
    afterAll(async () => {
      client.destroy();
      await harness.stop();
    });

    test("a stream's whole life", async () => {
      const StreamName = "orders";
      await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
      await waitUntilStreamExists({ client, maxWaitTime: 5, minDelay: 1 }, { StreamName });
      await expect(
        client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 })),
      ).rejects.toBeInstanceOf(ResourceInUseException);

      const { StreamDescriptionSummary: summary } = await client.send(
        new DescribeStreamSummaryCommand({ StreamName }),
      );
      expect(summary).toMatchObject({
        StreamName,
        StreamARN: "arn:aws:kinesis:eu-west-1:111122223333:stream/orders",
        StreamStatus: "ACTIVE",
        OpenShardCount: 2,
        RetentionPeriodHours: 24,
        StreamCreationTimestamp: new Date(clock.timeMs),
      });
      expect(summary).not.toHaveProperty("StreamId");

      const data = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const { StreamARN } = summary ?? {};
      const put = await client.send(new PutRecordCommand({ StreamARN, Data: data, PartitionKey: "ключ" }));
      const many = await client.send(
        new PutRecordsCommand({
          StreamName,
          Records: [0, 1, 2].map((i) => ({ Data: Buffer.from(`${i}`), PartitionKey: "ключ" })),
        }),
      );
      expect(many.FailedRecordCount).toBe(0);
      const numbers = [put, ...(many.Records ?? [])].map((record) => BigInt(record.SequenceNumber ?? 0));
      expect(numbers).toEqual([...numbers].sort((a, b) => (a < b ? -1 : 1)));

      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName, ShardId: put.ShardId, ShardIteratorType: "TRIM_HORIZON" }),
      );
      const got = await client.send(new GetRecordsCommand({ ShardIterator }));
      expect(got.Records?.map((record) => record.SequenceNumber)).toEqual(numbers.map(String));
      expect(Buffer.from(got.Records?.[0]?.Data ?? [])).toEqual(data);
      expect(got.Records?.[0]?.PartitionKey).toBe("ключ");
      expect(got.Records?.[0]?.ApproximateArrivalTimestamp).toEqual(new Date(clock.timeMs));
      expect(got.MillisBehindLatest).toBe(0);
      expect(got.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);

      expect((await client.send(new ListShardsCommand({ StreamName }))).Shards).toHaveLength(2);
      expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual([StreamName]);
      await client.send(new DeleteStreamCommand({ StreamName }));
      await expect(client.send(new DescribeStreamCommand({ StreamName }))).rejects.toBeInstanceOf(
        ResourceNotFoundException,
      );
      await expect(client.send(new GetRecordsCommand({ ShardIterator }))).rejects.toBeInstanceOf(
        ResourceNotFoundException,
      );
    });

    test("errors come as the classes that the client knows", async () => {
      const StreamName = "errors";
      await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({
          StreamName,
          ShardId: "shardId-000000000000",
          ShardIteratorType: "LATEST",
        }),
      );
      clock.timeMs += 300_001;
      const expired = await client.send(new GetRecordsCommand({ ShardIterator })).catch((error) => error);
      expect(expired).toBeInstanceOf(ExpiredIteratorException);
      expect(expired.message).toBe(
        "Iterator expired. The iterator was created at time Mon Nov 23 08:00:00 UTC 2026 while right now it is " +
          "Mon Nov 23 08:05:00 UTC 2026 which is further in the future than the tolerated delay of 300000 milliseconds.",
      );
      clock.timeMs -= 300_001;
    });

    test("a batch of 500 records of 16 KiB comes back whole and in order", async () => {
      const StreamName = "large";
      await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
      const record = (i: number) => Buffer.alloc(16 * 1024, i);
      const Records = Array.from({ length: 500 }, (_, i) => ({ Data: record(i), PartitionKey: `${i}` }));
      await client.send(new PutRecordsCommand({ StreamName, Records }));
      let { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName, ShardId: "0", ShardIteratorType: "TRIM_HORIZON" }),
      );
      let seen = 0;
      for (;;) {
        const page = await client.send(new GetRecordsCommand({ ShardIterator }));
        for (const { Data, PartitionKey } of page.Records ?? []) {
          expect(PartitionKey).toBe(`${seen}`);
          expect(record(seen).equals(Data ?? Buffer.alloc(0))).toBe(true);
          seen++;
        }
        ShardIterator = page.NextShardIterator;
        if (page.MillisBehindLatest === 0) break;
      }
      expect(seen).toBe(500);
    });
  });
}
