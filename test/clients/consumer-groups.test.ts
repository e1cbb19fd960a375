/**
 * Groups of KIP-848, and administration, with real clients against the executable: confluent-kafka (librdkafka 2.4 and
 * later) and Kafka's Java client. Debian has neither, so `make test-clients` fetches both and says where they are, in
 * VOIK_CONFLUENT_PYTHON (a Python) and VOIK_JAVA_LIB (a folder).
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { run } from "../helpers/installed.ts";
import { VoikProcess } from "../helpers/voik-process.ts";
import { JAVA, javaPath } from "./compat/java.ts";

const PYTHON = process.env.VOIK_CONFLUENT_PYTHON;
const JARS = process.env.VOIK_JAVA_LIB;
if (PYTHON === undefined || JARS === undefined)
  console.log("skipped: KIP-848 with confluent-kafka and Kafka's Java client: make test-clients runs them");

let voik: VoikProcess;
beforeAll(async () => {
  voik = await VoikProcess.start();
});
afterAll(async () => {
  await voik.stop();
  await voik[Symbol.asyncDispose]();
});

test.skipIf(PYTHON === undefined)(
  "confluent-kafka: members join and leave, each record is read once, and the group goes on where it was",
  async () => {
    const script = join(import.meta.dir, "confluent-consumer-groups.py");
    const saw = JSON.parse((await run([PYTHON as string, script, voik.addresses.kafka])).toString());
    expect(saw).toEqual({ seen: 301, distinct: 301, last: "300", members: 2, state: "STABLE" });
  },
  120_000,
);

test.skipIf(JARS === undefined)(
  "Kafka's Java client: administers a topic, and reads in a group each record once",
  async () => {
    const printed = await run([...JAVA, "-cp", javaPath(), "AdminAndGroups", voik.addresses.kafka], {
      env: { PATH: process.env.PATH ?? "" },
    });
    expect(printed.toString().trim().split("\n")).toEqual([
      "partitions 6",
      "retention.ms 3600000 DYNAMIC_TOPIC_CONFIG",
      "segment.bytes STATIC_BROKER_CONFIG",
      "compact InvalidConfigurationException",
      "seen 200 distinct 200",
      "group Consumer Stable 2",
      "offsets 6",
      "deleted true",
      "log dir true",
      "more partitions InvalidPartitionsException",
      "done",
    ]);
  },
  150_000,
);
