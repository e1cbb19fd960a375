/** Creating, deleting, describing and listing streams and shards, a page at a time. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Json, KinesisHarness, ManualClock } from "./kinesis-harness.ts";
import { ReshardedBroker } from "./resharded-broker.ts";

const clock = new ManualClock();
let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start({ clock });
});
afterAll(() => harness.stop());

const shardIds = (reply: Json) =>
  (reply["Shards"] as unknown as { ShardId: string }[]).map((shard) => Number(shard.ShardId.slice(-4)));
const errorOf = async (operation: string, body: object) =>
  (await harness.call(operation, body)).body as unknown;

describe("CreateStream", () => {
  test("tiles the hash keys as AWS does", async () => {
    await harness.ok("CreateStream", { StreamName: "three", ShardCount: 3 });
    const { StreamDescription } = await harness.ok("DescribeStream", { StreamName: "three" });
    const shards = StreamDescription?.["Shards"] as unknown as { HashKeyRange: object }[];
    expect(shards.map((shard) => shard.HashKeyRange)).toEqual([
      { StartingHashKey: "0", EndingHashKey: "113427455640312821154458202477256070484" },
      {
        StartingHashKey: "113427455640312821154458202477256070485",
        EndingHashKey: "226854911280625642308916404954512140969",
      },
      {
        StartingHashKey: "226854911280625642308916404954512140970",
        EndingHashKey: "340282366920938463463374607431768211455",
      },
    ]);
  });

  test("gives 4 shards when no count is asked for", async () => {
    await harness.ok("CreateStream", { StreamName: "four" });
    await harness.ok("CreateStream", {
      StreamName: "demand",
      StreamModeDetails: { StreamMode: "ON_DEMAND" },
    });
    for (const StreamName of ["four", "demand"]) {
      expect(shardIds(await harness.ok("ListShards", { StreamName }))).toEqual([0, 1, 2, 3]);
    }
  });

  test("refuses a name in use, a path for a name, a count in on-demand mode, too many shards", async () => {
    await harness.ok("CreateStream", { StreamName: "once", ShardCount: 1 });
    expect(await errorOf("CreateStream", { StreamName: "once", ShardCount: 1 })).toEqual({
      __type: "ResourceInUseException",
      message: "Stream once under account 000000000000 already exists.",
    });
    for (const StreamName of [".", ".."]) {
      expect(await errorOf("CreateStream", { StreamName })).toMatchObject({
        __type: "InvalidArgumentException",
      });
    }
    const mode = { StreamName: "m", ShardCount: 1, StreamModeDetails: { StreamMode: "ON_DEMAND" } };
    expect(await errorOf("CreateStream", mode)).toMatchObject({ __type: "ValidationException" });
    for (const ShardCount of [2 ** 31 - 1, 1e11]) {
      expect(await errorOf("CreateStream", { StreamName: "many", ShardCount })).toMatchObject({
        __type: "LimitExceededException",
        message: expect.stringContaining("resulted from this request: 2147483647."),
      });
    }
    for (const StreamName of [".", "..", "m", "many"])
      expect(harness.memory.broker.streamByName(StreamName)).toBeUndefined();
  });
});

test("DeleteStream of no stream is a ResourceNotFoundException, of none named an InvalidArgumentException", async () => {
  expect(await errorOf("DeleteStream", { StreamName: "gone" })).toMatchObject({
    __type: "ResourceNotFoundException",
  });
  expect(await errorOf("DeleteStream", {})).toMatchObject({ __type: "InvalidArgumentException" });
});

test("no description ever holds a StreamId", async () => {
  await harness.ok("CreateStream", { StreamName: "anonymous", ShardCount: 1 });
  const id = harness.memory.broker.streamByName("anonymous")?.id ?? "";
  for (const operation of ["DescribeStream", "DescribeStreamSummary", "ListShards"]) {
    const text = JSON.stringify(await harness.ok(operation, { StreamName: "anonymous" }));
    expect(text).not.toContain("StreamId");
    expect(text).not.toContain(id);
  }
});

describe("ListStreams", () => {
  let many: KinesisHarness;
  const names = Array.from({ length: 105 }, (_, i) => `s${String(i).padStart(3, "0")}`);
  beforeAll(async () => {
    many = await KinesisHarness.start({ clock });
    for (const StreamName of names) await many.ok("CreateStream", { StreamName, ShardCount: 1 });
  });
  afterAll(() => many.stop());

  test("gives at most 100 names a page, in order", async () => {
    const first = await many.ok("ListStreams", { Limit: 10_000 });
    expect(first["StreamNames"] as unknown).toEqual(names.slice(0, 100));
    expect(first["HasMoreStreams"] as unknown).toBe(true);
    const second = await many.ok("ListStreams", { NextToken: first["NextToken"] });
    expect(second["StreamNames"] as unknown).toEqual(names.slice(100));
    expect(second["HasMoreStreams"] as unknown).toBe(false);
    expect(second["NextToken"]).toBeUndefined();
  });

  test("goes on behind a name", async () => {
    const page = await many.ok("ListStreams", { ExclusiveStartStreamName: "s050x", Limit: 2 });
    expect(page["StreamNames"] as unknown).toEqual(["s051", "s052"]);
    expect(page["StreamSummaries"] as unknown).toMatchObject([
      {
        StreamName: "s051",
        StreamStatus: "ACTIVE",
        StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s051",
      },
      { StreamName: "s052", StreamModeDetails: { StreamMode: "PROVISIONED" } },
    ]);
  });
});

describe("pages of shards", () => {
  beforeAll(() => harness.ok("CreateStream", { StreamName: "wide", ShardCount: 110 }));
  const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  test("DescribeStream gives at most 100, and goes on behind a shard", async () => {
    const { StreamDescription: first } = await harness.ok("DescribeStream", { StreamName: "wide" });
    expect(shardIds(first as Json)).toEqual(upTo(0, 100));
    expect(first?.["HasMoreShards"] as unknown).toBe(true);
    const { StreamDescription: rest } = await harness.ok("DescribeStream", {
      StreamName: "wide",
      ExclusiveStartShardId: "shardId-000000000099",
    });
    expect(shardIds(rest as Json)).toEqual(upTo(100, 110));
    expect(rest?.["HasMoreShards"] as unknown).toBe(false);
  });

  test("ListShards follows its next token, which stands for stream and filter", async () => {
    let reply = await harness.ok("ListShards", {
      StreamName: "wide",
      MaxResults: 40,
      ShardFilter: { Type: "AFTER_SHARD_ID", ShardId: "shardId-000000000009" },
    });
    const pages = [shardIds(reply)];
    while (reply["NextToken"] !== undefined) {
      reply = await harness.ok("ListShards", { NextToken: reply["NextToken"], MaxResults: 40 });
      pages.push(shardIds(reply));
    }
    expect(pages).toEqual([upTo(10, 50), upTo(50, 90), upTo(90, 110)]);
  });

  test("a next token excludes naming the stream, expires, and can't be made up", async () => {
    const { NextToken } = await harness.ok("ListShards", { StreamName: "wide", MaxResults: 1 });
    expect(await errorOf("ListShards", { NextToken, StreamName: "wide" })).toEqual({
      __type: "InvalidArgumentException",
      message: "NextToken and StreamName cannot be provided together.",
    });
    expect(await errorOf("ListShards", {})).toMatchObject({ __type: "InvalidArgumentException" });
    expect(await errorOf("ListShards", { NextToken: "AAAA" })).toMatchObject({
      message: "Invalid NextToken.",
    });
    expect(await errorOf("ListStreams", { NextToken })).toMatchObject({ message: "Invalid NextToken." });
    clock.timeMs += 300_001;
    expect(await errorOf("ListShards", { NextToken })).toMatchObject({ __type: "ExpiredNextTokenException" });
  });
});

describe("ShardFilter, on a stream that was split and merged", () => {
  const hourMs = 3_600_000;
  const createdAtMs = clock.timeMs - 4 * hourMs;
  let resharded: KinesisHarness;
  beforeAll(async () => {
    resharded = await KinesisHarness.start({ clock, broker: new ReshardedBroker(createdAtMs, 24 * hourMs) });
  });
  afterAll(() => resharded.stop());

  const at = (hours: number) => (createdAtMs + hours * hourMs) / 1000;
  const cases: [object | undefined, number[]][] = [
    [undefined, [0, 1, 2, 3]],
    [{ Type: "FROM_TRIM_HORIZON" }, [0, 1, 2, 3]],
    [{ Type: "AT_TRIM_HORIZON" }, [0]],
    [{ Type: "AT_LATEST" }, [3]],
    [{ Type: "AFTER_SHARD_ID", ShardId: "shardId-000000000001" }, [2, 3]],
    [{ Type: "AT_TIMESTAMP", Timestamp: at(1.5) }, [1, 2]],
    [{ Type: "AT_TIMESTAMP", Timestamp: at(3) }, [3]],
    [{ Type: "AT_TIMESTAMP", Timestamp: at(-5) }, [0]],
    [{ Type: "FROM_TIMESTAMP", Timestamp: at(1.5) }, [1, 2, 3]],
  ];
  for (const [ShardFilter, expected] of cases) {
    test(JSON.stringify(ShardFilter) ?? "none", async () => {
      expect(shardIds(await resharded.ok("ListShards", { StreamName: "s", ShardFilter }))).toEqual(expected);
    });
  }

  test("needs what its type speaks of", async () => {
    for (const Type of ["AT_TIMESTAMP", "FROM_TIMESTAMP", "AFTER_SHARD_ID"]) {
      const reply = await resharded.call("ListShards", { StreamName: "s", ShardFilter: { Type } });
      expect(reply.body as unknown).toMatchObject({ __type: "InvalidArgumentException" });
    }
  });

  test("closed shards show their parents and where they end", async () => {
    const { Shards } = await resharded.ok("ListShards", { StreamName: "s" });
    const [first, , , last] = Shards as unknown as { SequenceNumberRange: Record<string, string> }[];
    expect(first?.SequenceNumberRange["EndingSequenceNumber"]).toMatch(/^\d{56}$/);
    expect(last).toMatchObject({
      ParentShardId: "shardId-000000000001",
      AdjacentParentShardId: "shardId-000000000002",
    });
    expect(last?.SequenceNumberRange["EndingSequenceNumber"]).toBeUndefined();
  });

  test("the summary counts open shards only", async () => {
    const { StreamDescriptionSummary } = await resharded.ok("DescribeStreamSummary", { StreamName: "s" });
    expect(StreamDescriptionSummary?.["OpenShardCount"] as unknown).toBe(1);
  });

  test("StreamCreationTimestamp must be the stream's own", async () => {
    const own = await resharded.call("ListShards", {
      StreamName: "s",
      StreamCreationTimestamp: Math.floor(createdAtMs / 1000),
    });
    expect(own.status).toBe(200);
    const other = await resharded.call("ListShards", { StreamName: "s", StreamCreationTimestamp: 1 });
    expect(other.body as unknown).toMatchObject({ __type: "ResourceNotFoundException" });
  });
});
