/** Record distribution AUTO: each open shard in its turn, with keys or without; and back to partition keys. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Stream } from "../../src/streams/broker.ts";
import { type Json, KinesisHarness } from "./kinesis-harness.ts";
import { hashKeyOf, shardForHash } from "../helpers/append-records.ts";

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
});
afterAll(() => harness.stop());

const arnOf = (stream: string) => `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`;
const Data = Buffer.from("x").toString("base64");
const MISSING = "failed to satisfy constraint: Member must not be null";

/** A stream in on-demand mode, which has four shards. */
async function onDemand(StreamName: string, RecordDistributionStrategy?: string): Promise<string> {
  const StreamModeDetails = { StreamMode: "ON_DEMAND" };
  await harness.ok("CreateStream", { StreamName, StreamModeDetails, RecordDistributionStrategy });
  return StreamName;
}

const setStrategy = (stream: string, RecordDistributionStrategy: string) =>
  harness.call("UpdateStreamRecordDistributionStrategy", {
    StreamARN: arnOf(stream),
    RecordDistributionStrategy,
  });

/** The shards that records went to. */
async function put(StreamName: string, Records: object[]): Promise<string[]> {
  const reply = await harness.ok("PutRecords", { StreamName, Records });
  return (reply["Records"] as unknown as { ShardId: string }[]).map(({ ShardId }) => ShardId);
}

async function read(StreamName: string, shard: number): Promise<Json[]> {
  const ShardId = `shardId-00000000000${shard}`;
  const { ShardIterator } = await harness.ok("GetShardIterator", {
    StreamName,
    ShardId,
    ShardIteratorType: "TRIM_HORIZON",
  });
  return (await harness.ok("GetRecords", { ShardIterator }))["Records"] as unknown as Json[];
}

const strategyOf = async (StreamName: string) =>
  (await harness.ok("DescribeStreamSummary", { StreamName }))["StreamDescriptionSummary"]?.[
    "RecordDistributionStrategy"
  ];

test("records go to each open shard in turn, whatever key and hash key say, over requests too", async () => {
  const stream = await onDemand("auto", "AUTO");
  expect(String(await strategyOf(stream))).toBe("AUTO");
  const same = { Data, PartitionKey: "same", ExplicitHashKey: "0" };
  const counts = new Map<string, number>();
  const count = (shard: string) => counts.set(shard, (counts.get(shard) ?? 0) + 1);
  for (let i = 0; i < 10; i++) (await put(stream, Array(7).fill(same))).forEach(count);
  for (let i = 0; i < 10; i++)
    count(String((await harness.ok("PutRecord", { StreamName: stream, ...same }))["ShardId"]));
  expect([...counts.values()]).toEqual([20, 20, 20, 20]);
});

test("a record keeps the key that it came with, and shows none where it came without, in JSON and in CBOR", async () => {
  const stream = await onDemand("keys", "AUTO");
  await put(stream, [{ Data, PartitionKey: "k" }, { Data }, { Data }, { Data }, { Data }]);
  const records = await read(stream, 0);
  expect(records.map((record) => record["PartitionKey"])).toEqual(["k", undefined] as never[]);
  expect(records.map((record) => "PartitionKey" in (record as object))).toEqual([true, false]);
  const { ShardIterator } = await harness.ok("GetShardIterator", {
    StreamName: stream,
    ShardId: "shardId-000000000001",
    ShardIteratorType: "TRIM_HORIZON",
  });
  const cbor = await harness.cbor("GetRecords", { ShardIterator });
  const [record] = cbor.body["Records"] as unknown as object[];
  expect(Object.keys(record as object).sort()).toEqual([
    "ApproximateArrivalTimestamp",
    "Data",
    "SequenceNumber",
  ]);
});

test("a split shard has no turn any more, and its children have theirs", async () => {
  const stream = await onDemand("resharded", "AUTO");
  const found = harness.memory.broker.streamByName(stream);
  if (found === undefined) throw new Error("no stream");
  await put(stream, [{ Data }, { Data }, { Data }]);
  await harness.ok("UpdateStreamMode", {
    StreamARN: arnOf(stream),
    StreamModeDetails: { StreamMode: "PROVISIONED" },
  });
  const half = String(2n ** 125n);
  await harness.ok("SplitShard", {
    StreamName: stream,
    ShardToSplit: "shardId-000000000000",
    NewStartingHashKey: half,
  });
  await harness.ok("UpdateStreamMode", {
    StreamARN: arnOf(stream),
    StreamModeDetails: { StreamMode: "ON_DEMAND" },
  });
  expect(await strategyOf(stream)).toBe("USER_PARTITION_KEY" as never);
  expect((await setStrategy(stream, "AUTO")).status).toBe(200);
  const shards = await put(stream, Array(5).fill({ Data }));
  expect(shards.sort()).toEqual([1, 2, 3, 4, 5].map((shard) => `shardId-00000000000${shard}`));
});

test("by partition key, a record needs one: whoever leaves it out is told where", async () => {
  const stream = await onDemand("keyed");
  expect(await strategyOf(stream)).toBe("USER_PARTITION_KEY" as never);
  const one = await harness.call("PutRecord", { StreamName: stream, Data });
  expect([one.status, one.body]).toEqual([
    400,
    {
      __type: "ValidationException",
      message: `1 validation error detected: Value null at 'partitionKey' ${MISSING}`,
    },
  ] as never[]);
  const many = await harness.call("PutRecords", {
    StreamName: stream,
    Records: [{ Data, PartitionKey: "k" }, { Data }],
  });
  expect([many.status, many.body]).toEqual([
    400,
    {
      __type: "ValidationException",
      message: `1 validation error detected: Value null at 'records.2.member.partitionKey' ${MISSING}`,
    },
  ] as never[]);
  const reply = await put(stream, [{ Data, PartitionKey: "k" }]);
  const shard = shardForHash(harness.memory.broker.streamByName(stream) as Stream, hashKeyOf("k"));
  expect(reply).toEqual([`shardId-00000000000${shard.index}`]);
});

test("the strategy can be changed back and forth, and holds from the next put on", async () => {
  const stream = await onDemand("changing", "AUTO");
  await put(stream, [{ Data }]);
  expect((await setStrategy(stream, "USER_PARTITION_KEY")).status).toBe(200);
  expect(new Set(await put(stream, Array(8).fill({ Data, PartitionKey: "k" }))).size).toBe(1);
  expect((await setStrategy(stream, "AUTO")).status).toBe(200);
  expect(new Set(await put(stream, Array(8).fill({ Data, PartitionKey: "k" }))).size).toBe(4);
});

test("a stream in provisioned mode can't have it", async () => {
  const message = "The record distribution strategy AUTO is for streams in On-Demand mode only.";
  const error = { __type: "InvalidArgumentException", message };
  const created = await harness.call("CreateStream", {
    StreamName: "provisioned",
    ShardCount: 1,
    RecordDistributionStrategy: "AUTO",
  });
  expect([created.status, created.body]).toEqual([400, error] as never[]);
  await harness.ok("CreateStream", { StreamName: "provisioned", ShardCount: 1 });
  const updated = await setStrategy("provisioned", "AUTO");
  expect([updated.status, updated.body]).toEqual([400, error] as never[]);
  expect((await setStrategy("provisioned", "USER_PARTITION_KEY")).status).toBe(200);
});
