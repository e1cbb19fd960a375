/**
 * Load, pull the plug, check: what every test that ends a server the hard way does, whatever the hard way is.
 *
 *   load    three pipelined Kafka writers, three Kinesis writers, one consumer of the tail, all into one History
 *   plug    the test's own: a signal, a power cut, a disk that fails
 *   check   every partition read whole through Fetch and held against the History
 */
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { KafkaClient } from "../../src/kafka/client.ts";
import type { SeenRecord } from "./history.ts";
import { createTopic, readPartition, topicId } from "./kafka-records.ts";
import { kafkaReader, kafkaWriter, kinesisWriter, type Load } from "./load.ts";
import type { VoikProcess } from "./voik-process.ts";

const WRITERS = 3;
const ACK_MS_MAX = 20_000;
/** In so many milliseconds something is acked, unless the machine is busy. */
const SURE_MS = 200;

/** A Kafka connection for the length of `use`. */
export async function withKafka<T>(
  voik: VoikProcess,
  use: (client: KafkaClient) => T | Promise<T>,
): Promise<T> {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Makes the topic that a load goes to. */
export async function makeTopic(
  voik: VoikProcess,
  name: string,
  partitions: number,
): Promise<{ name: string; id: string }> {
  return { name, id: await withKafka(voik, (client) => createTopic(client, name, partitions)) };
}

/** Runs all clients until `plug` has ended the server; resolves when every one of them has noticed. */
export async function loadUntil(
  voik: VoikProcess,
  load: Load,
  seed: number,
  plug: () => Promise<void>,
): Promise<void> {
  const { kafkaPort, addresses } = voik;
  const numbers = Array.from({ length: WRITERS }, (_, i) => i);
  const clients = numbers.map(
    () =>
      new KinesisClient({
        endpoint: addresses.kinesis,
        region: "us-east-1",
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        maxAttempts: 1, // a retry would write twice, and rightly so
      }),
  );
  const users = [
    ...numbers.map((i) => kafkaWriter(load, kafkaPort, `kafka${i}`, seed + i)),
    ...clients.map((client, i) => kinesisWriter(load, client, `kinesis${i}`, seed + 10 + i)),
    kafkaReader(load, kafkaPort),
  ];
  await plug();
  await Promise.all(users);
  for (const client of clients) client.destroy();
}

/** Resolves when the load has got an answer to something that it sent after the first `count` were acked. */
export async function ackedMoreThan(load: Load, count: number): Promise<void> {
  const deadline = performance.now() + ACK_MS_MAX;
  while (load.history.ackedCount <= count) {
    if (performance.now() > deadline) throw new Error(`nothing is acked in ${ACK_MS_MAX} ms`);
    await Bun.sleep(5);
  }
}

/** Loads for `loadMs`, and, when that is long enough to be sure, until something is acked; then kill -9. */
export async function loadAndKill(
  voik: VoikProcess,
  load: Load,
  loadMs: number,
  seed: number,
): Promise<void> {
  const before = load.history.ackedCount;
  await loadUntil(voik, load, seed, async () => {
    await Bun.sleep(loadMs); // the load itself: the moment of the kill is what the test is about
    if (loadMs > SURE_MS) await ackedMoreThan(load, before); // a busy machine may be late
    load.stopped = true;
    await voik.kill();
  });
}

/** Reads every partition whole, through Fetch. */
export function readTopic(
  voik: VoikProcess,
  topic: { name: string; id: string },
  partitions: number,
): Promise<Map<number, SeenRecord[]>> {
  return withKafka(voik, async (client) => {
    const found = await topicId(client, topic.name);
    if (found !== topic.id) throw new Error(`topic ${topic.name} has another id than before`);
    const records = new Map<number, SeenRecord[]>();
    for (let partition = 0; partition < partitions; partition++)
      records.set(partition, await readPartition(client, topic, partition));
    return records;
  });
}

/** The first breaches of the load's history by what the server now holds; none is what it should be. */
export async function breachesOf(voik: VoikProcess, load: Load): Promise<string[]> {
  return load.history.check(await readTopic(voik, load.topic, load.partitions)).slice(0, 20);
}

/** How many times the journal was synced since the start. */
export async function journalSyncs(voik: VoikProcess): Promise<number> {
  return voik.metric('voik_sync_seconds_count{kind="journal"}');
}
