/**
 * Consume, transform, produce, exactly once: workers in processes of their own read a topic and write another one in
 * transactions, while the broker, the workers, or both are killed (kill -9) at random moments, and rivals take the
 * transactional id from workers that go on. In the end the output holds each input record once and in order, for a
 * Kafka reader of committed records and for Kinesis; and nothing of an aborted transaction was ever seen on the way.
 *
 * VOIK_TRANSACTION_KILLS and VOIK_SEED change count and seed.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBelow, type Random, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { createTopic, offsetsOf, produceBatch, readPartition, topicId } from "../helpers/kafka-records.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { batchOf } from "../helpers/log.ts";
import { fetchCommitted, readCommitted, type Topic } from "../helpers/transactional-producer.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const KILLS = Number(process.env.VOIK_TRANSACTION_KILLS ?? 10);
const PARTITIONS = 2;
const WORKER = join(import.meta.dir, "exactly-once-worker.ts");
const EXIT_FENCED = 3;

class Loop {
  readonly portFile: string;
  private workers: Bun.Subprocess[] = [];
  private count = 0;
  fenced = 0;
  private feeding = true;
  private fed = 0;

  constructor(
    private readonly voik: VoikProcess,
    private readonly random: Random,
  ) {
    this.portFile = join(voik.folder, "port-for-workers");
    this.notePort();
  }

  notePort(): void {
    writeFileSync(this.portFile, String(this.voik.kafkaPort));
  }

  /** Starts a worker; those before it go on, and find that they are fenced. */
  startWorker(): void {
    const manner = randomBelow(this.random, 2) === 0 ? "announced" : "implicit";
    const command = [process.execPath, WORKER, this.portFile, manner, String(SEED + this.count++)];
    const worker = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
    this.workers.push(worker);
    void worker.exited.then((code) => {
      if (code === EXIT_FENCED) this.fenced++;
      else if (worker.signalCode !== "SIGKILL") throw new Error(`a worker ended with ${code}`);
    });
  }

  async killWorkers(): Promise<void> {
    const workers = this.workers.splice(0);
    for (const worker of workers) worker.kill("SIGKILL");
    await Promise.all(workers.map(({ exited }) => exited));
  }

  async connect(): Promise<KafkaClient> {
    return KafkaClient.connect({ host: "127.0.0.1", port: this.voik.kafkaPort });
  }

  /** Writes input until `stopFeeding`; a batch whose answer a kill took may be there or not. */
  async feed(): Promise<void> {
    while (this.feeding) {
      try {
        const client = await this.connect();
        const topic = { name: "input", id: await topicId(client, "input") };
        while (this.feeding) {
          const values = Array.from({ length: 1 + randomBelow(this.random, 5) }, () => `${this.fed++}`);
          await produceBatch(client, topic, randomBelow(this.random, PARTITIONS), batchOf(values));
          await Bun.sleep(2);
        }
        client.close();
      } catch {
        await Bun.sleep(5);
      }
    }
  }

  stopFeeding(): void {
    this.feeding = false;
  }
}

/** One of the things that befall broker and workers. */
async function strike(voik: VoikProcess, loop: Loop, random: Random): Promise<void> {
  const what = randomBelow(random, 5);
  if (what <= 2) {
    await voik.kill();
    if (what === 1) await loop.killWorkers();
    if (what === 2) await voik.crashWhileStarting(randomBelow(random, 80));
    await voik.restart();
    loop.notePort();
    if (what === 1) loop.startWorker();
  } else {
    if (what === 3) await loop.killWorkers();
    loop.startWorker();
  }
}

/** What a reader of committed records has seen so far, going on where it was. */
class Watcher {
  readonly seen: string[][] = Array.from({ length: PARTITIONS }, () => []);
  private readonly offsets = Array.from({ length: PARTITIONS }, () => 0);

  async look(client: KafkaClient, topic: Topic): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (;;) {
        const from = this.offsets[partition] as number;
        const { records, nextOffset } = await fetchCommitted(client, topic, partition, from);
        for (const { value } of records) this.seen[partition]?.push(value);
        this.offsets[partition] = nextOffset;
        if (nextOffset === from) break;
      }
    }
  }
}

test(
  `each input record is in the output once, through ${KILLS} kills of broker and workers`,
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    await using voik = await VoikProcess.start({ args: ["--segment-bytes", "256KiB"] });
    const loop = new Loop(voik, random);
    const watcher = new Watcher();
    try {
      let client = await loop.connect();
      await createTopic(client, "input", PARTITIONS);
      const output = { name: "output", id: await createTopic(client, "output", PARTITIONS) };
      const feeding = loop.feed();
      loop.startWorker();
      for (let kill = 0; kill < KILLS; kill++) {
        await Bun.sleep(100 + randomBelow(random, 500));
        await strike(voik, loop, random);
        client.close();
        client = await loop.connect();
        await watcher.look(client, output);
      }
      loop.stopFeeding();
      await feeding;

      const inputs: string[][] = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const topic = { name: "input", id: await topicId(client, "input") };
        const records = await readPartition(client, topic, partition);
        inputs.push(records.map(({ offset, value }) => `${partition}@${offset}=${value}`));
      }
      loop.startWorker();
      const wanted = inputs.reduce((sum, list) => sum + list.length, 0);
      for (const deadline = Date.now() + 60_000; ;) {
        await watcher.look(client, output);
        const seen = watcher.seen.reduce((sum, list) => sum + list.length, 0);
        if (seen >= wanted || Date.now() > deadline) break;
        await Bun.sleep(20);
      }
      await loop.killWorkers();

      let markers = 0;
      for (let partition = 0; partition < PARTITIONS; partition++) {
        expect(watcher.seen[partition]).toEqual(inputs[partition] as string[]);
        const again = await readCommitted(client, output, partition, 1_000);
        expect(again.map(({ value }) => value)).toEqual(inputs[partition] as string[]);
        const [, end] = await offsetsOf(client, "output", partition);
        markers += end - again.length;
      }
      const kinesis = kinesisClient(voik.addresses.kinesis);
      const shown = (await readStream(kinesis, "output")).map(({ data }) => String(data));
      kinesis.destroy();
      expect(shown.sort()).toEqual(inputs.flat().sort());
      // Without aborted records and markers on the way the test would show nothing.
      expect(markers).toBeGreaterThan(wanted / 10);
      console.log(
        `${KILLS} kills: ${wanted} records, each once; ${markers} aborted records and markers; ${loop.fenced} workers fenced`,
      );
      client.close();
    } finally {
      loop.stopFeeding();
      await loop.killWorkers();
    }
    await voik.stop();
  },
  120_000 + KILLS * 6_000,
);
