/**
 * Groups of KIP-848 with a real client against the executable: confluent-kafka (librdkafka 2.4 and later). Debian's is
 * older, so the Python that has one is given by VOIK_CONFLUENT_PYTHON; `make test-clients` makes it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { run } from "../helpers/installed.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const PYTHON = process.env.VOIK_CONFLUENT_PYTHON;
if (PYTHON === undefined) console.log("skipped: KIP-848 with confluent-kafka: make test-clients runs it");

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
