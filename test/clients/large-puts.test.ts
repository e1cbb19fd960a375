/** Large bodies of PutRecords, which the executable reads in a thread of their own: every record comes back as it was sent. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { KinesisClient, CreateStreamCommand, GetRecordsCommand } from "@aws-sdk/client-kinesis";
import { GetShardIteratorCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { seededRandom } from "../../src/base/random.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const REQUESTS = 12;
const RECORDS = 100;

test("what large requests put, many at a time, is what is read", async () => {
  await using voik = await VoikProcess.start();
  const client = new KinesisClient({
    endpoint: voik.addresses.kinesis,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const StreamName = "large";
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
  const random = seededRandom(7);
  const sent: string[] = [];
  const put = async () => {
    const Records = Array.from({ length: RECORDS }, () => {
      const Data = random.bytes(1 + (random.uint32() % 5_000));
      const PartitionKey = `key-${random.uint32()}`;
      sent.push(`${PartitionKey} ${Data.toString("hex")}`);
      return { Data, PartitionKey };
    });
    const reply = await client.send(new PutRecordsCommand({ StreamName, Records }));
    expect(reply.FailedRecordCount).toBe(0);
  };
  for (let i = 0; i < REQUESTS; i += 4) await Promise.all([put(), put(), put(), put()]);

  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamName,
      ShardId: "shardId-000000000000",
      ShardIteratorType: "TRIM_HORIZON",
    }),
  );
  const read: string[] = [];
  for (let iterator = ShardIterator; read.length < sent.length;) {
    const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
    for (const { PartitionKey, Data } of page.Records ?? [])
      read.push(`${PartitionKey} ${Buffer.from(Data as Uint8Array).toString("hex")}`);
    iterator = page.NextShardIterator;
  }
  expect(read.sort()).toEqual(sent.sort());
  if (process.platform === "linux" && navigator.hardwareConcurrency > 1) {
    const threads = readdirSync(`/proc/${voik.pid}/task`);
    const names = threads.map((id) => readFileSync(`/proc/${voik.pid}/task/${id}/comm`, "utf8").trim());
    expect(names).toContain("puts");
  }
  client.destroy();
});
