/** Produce: what is accepted, what each wrong batch is answered with, and that wrong ones leave the log alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { BATCH_HEADER_BYTES, computeCrc } from "../../src/log/record-batch.ts";
import type { Stream } from "../../src/streams/broker.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { inTransaction } from "../helpers/producers.ts";

let kafka: TestKafka;
let client: KafkaClient;
let stream: Stream;

beforeAll(async () => {
  kafka = await startTestKafka({ batchBytesMax: 2000 });
  client = await kafka.client();
  stream = await kafka.broker.createStream({ name: "orders", shardCount: 2 });
});
afterAll(() => kafka.close());

interface Sending {
  records: Buffer | null;
  name?: string;
  index?: number;
  acks?: number;
  transactionalId?: string | null;
  version?: number;
}

async function produce(sending: Sending) {
  const { records, name = "orders", index = 0, acks = -1, transactionalId = null, version } = sending;
  const topicId = kafka.broker.streamByName(name)?.id ?? "f".repeat(32);
  const body = {
    transactionalId,
    acks,
    timeoutMs: 1000,
    topicData: [{ name, topicId, partitionData: [{ index, records }] }],
  };
  const reply = await client.request(Produce, body, version);
  const result = reply.responses[0]?.partitionResponses[0];
  if (!result) throw new Error("no partition in the reply");
  return result;
}

/** A good batch with its header changed, and the checksum made to fit again. */
function changed(change: (batch: Buffer) => void): Buffer {
  const batch = batchOf(["a", "b"]);
  change(batch);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}

describe("produce", () => {
  test("gives dense offsets in every version, with acks 1 and all", async () => {
    const log = memoryLogOf(stream.shards[1] as never);
    for (let version = 3; version <= 13; version++) {
      for (const acks of [1, -1]) {
        const before = log.endOffset;
        const result = await produce({ records: batchOf(["a", "b"]), index: 1, acks, version });
        expect(result).toMatchObject({ errorCode: 0, baseOffset: before, logAppendTimeMs: -1 });
        expect(log.durableEnd).toBe(before + 2);
      }
    }
  });

  test("appends one batch for each partition named, even when one is named twice", async () => {
    const partition = { index: 0, records: batchOf(["x"]) };
    const reply = await client.request(
      Produce,
      { acks: -1, timeoutMs: 1000, topicData: [{ name: "orders", partitionData: [partition, partition] }] },
      9,
    );
    const [first, second] = reply.responses[0]?.partitionResponses ?? [];
    expect(second?.baseOffset).toBe((first?.baseOffset ?? 0) + 1);
  });

  const wrong: [string, Sending, number][] = [
    ["an unknown topic", { records: batchOf(["a"]), name: "missing", version: 9 }, 3],
    ["an unknown topic id", { records: batchOf(["a"]), name: "missing" }, 100],
    ["an unknown partition", { records: batchOf(["a"]), index: 9 }, 3],
    ["a negative partition", { records: batchOf(["a"]), index: -1 }, 3],
    ["acks 2", { records: batchOf(["a"]), acks: 2 }, 21],
    ["acks -2", { records: batchOf(["a"]), acks: -2 }, 21],
    ["a transaction with acks 1", { records: batchOf(["a"]), transactionalId: "t", acks: 1 }, 21],
    [
      "a batch of a transaction that nobody knows",
      { records: inTransaction(batchOf(["a"]), 1, 0, 0), transactionalId: "t" },
      49,
    ],
    ["a batch of a transaction without its id", { records: inTransaction(batchOf(["a"]), 1, 0, 0) }, 48],
    ["no batch", { records: null }, 87],
    ["an empty batch", { records: Buffer.alloc(0) }, 2],
    ["a short batch", { records: batchOf(["a"]).subarray(0, BATCH_HEADER_BYTES - 1) }, 2],
    ["a wrong checksum", { records: changed(() => {}).fill(0xff, 62, 64) }, 2],
    ["a length past the end", { records: changed((batch) => batch.writeInt32BE(batch.length, 8)) }, 2],
    ["two batches", { records: Buffer.concat([batchOf(["a"]), batchOf(["b"])]) }, 87],
    ["record format 1", { records: changed((batch) => batch.writeInt8(1, 16)) }, 87],
    ["a base offset", { records: changed((batch) => batch.writeInt32BE(5, 4)) }, 87],
    ["no records", { records: changed((batch) => batch.writeInt32BE(0, 57)) }, 87],
    ["a wrong record count", { records: changed((batch) => batch.writeInt32BE(3, 57)) }, 87],
    ["a control batch", { records: changed((batch) => batch.writeInt16BE(0x20, 21)) }, 87],
    ["compression 5", { records: changed((batch) => batch.writeInt16BE(5, 21)) }, 76],
    ["zstd before version 7", { records: changed((batch) => batch.writeInt16BE(4, 21)), version: 6 }, 76],
    ["a batch over the limit", { records: batchOf(["x".repeat(3000)]) }, 10],
    [
      "a transactional batch without a producer",
      { records: changed((batch) => batch.writeInt16BE(0x10, 21)) },
      87,
    ],
    ["a producer id without a sequence", { records: changed((batch) => batch.fill(0, 43, 53)) }, 87],
  ];

  test.each(wrong)("%s is refused, and the log stays as it is", async (_name, sending, code) => {
    const ends = stream.shards.map((shard) => shard.log.endOffset);
    const result = await produce(sending);
    expect(result.errorCode).toBe(code);
    expect(result.baseOffset).toBe(-1);
    if ((sending.version ?? 13) >= 8) expect(result.errorMessage).toBeTruthy();
    expect(stream.shards.map((shard) => shard.log.endOffset)).toEqual(ends);
  });

  test("a full disk and a failed sync are storage errors that say so", async () => {
    const log = memoryLogOf(stream.shards[0] as never);
    log.appendError = new VoikError("disk_full", "the disk is full: free some space for /srv/voik/0.log");
    const full = await produce({ records: batchOf(["a"]) });
    expect(full).toMatchObject({
      errorCode: 56,
      errorMessage: "the disk is full: free some space for 0.log",
    });
    log.appendError = undefined;
    log.hold();
    const failing = produce({ records: batchOf(["a"]) });
    while (log.endOffset === log.durableEnd) await new Promise((resolve) => setImmediate(resolve));
    log.failWaiting();
    log.release();
    expect(await failing).toMatchObject({ errorCode: 56, baseOffset: -1, errorMessage: "the disk failed" });
  });
});
