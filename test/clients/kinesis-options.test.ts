/** The options of the Kinesis edge, given to the executable as flags and seen by a client. */
import { expect, test } from "bun:test";
import * as k from "@aws-sdk/client-kinesis";
import { VoikProcess } from "../helpers/voik-process.ts";

test("--kinesis-limits, --kinesis-account, --kinesis-retention and --kinesis-transition-ms hold", async () => {
  const args = [
    "--kinesis-limits=aws",
    "--kinesis-account=123456789012",
    "--kinesis-retention=2d",
    "--kinesis-transition-ms=500",
  ];
  await using voik = await VoikProcess.start({ args });
  const client = new k.KinesisClient({
    endpoint: voik.addresses.kinesis,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  await client.send(new k.CreateStreamCommand({ StreamName: "s", ShardCount: 1 }));
  const summary = async () => {
    const { StreamDescriptionSummary: s } = await client.send(
      new k.DescribeStreamSummaryCommand({ StreamName: "s" }),
    );
    return [s?.StreamStatus, s?.StreamARN, s?.RetentionPeriodHours];
  };
  const arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s";
  expect(await summary()).toEqual(["CREATING", arn, 48]);
  await k.waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { StreamName: "s" });
  expect(await summary()).toEqual(["ACTIVE", arn, 48]);

  // 1.5 MiB in one request, where a shard takes 1 MiB a second.
  const Records = Array.from({ length: 3 }, () => ({
    PartitionKey: "k",
    Data: Buffer.alloc(512 * 1024 - 1),
  }));
  const answer = await client.send(new k.PutRecordsCommand({ StreamName: "s", Records }));
  expect(answer.Records?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    undefined,
    "ProvisionedThroughputExceededException",
  ]);
  client.destroy();
  await voik.stop();
}, 30_000);
