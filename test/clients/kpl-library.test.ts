/**
 * The Kinesis Producer Library itself, unmodified, over TLS: what it puts is there, one by one and aggregated. It asks STS
 * who it is, which is moto's here. `make test-clients` fetches both; without VOIK_KPL_LIB, the folder of the library's
 * jars, and VOIK_MOTO, the test is skipped.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Certificates } from "../helpers/certificates.ts";
import { AWS_ENV, run } from "../helpers/installed.ts";
import { createTopic, readPartition } from "../helpers/kafka-records.ts";
import { startMoto } from "../helpers/moto.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const LIB = process.env.VOIK_KPL_LIB ?? "";
const MOTO = process.env.VOIK_MOTO ?? "";
const isThere = existsSync(join(LIB, "amazon-kinesis-producer-1.0.4.jar")) && existsSync(MOTO);
if (!isThere) console.log("skipped: the Kinesis Producer Library is not here: make test-clients fetches it");

const COUNT = 200;
const SHARDS = 2;
/** How an aggregated record begins. */
const MAGIC = Buffer.from("f3899ac2", "hex");

describe.skipIf(!isThere)("the Kinesis Producer Library", () => {
  test("puts records over TLS, aggregated once it knows the shards; none is lost and none is there twice", async () => {
    using certificates = new Certificates();
    const { cert, key } = certificates.server;
    await using voik = await VoikProcess.start({
      args: ["--kinesis-tls-cert", cert, "--kinesis-tls-key", key],
    });
    const sts = await startMoto(MOTO, certificates.server);
    const kafka = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
    const topic = { name: "kpl", id: await createTopic(kafka, "kpl", SHARDS) };

    const ports = [voik.addresses.kinesis, sts.url].map((url) => new URL(url).port);
    const program = join(import.meta.dir, "kpl/Kpl.java");
    const command = ["java", "-cp", `${LIB}/*`, program, ...ports, "kpl", String(COUNT)];
    const env = { ...AWS_ENV, PATH: process.env.PATH ?? "" };
    const results = (await run(command, { env })).toString().trim().split("\n");
    await sts.stop();
    expect(results.length).toBe(2 * COUNT);
    expect(results.filter((line) => !/^true shardId-00000000000[01] \d{56}$/.test(line))).toEqual([]);

    const values: Buffer[] = [];
    for (let partition = 0; partition < SHARDS; partition++)
      for (const { value } of await readPartition(kafka, topic, partition))
        values.push(value ?? Buffer.alloc(0));
    kafka.close();
    const found = values.flatMap((value) => value.toString("latin1").match(/data [ab]\d{3}/g) ?? []);
    const wanted = ["a", "b"].flatMap((round) =>
      Array.from({ length: COUNT }, (_, i) => `data ${round}${String(i).padStart(3, "0")}`),
    );
    expect(found.sort()).toEqual(wanted.sort());
    // Each result names the record that holds it, alone or with others.
    expect(new Set(results).size).toBe(values.length);
    expect(values.some((value) => value.subarray(0, 4).equals(MAGIC))).toBe(true);
    await voik.stop();
  }, 120_000);
});
