/**
 * Bombs that a Kafka client wrote, read back through Kinesis (row 40): a batch that would grow a hundredfold and more
 * is an error that says how to go on behind it, in bounded memory and time.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { recompress } from "../../src/log/recompress.ts";
import { computeCrc } from "../../src/log/record-batch.ts";
import { batchOf } from "../helpers/log.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const TRIES = 10;
const MEMORY_BYTES_MAX = 32 << 20;
const CPU_MS_MAX = 100;
const ZEROS = "\0".repeat(22 << 20);

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
});
afterAll(() => harness.stop());

/** A gzip batch whose trailer says that it has only 1,000 bytes, so that nothing but opening it tells. */
function liar(): Buffer {
  const batch = recompress(batchOf([ZEROS]), "gzip");
  batch.writeUInt32LE(1000, batch.length - 4);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}

test.each<[string, () => Buffer]>([
  ["gzip", () => recompress(batchOf([ZEROS]), "gzip")],
  ["lz4", () => recompress(batchOf([ZEROS]), "lz4")],
  ["zstd", () => recompress(batchOf([ZEROS]), "zstd")],
  ["gzip that lies of its size", liar],
])("a bomb of %s is no record, and can be gone behind", async (name, bombOf) => {
  const StreamName = name.replaceAll(" ", "-");
  await harness.ok("CreateStream", { StreamName, ShardCount: 1 });
  const log = memoryLogOf(harness.memory.broker.streamByName(StreamName)?.shards[0] as never);
  const bomb = bombOf();
  expect(ZEROS.length / bomb.length).toBeGreaterThan(100);
  for (const batch of [bomb, batchOf(["behind"])]) log.append(batch);
  log.sync();
  const ShardIterator = await harness.iterator(StreamName, "TRIM_HORIZON");
  const told = await harness.call("GetRecords", { ShardIterator });
  const StartingSequenceNumber = /AFTER_SEQUENCE_NUMBER (\d+)\./.exec(String(told.body["message"]))?.[1];
  const behind = await harness.iterator(StreamName, "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber });
  expect((await harness.ok("GetRecords", { ShardIterator: behind }))["Records"]).toHaveLength(1);
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  const cpuBefore = process.cpuUsage();
  for (let i = 0; i < TRIES; i++) {
    const { status, body } = await harness.call("GetRecords", { ShardIterator });
    expect([status, String(body["__type"])]).toEqual([400, "InvalidArgumentException"]);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  expect((user + system) / 1000 / TRIES).toBeLessThan(CPU_MS_MAX);
  expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES_MAX);
});
