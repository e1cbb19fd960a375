/**
 * From a record's time to its arrival: records are due at a steady rate, a few each millisecond, produced with acks=all
 * and read by a consumer that asks again at once. As a Kafka producer does it, five requests are in flight at most, and
 * what is due meanwhile waits and goes into one batch. The clock of a record starts when it is due, not when it can be
 * sent: a producer that is held up pays for it.
 */
import { BrokerClient } from "../../src/cli/broker-client.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { batchBytesOf, nextOffsetOf, recordCountOf } from "../../src/log/record-batch.ts";
import { VoikProcess } from "../../test/helpers/voik-process.ts";
import { batchOfBytes, RECORD_BYTES } from "./batches.ts";
import { FETCH_VERSION, fetchBody, PRODUCE_VERSION } from "./kafka-frames.ts";

export interface EndToEnd {
  recordsPerSecond: number;
  /** Sorted, of every unit but those of the first second. */
  delaysMs: Float64Array;
  /** By the clock, all of it: shows whether the rate was held. */
  recordsPerSecondDone: number;
  peakBytes: number;
}

/** Records come due together each millisecond: a unit. */
const UNITS_PER_SECOND = 1_000;
const IN_FLIGHT_MAX = 5;
const FETCH_BYTES = 8 << 20;
/** A producer with batch.size=262144. */
const BATCH_BYTES_MAX = 256 << 10;
const TOPIC = "bench";

/** When units are due. */
interface Schedule {
  dueMs(unit: number): number;
  /** How many are due at `nowMs`. */
  dueAt(nowMs: number): number;
}

function batchOfRecords(records: number): Buffer {
  const batch = batchOfBytes(80 + records * (RECORD_BYTES + 12));
  if (recordCountOf(batch) !== records) throw new Error(`a batch of ${recordCountOf(batch)}, not ${records}`);
  return batch;
}

export async function measureEndToEnd(recordsPerSecond: number, forMs: number): Promise<EndToEnd> {
  await using voik = await VoikProcess.start();
  await BrokerClient.use(voik.addresses.kafka, (client) => client.create(TOPIC, 1, {}));
  const connect = () => KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort });
  const [producer, consumer] = await Promise.all([connect(), connect()]);
  const records = recordsPerSecond / UNITS_PER_SECOND;
  const warmUp = UNITS_PER_SECOND;
  const count = warmUp + (forMs / 1_000) * UNITS_PER_SECOND;
  const startMs = performance.now() + 10;
  const schedule: Schedule = {
    dueMs: (unit) => startMs + (unit * 1_000) / UNITS_PER_SECOND,
    dueAt: (nowMs) => Math.floor(((nowMs - startMs) * UNITS_PER_SECOND) / 1_000) + 1,
  };
  const [delaysMs] = await Promise.all([
    consume(consumer, count, records, schedule),
    produce(producer, count, records, schedule),
  ]);
  const tookMs = performance.now() - startMs;
  const peakBytes = voik.peakResidentBytes();
  producer.close();
  consumer.close();
  return {
    recordsPerSecond,
    delaysMs: delaysMs.subarray(warmUp).sort(),
    recordsPerSecondDone: (count * records * 1_000) / tookMs,
    peakBytes,
  };
}

async function produce(client: KafkaClient, count: number, records: number, schedule: Schedule) {
  const unitsMax = Math.max(1, Math.floor(BATCH_BYTES_MAX / (records * (RECORD_BYTES + 12))));
  const batches = new Map<number, Buffer>();
  const inFlight: Promise<unknown>[] = [];
  for (let unit = 0; unit < count;) {
    if (inFlight.length === IN_FLIGHT_MAX) await inFlight.shift();
    // Whole milliseconds: a timer ends up to half of one early, and no record leaves before it is due.
    for (let waitMs; (waitMs = schedule.dueMs(unit) - performance.now()) > 0;)
      await Bun.sleep(Math.ceil(waitMs));
    const units = Math.min(schedule.dueAt(performance.now()) - unit, unitsMax, count - unit);
    let batch = batches.get(units);
    if (batch === undefined) batches.set(units, (batch = batchOfRecords(units * records)));
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: batch }] }];
    inFlight.push(client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData }, PRODUCE_VERSION));
    unit += units;
  }
  await Promise.all(inFlight);
}

/** Each unit's delay, in the order of the log. */
async function consume(client: KafkaClient, count: number, records: number, schedule: Schedule) {
  const delaysMs = new Float64Array(count);
  let unit = 0;
  for (let offset = 0; offset < count * records;) {
    const reply = await client.request(Fetch, fetchBody(TOPIC, 0, offset, FETCH_BYTES), FETCH_VERSION);
    const arrivedMs = performance.now();
    const bytes = reply.responses[0]?.partitions[0]?.records;
    if (bytes)
      for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) offset = nextOffsetOf(bytes, at);
    for (; unit < offset / records; unit++) delaysMs[unit] = arrivedMs - schedule.dueMs(unit);
  }
  return delaysMs;
}
