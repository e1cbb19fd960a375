/**
 * The Kinesis Client Library itself, unmodified, polling and with enhanced fan-out: a stream of two shards, one of which
 * is split between puts. Its leases lie in moto's DynamoDB, which `make test-clients` has pip install; maven fetches
 * the library. Without VOIK_KCL_LIB, the folder of its jars, and VOIK_MOTO, the test is skipped.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type KinesisClient, PutRecordCommand, SplitShardCommand } from "@aws-sdk/client-kinesis";
import { AWS_ENV, run } from "../helpers/installed.ts";
import { createStream, kinesisClient } from "../helpers/kinesis-records.ts";
import { type Moto, startMoto } from "../helpers/moto.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const LIB = process.env.VOIK_KCL_LIB ?? "";
const MOTO = process.env.VOIK_MOTO ?? "";
const isThere = existsSync(join(LIB, "amazon-kinesis-client-3.5.1.jar")) && existsSync(MOTO);
if (!isThere) console.log("skipped: the Kinesis Client Library is not here: make test-clients fetches it");

const PUTS = 20;
const TIMEOUT_MS = 240_000;
const env = { ...AWS_ENV, PATH: process.env.PATH ?? "" };

describe.skipIf(!isThere)("the Kinesis Client Library", () => {
  let voik: VoikProcess;
  let dynamo: Moto;
  let client: KinesisClient;

  const put = async (round: string) => {
    for (let i = 0; i < PUTS; i++) {
      const Data = Buffer.from(`data ${round}${i}`);
      await client.send(new PutRecordCommand({ StreamName: "s", PartitionKey: `${round}${i}`, Data }));
    }
  };

  beforeAll(async () => {
    [voik, dynamo] = await Promise.all([VoikProcess.start(), startMoto(MOTO)]);
    client = kinesisClient(voik.addresses.kinesis);
    await createStream(client, "s", 2);
    await put("a");
    const NewStartingHashKey = String(2n ** 126n);
    const ShardToSplit = "shardId-000000000000";
    await client.send(new SplitShardCommand({ StreamName: "s", ShardToSplit, NewStartingHashKey }));
    await put("b");
  }, TIMEOUT_MS);
  afterAll(async () => {
    client?.destroy();
    await dynamo?.stop();
    await voik?.stop();
    await voik?.[Symbol.asyncDispose]();
  });

  test.concurrent.each(["polling", "fan-out"])(
    "%s: has every record once, and a split shard's before its children's",
    async (how) => {
      const program = join(import.meta.dir, "kcl/Kcl.java");
      const endpoints = [voik.addresses.kinesis, dynamo.url];
      const command = ["java", "-cp", `${LIB}/*`, program, ...endpoints, "s", String(2 * PUTS), how];
      const lines = (await run(command, { env })).toString().trim().split("\n");
      const records = lines.filter((line) => line.startsWith("record ")).map((line) => line.split(" "));
      const wanted = ["a", "b"].flatMap((round) => Array.from({ length: PUTS }, (_, i) => `${round}${i}`));
      expect(records.map(([, , key]) => key).sort()).toEqual(wanted.sort());
      for (const [, , key, ...data] of records) expect(data.join(" ")).toBe(`data ${key}`);
      const children = ["shardId-000000000002", "shardId-000000000003"];
      const firstOfChild = lines.findIndex((line) => children.some((shard) => line.includes(shard)));
      expect(firstOfChild).toBeGreaterThan(lines.indexOf("ended shardId-000000000000"));
      expect(lines).toContain("ended shardId-000000000000");
    },
    TIMEOUT_MS,
  );
});
