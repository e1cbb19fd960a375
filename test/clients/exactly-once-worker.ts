/**
 * The client of exactly-once.test.ts, a process of its own, to be killed: it reads records, writes one for each, and
 * commits how far it has read, all in one transaction, again and again; a quarter of its transactions it aborts. It
 * connects again when the broker goes, and ends with exit code 3 when another worker has taken its transactional id.
 *
 *   worker <file with the broker's port> <manner> <seed>
 */
import { readFileSync } from "node:fs";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { topicId } from "../helpers/kafka-records.ts";
import {
  fetchCommitted,
  type Manner,
  type Topic,
  TransactionalProducer,
} from "../helpers/transactional-producer.ts";

const [, , portFile = "", manner = "announced", seed = "1"] = process.argv;
const PARTITIONS = 2;
const EXIT_FENCED = 3;
const FENCED = /error (47|90|49)$/;
const random = seededRandom(Number(seed));

async function work(client: KafkaClient): Promise<never> {
  const input = { name: "input", id: await topicId(client, "input") };
  const output = { name: "output", id: await topicId(client, "output") };
  const producer = await TransactionalProducer.start(client, "worker", manner as Manner, 20_000);
  const offsets: number[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++)
    offsets[partition] = await committed(client, partition);
  for (;;) await transact(client, producer, input, output, offsets);
}

async function transact(
  client: KafkaClient,
  producer: TransactionalProducer,
  input: Topic,
  output: Topic,
  offsets: number[],
): Promise<void> {
  const commits = randomBelow(random, 4) > 0;
  const next = [...offsets];
  let wrote = false;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const options = { maxWaitMs: 20, maxBytes: 2_000 };
    const read = await fetchCommitted(client, input, partition, offsets[partition] as number, options);
    if (read.records.length === 0) continue;
    wrote = true;
    const prefix = commits ? "" : "aborted ";
    for (const { offset, value } of read.records)
      await producer.send(output, partition, [`${prefix}${partition}@${offset}=${value}`]);
    next[partition] = read.nextOffset;
    await producer.commitOffset("loop", input.name, partition, read.nextOffset);
  }
  if (!wrote) return;
  await producer.end(commits);
  if (commits) offsets.splice(0, PARTITIONS, ...next);
}

/** Where the group has read to, once no transaction is about to change that. */
async function committed(client: KafkaClient, partition: number): Promise<number> {
  for (;;) {
    const groups = [{ groupId: "loop", topics: [{ name: "input", partitionIndexes: [partition] }] }];
    const body = { groupId: "", topics: [], groups, requireStable: true };
    const reply = await client.request(OffsetFetch, body, 8);
    const { errorCode, committedOffset = -1 } = reply.groups[0]?.topics[0]?.partitions[0] ?? {};
    if (errorCode === 0) return Math.max(0, committedOffset);
    if (errorCode !== 88) throw new Error(`OffsetFetch: error ${errorCode}`);
    await Bun.sleep(5);
  }
}

for (;;) {
  let client: KafkaClient | undefined;
  try {
    client = await KafkaClient.connect({
      host: "127.0.0.1",
      port: Number(readFileSync(portFile, "utf8")),
      connectTimeoutMs: 2_000,
    });
    await work(client);
  } catch (error) {
    client?.close();
    if (FENCED.test((error as Error).message)) process.exit(EXIT_FENCED);
    await Bun.sleep(10);
  }
}
