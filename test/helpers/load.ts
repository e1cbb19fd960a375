/**
 * Writers at full speed on both protocols and a reader of the tail, for tests that pull the plug: each tells a
 * History what it sends, what was acked and what it saw, and ends quietly when its connection does. An error answer
 * of a running server goes into the history.
 */
import { type KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { parseSequenceNumber } from "../../src/streams/sequence-number.ts";
import type { History } from "./history.ts";
import { fetchRecords, produceBatch } from "./kafka-records.ts";

const IN_FLIGHT_MAX = 8;
const BATCH_RECORDS_MAX = 20;
const RECORD_BYTES_MAX = 2000;
const READ_WAIT_MS = 20;

/** What all writers of one run share. */
export interface Load {
  readonly history: History;
  readonly topic: { name: string; id: string };
  readonly partitions: number;
  /** Set just before the server is killed: from then on every failure is expected. */
  stopped: boolean;
  /** The disk is made to fail under this load, so requests are refused at any time. */
  readonly failing?: boolean;
}

/** One connection with up to eight Produce requests in flight, acks=all. Resolves when the connection has ended. */
export async function kafkaWriter(load: Load, port: number, writer: string, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const inFlight = new Set<Promise<void>>();
  let alive = true;
  const client = await KafkaClient.connect({ host: "127.0.0.1", port }).catch((error) => refuse(load, error));
  if (!client) return;
  void client.closed.then(() => (alive = false));
  while (alive && !load.stopped) {
    const values = payloads(random).map((payload) => load.history.send(writer, payload));
    const batch = new BatchBuilder();
    for (const value of values) batch.add(Buffer.from(writer), value, Date.now());
    const partition = random.uint32() % load.partitions;
    const sending: Promise<void> = produceBatch(client, load.topic, partition, batch.build())
      .then((base) => values.forEach((value, i) => load.history.ack(partition, base + i, value)))
      .catch((error) => refuse(load, error))
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  client.close();
}

/** PutRecords one after the other. Resolves when the server is gone. */
export async function kinesisWriter(
  load: Load,
  client: KinesisClient,
  writer: string,
  seed: number,
): Promise<void> {
  const random = seededRandom(seed);
  while (!load.stopped) {
    const values = payloads(random).map((payload) => load.history.send(writer, payload));
    const Records = values.map((value) => ({
      PartitionKey: `${writer}-${random.uint32() % 50}`,
      Data: value,
    }));
    try {
      const answer = await client.send(new PutRecordsCommand({ StreamName: load.topic.name, Records }));
      answer.Records?.forEach(({ ShardId, SequenceNumber, ErrorCode }, i) => {
        if (SequenceNumber === undefined) return refuse(load, new Error(`PutRecords: ${ErrorCode}`));
        const { offset } = parseSequenceNumber(SequenceNumber);
        load.history.ack(Number(ShardId?.slice(-12)), offset, values[i] as Buffer);
      });
    } catch (error) {
      refuse(load, error as Error);
      return;
    }
  }
}

/** Reads every partition as it grows: the history keeps what was given. Resolves when the connection has ended. */
export async function kafkaReader(load: Load, port: number): Promise<void> {
  const client = await KafkaClient.connect({ host: "127.0.0.1", port }).catch((error) => refuse(load, error));
  if (!client) return;
  try {
    while (!load.stopped) {
      for (let partition = 0; partition < load.partitions; partition++) {
        const next = load.history.seenCount(partition);
        const records = await fetchRecords(client, load.topic, partition, next, { maxWaitMs: READ_WAIT_MS });
        load.history.see(partition, records);
      }
    }
  } catch (error) {
    refuse(load, error as Error);
  }
  client.close();
}

function payloads(random: Random): Buffer[] {
  const count = 1 + (random.uint32() % BATCH_RECORDS_MAX);
  return Array.from({ length: count }, () => random.bytes(random.uint32() % RECORD_BYTES_MAX));
}

function refuse(load: Load, error: Error): void {
  if (!load.stopped && !load.failing) load.history.refused.push(`refused: ${error.message}`);
}
