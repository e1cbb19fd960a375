/** Bits that flip on the disk, seen from this edge: never a wrong record, always an error that says how to go on. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { baseOffsetOf, batchBytesOf } from "../../src/log/record-batch.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import type { MemoryLog } from "../helpers/memory-log.ts";
import { type Json, KinesisHarness } from "./kinesis-harness.ts";

const SHARD = "shardId-000000000000";
let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
});
afterAll(() => harness.stop());

/** Has `log` give `bit` of byte `at` flipped in the batch that begins at `offset`. */
function flipIn(log: MemoryLog, offset: number, at: number, bit: number): void {
  const locate = log.locate.bind(log);
  log.locate = (...place) => {
    const range = locate(...place);
    if (range === undefined) return undefined;
    const copy = (into: Buffer, position: number): void => {
      range.copy(into, position);
      let start = 0;
      while (start < into.length && baseOffsetOf(into, start) !== offset) start += batchBytesOf(into, start);
      if (start < into.length) into[start + at] = (into[start + at] as number) ^ bit;
    };
    return { ...range, copy };
  };
}

/** A stream of three records, a batch each; `bit` of byte `at` is flipped in the second. */
async function rottenStream(at: number, bit: number): Promise<string> {
  const StreamName = `rotten-${at}`;
  await harness.ok("CreateStream", { StreamName, ShardCount: 1 });
  for (const text of ["before", "rotten", "behind"]) {
    const record = { StreamName, PartitionKey: "k", Data: Buffer.from(text).toString("base64") };
    await harness.ok("PutRecord", record);
  }
  flipIn(memoryLogOf(harness.memory.broker.streamByName(StreamName)?.shards[0] as never), 1, at, bit);
  return StreamName;
}

async function read(ShardIterator: unknown): Promise<[string[], Json]> {
  const reply = await harness.ok("GetRecords", { ShardIterator });
  const records = reply["Records"] as unknown as { Data: string }[];
  return [records.map(({ Data }) => Buffer.from(Data, "base64").toString()), reply];
}

test.each([
  ["its records", 70, 1],
  ["its attributes, as if it were a marker", 22, 0x20],
  ["its count of offsets", 26, 2],
  ["its checksum", 17, 1],
  ["its base offset", 7, 8],
  ["its length", 11, 0x40],
  ["its length, as if it were negative", 8, 0x80],
])("a batch with a flipped bit in %s is an error, and can be gone behind", async (_where, at, bit) => {
  const stream = await rottenStream(at, bit);
  const [texts, first] = await read(await harness.iterator(stream, "TRIM_HORIZON"));
  expect(texts).toEqual(["before"]);
  const reply = await harness.call("GetRecords", { ShardIterator: first["NextShardIterator"] });
  expect(reply).toMatchObject({ status: 500, body: { __type: "InternalFailure" } });
  const message = String(reply.body["message"]);
  expect(message).toContain("can't be opened: they are damaged on the disk. To go on behind them");
  const StartingSequenceNumber = /AFTER_SEQUENCE_NUMBER (\d+)\./.exec(message)?.[1];
  const behind = await harness.iterator(stream, "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber });
  expect((await read(behind))[0]).toEqual(["behind"]);
});

test("a subscription gives what lies in front of it, and ends with the error", async () => {
  const stream = await rottenStream(71, 1);
  const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`;
  const { Consumer } = await harness.ok("RegisterStreamConsumer", { StreamARN, ConsumerName: "c" });
  const response = await fetch(harness.url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "Kinesis_20131202.SubscribeToShard",
    },
    body: JSON.stringify({
      ConsumerARN: Consumer?.["ConsumerARN"],
      ShardId: SHARD,
      StartingPosition: { Type: "TRIM_HORIZON" },
    }),
  });
  const frames = await response.text();
  expect(frames).toContain(Buffer.from("before").toString("base64"));
  expect(frames).toContain("InternalFailureException");
  expect(frames).toContain("they are damaged on the disk");
  expect(frames).not.toContain(Buffer.from("behind").toString("base64"));
});
