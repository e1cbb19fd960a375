/**
 * Transactions of Apache Kafka's own client for Java, which speaks KIP-890. `make test-clients` has maven fetch it; without
 * VOIK_JAVA_LIB, the folder of its jars, the test is skipped.
 */
import { describe, expect, test } from "bun:test";
import { run } from "../helpers/installed.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { JAVA, javaPath } from "./compat/java.ts";

const isThere = process.env.VOIK_JAVA_LIB !== undefined;
if (!isThere)
  console.log("skipped: Java's Kafka client is not here: make test-clients fetches it with maven");

describe.skipIf(!isThere)("kafka-clients (Java)", () => {
  test("commits, aborts, sends offsets, and is fenced; Kinesis reads what is committed", async () => {
    await using voik = await VoikProcess.start();
    const env = { PATH: process.env.PATH ?? "" };
    const command = [...JAVA, "-cp", javaPath(), "Transactions", voik.addresses.kafka];
    const said = (await run(command, { env })).toString().trim().split("\n");
    expect(said).toEqual(["state CompleteAbort", "seen 80 of 80, aborted 0", "offsets true", "fenced true"]);
    const kinesis = kinesisClient(voik.addresses.kinesis);
    const values = (await readStream(kinesis, "java")).map(({ data }) => String(data));
    kinesis.destroy();
    expect(values.length).toBe(83);
    expect(values.filter((value) => value.startsWith("aborted") || value === "zombie")).toEqual([]);
    await voik.stop();
  }, 120_000);
});
