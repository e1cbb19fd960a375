/** SplitShard, MergeShards, UpdateShardCount and stream modes through AWS's client, and reading across them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  CreateStreamCommand,
  DescribeLimitsCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
} from "@aws-sdk/client-kinesis";
import { ACCOUNT, type SdkHarness, startSdkHarness } from "./sdk-harness.ts";

const MIDDLE = String(2n ** 127n);
const id = (index: number) => `shardId-${String(index).padStart(12, "0")}`;
let sdk: SdkHarness;

beforeAll(async () => {
  sdk = await startSdkHarness();
});
afterAll(() => sdk.close());

const create = (StreamName: string, ShardCount: number) =>
  sdk.client.send(new CreateStreamCommand({ StreamName, ShardCount }));
const shardsOf = async (StreamName: string, filter?: object) =>
  (await sdk.client.send(new ListShardsCommand({ StreamName, ShardFilter: filter as never }))).Shards ?? [];
const split = (StreamName: string, ShardToSplit: string, NewStartingHashKey = MIDDLE) =>
  sdk.client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }));
const merge = (StreamName: string, ShardToMerge: string, AdjacentShardToMerge: string) =>
  sdk.client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }));
const scale = (StreamName: string, TargetShardCount: number) =>
  sdk.client.send(
    new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: "UNIFORM_SCALING" }),
  );

describe("SplitShard and MergeShards", () => {
  test("children, lineage, ranges and sequence numbers are as AWS shows them", async () => {
    await create("s", 1);
    await sdk.put("s", "a");
    await split("s", id(0));
    await merge("s", id(1), id(2));
    const shards = await shardsOf("s");
    expect(shards.map((shard) => [shard.ShardId, shard.ParentShardId, shard.AdjacentParentShardId])).toEqual([
      [id(0), undefined, undefined],
      [id(1), id(0), undefined],
      [id(2), id(0), undefined],
      [id(3), id(1), id(2)],
    ]);
    const ranges = shards.map((shard) => shard.SequenceNumberRange);
    expect(ranges.map((range) => range?.EndingSequenceNumber === undefined)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    for (const [parent, child] of [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ] as const) {
      const end = BigInt(ranges[parent]?.EndingSequenceNumber ?? 0);
      expect(BigInt(ranges[child]?.StartingSequenceNumber ?? 0) > end).toBe(true);
    }
    expect((await shardsOf("s", { Type: "AT_LATEST" })).map((shard) => shard.ShardId)).toEqual([id(3)]);
    expect((await shardsOf("s", { Type: "AFTER_SHARD_ID", ShardId: id(1) })).length).toBe(2);
  });

  test("a reader at the end of a closed shard is told its children", async () => {
    await create("read", 1);
    const first = await sdk.put("read", "a");
    await split("read", id(0));
    const { ShardIterator } = await sdk.client.send(
      new GetShardIteratorCommand({ StreamName: "read", ShardId: id(0), ShardIteratorType: "TRIM_HORIZON" }),
    );
    const page = await sdk.client.send(new GetRecordsCommand({ ShardIterator }));
    expect(page.Records?.map((record) => record.SequenceNumber)).toEqual([first]);
    expect(page.NextShardIterator).toBeUndefined();
    expect(page.ChildShards?.map((child) => [child.ShardId, child.ParentShards])).toEqual([
      [id(1), [id(0)]],
      [id(2), [id(0)]],
    ]);
    expect(BigInt(await sdk.put("read", "a")) > BigInt(first)).toBe(true);
  });

  test("what can't be is refused in AWS's order and words", async () => {
    await create("bad", 3);
    await split("bad", id(0), "100");
    const of = `in stream bad under account ${ACCOUNT}`;
    const { errorOf } = sdk;
    expect(await errorOf(split("none", "shard-x"))).toBe(
      `ResourceNotFoundException: Could not find shard shard-x in stream none under account ${ACCOUNT}.`,
    );
    expect(await errorOf(split("none", id(0)))).toBe(
      `ResourceNotFoundException: Stream none under account ${ACCOUNT} not found.`,
    );
    expect(await errorOf(split("bad", id(9)))).toBe(
      `ResourceNotFoundException: Could not find shard ${id(9)} ${of}.`,
    );
    const closed = "has already been merged or split, and thus is not eligible for merging or splitting.";
    expect(await errorOf(split("bad", id(0)))).toBe(
      `InvalidArgumentException: Shard ${id(0)} ${of} ${closed}`,
    );
    const start = 2n ** 128n / 3n;
    expect(await errorOf(split("bad", id(1), String(start + 1n)))).toBe(
      `InvalidArgumentException: NewStartingHashKey ${start + 1n} used in SplitShard() on shard ${id(1)} ${of} is not ` +
        `both greater than one plus the shard's StartingHashKey ${start} and less than the shard's EndingHashKey ` +
        `${start * 2n - 1n}.`,
    );
    expect(await errorOf(merge("bad", id(0), id(1)))).toContain(closed);
    expect(await errorOf(merge("bad", id(2), id(1)))).toBe(
      `InvalidArgumentException: Shards ${id(2)} and ${id(1)} ${of} are not an adjacent pair of shards ` +
        "eligible for merging",
    );
    expect(await errorOf(merge("bad", id(1), id(8)))).toStartWith("ResourceNotFoundException");
  });
});

describe("UpdateShardCount", () => {
  test.each([
    [2, 4, 6],
    [4, 5, 15],
    [4, 2, 6],
    [5, 3, 7],
  ])("from %i to %i leaves %i shards in all", async (from, to, total) => {
    const name = `scale-${from}-${to}`;
    await create(name, from);
    expect(await scale(name, to)).toMatchObject({
      StreamName: name,
      StreamARN: sdk.arn(name),
      CurrentShardCount: from,
      TargetShardCount: to,
    });
    expect(await shardsOf(name)).toHaveLength(total);
    expect(await shardsOf(name, { Type: "AT_LATEST" })).toHaveLength(to);
  });

  test("past double, below half and past the shard limit is refused", async () => {
    await create("three", 3);
    expect(await sdk.errorOf(scale("three", 7))).toStartWith(
      "InvalidArgumentException: UpdateShardCount cannot",
    );
    expect(await sdk.errorOf(scale("three", 1))).toContain("below half");
    expect(await sdk.errorOf(scale("three", 0))).toStartWith("ValidationException: 1 validation error");
    await create("wide", 900);
    const refused = await sdk.errorOf(scale("wide", 1800));
    expect(refused).toStartWith(
      "LimitExceededException: This request would exceed the shard limit for the account",
    );
    expect(refused).toContain(
      "Number of additional shards that would have resulted from this request: 1800.",
    );
    const limits = await sdk.client.send(new DescribeLimitsCommand({}));
    expect(limits).toMatchObject({ ShardLimit: 1000, OnDemandStreamCount: 0, OnDemandStreamCountLimit: 50 });
    expect(limits.OpenShardCount).toBeGreaterThan(900);
  });
});

test("a stream that is deleted in the middle of a reshard is not found, in AWS's words", async () => {
  await create("gone", 1);
  const { broker } = sdk.harness.memory;
  const { reshard } = broker;
  broker.reshard = (stream, request) => {
    const resharded = reshard.call(broker, stream, request);
    void broker.deleteStream("gone");
    return resharded;
  };
  const answer = await sdk.errorOf(split("gone", id(0))).finally(() => (broker.reshard = reshard));
  expect(answer).toBe(`ResourceNotFoundException: Stream gone under account ${ACCOUNT} not found.`);
});

test("an on-demand stream takes no manual resharding until it is provisioned again", async () => {
  const StreamName = "demand";
  const StreamModeDetails = { StreamMode: "ON_DEMAND" } as const;
  await sdk.client.send(new CreateStreamCommand({ StreamName, StreamModeDetails }));
  const describe = async () =>
    (await sdk.client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary;
  expect(await describe()).toMatchObject({ StreamModeDetails, OpenShardCount: 4 });
  const refused = `ValidationException: Request is invalid. Stream demand under account ${ACCOUNT} is in On-Demand mode.`;
  expect(await sdk.errorOf(split("demand", id(0), "5"))).toBe(refused);
  expect(await sdk.errorOf(merge("demand", id(0), id(1)))).toBe(refused);
  expect(await sdk.errorOf(scale("demand", 2))).toBe(refused);
  const StreamARN = sdk.arn("demand");
  await sdk.client.send(
    new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "PROVISIONED" } }),
  );
  expect((await describe())?.StreamModeDetails).toEqual({ StreamMode: "PROVISIONED" });
  await merge("demand", id(0), id(1));
  await sdk.client.send(
    new UpdateStreamModeCommand({ StreamARN, StreamModeDetails, WarmThroughputMiBps: 8 }),
  );
  expect(await describe()).toMatchObject({
    StreamModeDetails,
    WarmThroughput: { TargetMiBps: 8, CurrentMiBps: 8 },
    RecordDistributionStrategy: "USER_PARTITION_KEY",
  });
});

test("DescribeStream pages through shards", async () => {
  await create("pages", 5);
  const seen: string[] = [];
  for (;;) {
    const { StreamDescription } = await sdk.client.send(
      new DescribeStreamCommand({ StreamName: "pages", Limit: 2, ExclusiveStartShardId: seen.at(-1) }),
    );
    seen.push(...(StreamDescription?.Shards ?? []).map((shard) => shard.ShardId ?? ""));
    if (!StreamDescription?.HasMoreShards) break;
  }
  expect(seen).toEqual([0, 1, 2, 3, 4].map(id));
});

test("with a transition time the states are shown for as long, and refuse what AWS refuses in them", async () => {
  const slow = await startSdkHarness({ transitionMs: 50_000 });
  try {
    const { client, clock, errorOf } = slow;
    const StreamName = "slow";
    const status = async () =>
      (await client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary
        ?.StreamStatus;
    await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    expect(await status()).toBe("CREATING");
    const put = () =>
      client.send(new PutRecordCommand({ StreamName, PartitionKey: "k", Data: Buffer.from("v") }));
    expect(await errorOf(put())).toBe(
      `ResourceNotFoundException: Stream slow under account ${ACCOUNT} not found.`,
    );
    const { Shards } = (await client.send(new DescribeStreamCommand({ StreamName }))).StreamDescription ?? {};
    expect(Shards).toEqual([]);
    const iterator = { StreamName, ShardId: id(0), ShardIteratorType: "LATEST" } as const;
    expect(await errorOf(client.send(new GetShardIteratorCommand(iterator)))).toBe(
      `ResourceNotFoundException: Shard ${id(0)} in stream slow under account ${ACCOUNT} does not exist`,
    );
    const splitSlow = () =>
      client.send(new SplitShardCommand({ StreamName, ShardToSplit: id(0), NewStartingHashKey: MIDDLE }));
    expect(await errorOf(splitSlow())).toBe(
      `ResourceInUseException: Stream slow under account ${ACCOUNT} not ACTIVE, instead in state CREATING`,
    );
    clock.timeMs += 50_000;
    expect(await status()).toBe("ACTIVE");
    await splitSlow();
    expect(await status()).toBe("UPDATING");
    await put();
    expect(await errorOf(splitSlow())).toContain("instead in state UPDATING");
  } finally {
    await slow.close();
  }
});
