/**
 * kill -9 under load, twenty times at random moments, on one data folder that grows: after each restart every acked
 * record is there once, at its offset, with its bytes; nothing is there that was never sent; offsets are dense.
 *
 * Three Kafka connections with pipelined Produce requests and three Kinesis writers run at full speed; segments are
 * small, so that kills hit rolls too, and every third start is killed as well, somewhere in its recovery. VOIK_KILLS
 * and VOIK_SEED change count and seed.
 */
import { expect, test } from "bun:test";
import { statSync, truncateSync } from "node:fs";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { History } from "../helpers/history.ts";
import { createTopic, readPartition, topicId } from "../helpers/kafka-records.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { kafkaWriter, kinesisWriter, type Load } from "../helpers/load.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const KILLS = Number(process.env.VOIK_KILLS ?? 20);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 500;
/** Starts take 60 ms and more. */
const START_MS_MAX = 80;
const READY_MS_MAX = 2_000;

test(`kill -9 under load at ${KILLS} random moments loses no acked record`, async () => {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  const random = seededRandom(SEED);
  await using voik = await VoikProcess.start({ args: ["--segment-bytes", "1MiB"] });
  const first = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  const topic = { name: "killed", id: await createTopic(first, "killed", PARTITIONS) };
  first.close();

  const history = new History();
  for (let kill = 0; kill < KILLS; kill++) {
    const ackedBefore = history.ackedCount;
    const loadMs = LOAD_MS_MIN + (random.uint32() % (LOAD_MS_MAX - LOAD_MS_MIN));
    await loadAndKill(
      voik,
      { history, topic, partitions: PARTITIONS, stopped: false },
      loadMs,
      random.uint32(),
    );
    if (kill % 3 === 2) await voik.crashWhileStarting(random.uint32() % START_MS_MAX);
    await voik.restart();
    expect(voik.readyMs).toBeLessThan(READY_MS_MAX);
    expect((await checkAll(voik, topic, history)).slice(0, 20)).toEqual([]);
    if (loadMs > 200) expect(history.ackedCount).toBeGreaterThan(ackedBefore);
  }
  console.log(`${KILLS} kills: ${history.sentCount} records sent, ${history.ackedCount} acked, all there`);

  const kinesis = kinesisClient(voik.addresses.kinesis);
  const values = (await readStream(kinesis, topic.name)).map(({ shard, data }) => ({ shard, value: data }));
  const partitions = new Map(
    Map.groupBy(values, ({ shard }) => Number(shard.slice(-12)))
      .entries()
      .map(([shard, list]) => [shard, list.map(({ value }, offset) => ({ offset, value }))] as const),
  );
  expect(history.check(partitions).slice(0, 20)).toEqual([]);
  kinesis.destroy();
  await voik.stop();
}, 180_000);

test("a log that loses its tail behind the broker's back is found out", async () => {
  await using voik = await VoikProcess.start();
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  const topic = { name: "cut", id: await createTopic(client, "cut", PARTITIONS) };
  client.close();
  const history = new History();
  await loadAndKill(voik, { history, topic, partitions: PARTITIONS, stopped: false }, 300, SEED);
  const [log = ""] = [
    ...new Bun.Glob(`streams/${topic.id}/0/*.log`).scanSync({ cwd: voik.folder, absolute: true }),
  ];
  truncateSync(log, Math.floor(statSync(log).size / 2));
  await voik.restart();
  const breaches = await checkAll(voik, topic, history);
  expect(breaches.length).toBeGreaterThan(0);
  expect(breaches.every((text) => text.startsWith("lost: "))).toBe(true);
}, 30_000);

/** Runs all writers, kills the server after `loadMs`, and waits until every writer has noticed. */
async function loadAndKill(voik: VoikProcess, load: Load, loadMs: number, seed: number): Promise<void> {
  const { kafkaPort, addresses } = voik;
  const clients = [0, 1, 2].map(
    () =>
      new KinesisClient({
        endpoint: addresses.kinesis,
        region: "us-east-1",
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        maxAttempts: 1, // a retry would write twice, and rightly so
      }),
  );
  const writers = [
    ...[0, 1, 2].map((i) => kafkaWriter(load, kafkaPort, `kafka${i}`, seed + i)),
    ...clients.map((client, i) => kinesisWriter(load, client, `kinesis${i}`, seed + 10 + i)),
  ];
  await Bun.sleep(loadMs); // the load itself: the moment of the kill is what the test is about
  load.stopped = true;
  await voik.kill();
  await Promise.all(writers);
  for (const client of clients) client.destroy();
}

/** Reads every partition whole, through Fetch, and checks it. */
async function checkAll(
  voik: VoikProcess,
  topic: { name: string; id: string },
  history: History,
): Promise<string[]> {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  expect(await topicId(client, topic.name)).toBe(topic.id);
  const partitions = new Map<number, { offset: number; value: Buffer | null }[]>();
  for (let partition = 0; partition < PARTITIONS; partition++)
    partitions.set(partition, await readPartition(client, topic, partition));
  client.close();
  return history.check(partitions);
}
