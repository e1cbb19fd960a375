/** The AWS CLI from Debian, unmodified, against the executable; what it writes is read through Kafka. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { KafkaClient } from "../../src/kafka/client.ts";
import { AWS_ENV, describeWith, run } from "../helpers/installed.ts";
import { readPartition, topicId } from "../helpers/kafka-records.ts";
import { byKey, testRecords } from "../helpers/payloads.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";

describeWith("the AWS CLI", ["/usr/bin/aws", "--version"], () => {
  let voik: VoikProcess;
  const folder = temporaryFolder("aws-cli");

  beforeAll(async () => {
    voik = await VoikProcess.start();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await voik?.stop();
    await voik?.[Symbol.asyncDispose]();
  });

  async function aws(...args: string[]): Promise<Record<string, unknown>> {
    const endpoint = ["--endpoint-url", voik.addresses.kinesis, "--output", "json"];
    const out = await run(["/usr/bin/aws", ...endpoint, "kinesis", ...args], { env: AWS_ENV });
    return out.length === 0 ? {} : JSON.parse(out.toString());
  }

  test("creates a stream, puts records, reads them back; Kafka reads the same", async () => {
    const stream = ["--stream-name", "cli"];
    await aws("create-stream", ...stream, "--shard-count", "1");
    await aws("wait", "stream-exists", ...stream);

    const records = testRecords(21, 30, { large: false });
    const file = join(folder, "records.json");
    writeFileSync(
      file,
      JSON.stringify(records.map(({ key, data }) => ({ PartitionKey: key, Data: data.toString("base64") }))),
    );
    expect(await aws("put-records", ...stream, "--records", `file://${file}`)).toMatchObject({
      FailedRecordCount: 0,
    });
    const one = { key: "żółw", data: Buffer.from("first record\0\xff", "latin1") };
    const data = join(folder, "data");
    writeFileSync(data, one.data);
    const put = await aws("put-record", ...stream, "--partition-key", one.key, "--data", `fileb://${data}`);
    expect(put).toMatchObject({ ShardId: "shardId-000000000000" });

    const shard = [...stream, "--shard-id", "shardId-000000000000"];
    const { ShardIterator } = await aws(
      "get-shard-iterator",
      ...shard,
      "--shard-iterator-type",
      "TRIM_HORIZON",
    );
    const got = await aws("get-records", "--shard-iterator", String(ShardIterator));
    const read = (got.Records as { PartitionKey: string; Data: string; SequenceNumber: string }[]).map(
      (record) => ({
        key: record.PartitionKey,
        data: Buffer.from(record.Data, "base64"),
      }),
    );
    expect(byKey(read)).toEqual(byKey([...records, one]));
    expect(read.at(-1)).toEqual(one);

    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const throughKafka = await readPartition(kafka, { name: "cli", id: await topicId(kafka, "cli") }, 0);
    expect(throughKafka.map(({ key, value }) => ({ key: String(key), data: value }))).toEqual(read);
    kafka.close();
  }, 60_000);

  test("describes, lists and deletes", async () => {
    await aws("create-stream", "--stream-name", "short-lived", "--shard-count", "2");
    expect(await aws("describe-stream", "--stream-name", "short-lived")).toMatchObject({
      StreamDescription: { StreamName: "short-lived", Shards: [{ ShardId: "shardId-000000000000" }, {}] },
    });
    expect((await aws("list-streams")).StreamNames).toContain("short-lived");
    await aws("delete-stream", "--stream-name", "short-lived");
    expect((await aws("list-streams")).StreamNames).not.toContain("short-lived");
    await expect(aws("describe-stream-summary", "--stream-name", "short-lived")).rejects.toThrow(
      "ResourceNotFoundException",
    );
  }, 60_000);
});
