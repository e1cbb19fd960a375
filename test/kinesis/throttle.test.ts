/** AWS's limits of throughput and calls, which --kinesis-limits=aws asks for, on a clock that the test moves. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RateWindow } from "../../src/kinesis/rate-window.ts";
import { type Json, KinesisHarness, ManualClock } from "./kinesis-harness.ts";

const clock = new ManualClock();
let harness: KinesisHarness;

beforeAll(async () => {
  harness = await KinesisHarness.start({ clock, rates: "aws", transitionMs: 0 });
});
afterAll(() => harness.stop());

/** A stream of its own with one or more shards, and a second that nobody has used yet. */
async function freshStream(StreamName: string, ShardCount = 1): Promise<string> {
  nextSecond();
  await harness.ok("CreateStream", { StreamName, ShardCount });
  nextSecond();
  return StreamName;
}

function nextSecond(seconds = 1): void {
  clock.timeMs += seconds * 1000;
}

function base64(bytes: number): string {
  return Buffer.alloc(bytes).toString("base64");
}

const rateExceeded = (stream: string) =>
  `Rate exceeded for shard shardId-000000000000 in stream ${stream} under account 000000000000.`;

describe("a window", () => {
  test("takes its measure and no more until it is over", () => {
    const window = new RateWindow(5);
    for (let i = 0; i < 5; i++) {
      expect(window.allows(1, 0)).toBe(true);
      window.take(1, 0);
    }
    expect([window.allows(1, 0), window.allows(1, 999), window.allows(1, 1000)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("that took more than its measure at once lasts as much longer", () => {
    const window = new RateWindow(2);
    expect(window.allows(10, 0)).toBe(true);
    window.take(10, 0);
    expect([window.allows(0, 4999), window.allows(0, 5000)]).toEqual([false, true]);
  });
});

describe("a shard", () => {
  test("takes 1,000 records a second; PutRecords answers 200 and names those that it does not take", async () => {
    const StreamName = await freshStream("records");
    const entry = { Data: "", PartitionKey: "k" };
    const put = (count: number) =>
      harness.ok("PutRecords", { StreamName, Records: Array.from({ length: count }, () => entry) });
    expect((await put(500))["FailedRecordCount"]).toEqual(0 as never);
    expect((await put(499))["FailedRecordCount"]).toEqual(0 as never);
    const last = await put(3);
    expect(last["FailedRecordCount"]).toEqual(2 as never);
    expect(last["Records"]?.[0]).toHaveProperty("SequenceNumber");
    const refused = {
      ErrorCode: "ProvisionedThroughputExceededException",
      ErrorMessage: rateExceeded(StreamName),
    };
    expect([last["Records"]?.[1], last["Records"]?.[2]]).toEqual([refused, refused] as never);
    expect(await harness.call("PutRecord", { StreamName, ...entry })).toMatchObject({
      status: 400,
      body: { __type: "ProvisionedThroughputExceededException", message: rateExceeded(StreamName) },
    });
    nextSecond();
    expect((await put(1))["FailedRecordCount"]).toEqual(0 as never);
    // What was refused is not there: 1,000 of the first second, and one more.
    const ShardIterator = await harness.iterator(StreamName, "TRIM_HORIZON");
    const { Records } = await harness.ok("GetRecords", { ShardIterator });
    expect((Records as unknown as Json[]).length).toBe(1001);
  });

  test("takes 1 MiB a second with the keys; one shard's refusal is not another's", async () => {
    const StreamName = await freshStream("bytes", 2);
    const to = (ExplicitHashKey: string, bytes: number) => ({
      Data: base64(bytes),
      PartitionKey: "key",
      ExplicitHashKey,
    });
    const top = (2n ** 128n - 1n).toString();
    const half = 512 * 1024 - 3;
    const Records = [to("0", half), to("0", half), to("0", 0), to(top, half)];
    const answer = await harness.ok("PutRecords", { StreamName, Records });
    expect(answer["FailedRecordCount"]).toEqual(1 as never);
    const results = answer["Records"] as unknown as Json[];
    expect(results.map((result) => result["ErrorCode"] ?? result["ShardId"])).toEqual([
      "shardId-000000000000",
      "shardId-000000000000",
      "ProvisionedThroughputExceededException",
      "shardId-000000000001",
    ] as never[]);
  });

  test("gives five replies a second, and five iterators", async () => {
    const StreamName = await freshStream("reads");
    const request = { StreamName, ShardId: "shardId-000000000000", ShardIteratorType: "TRIM_HORIZON" };
    const exceeded = { __type: "ProvisionedThroughputExceededException", message: rateExceeded(StreamName) };
    let ShardIterator: Json | undefined;
    for (let i = 0; i < 5; i++)
      ShardIterator = (await harness.ok("GetShardIterator", request))["ShardIterator"];
    expect((await harness.call("GetShardIterator", request)).body).toEqual(exceeded as never);
    for (let i = 0; i < 5; i++) await harness.ok("GetRecords", { ShardIterator });
    expect(await harness.call("GetRecords", { ShardIterator })).toMatchObject({
      status: 400,
      body: exceeded,
    });
    nextSecond();
    await harness.ok("GetRecords", { ShardIterator });
  });

  test("that gave 10 MiB gives nothing for the next five seconds", async () => {
    const StreamName = await freshStream("large");
    for (let second = 0; second < 10; second++) {
      await harness.ok("PutRecord", { StreamName, PartitionKey: "k", Data: base64(1024 * 1024 - 1) });
      nextSecond();
    }
    const ShardIterator = await harness.iterator(StreamName, "TRIM_HORIZON");
    const { Records } = await harness.ok("GetRecords", { ShardIterator });
    expect((Records as unknown as Json[]).length).toBe(10);
    nextSecond(4);
    expect((await harness.call("GetRecords", { ShardIterator })).body).toMatchObject({
      __type: "ProvisionedThroughputExceededException",
    });
    nextSecond(1);
    await harness.ok("GetRecords", { ShardIterator });
  });
});

describe("an operation", () => {
  test("of an account is called so often a second and no more, whatever its input", async () => {
    nextSecond();
    await harness.ok("DescribeLimits", {});
    expect(await harness.call("DescribeLimits", {})).toMatchObject({
      status: 400,
      body: {
        __type: "LimitExceededException",
        message: "Rate exceeded for account 000000000000. DescribeLimits: 1 a second.",
      },
    });
    nextSecond();
    await harness.ok("DescribeLimits", {});
  });

  test("on a stream is counted for that stream, by name or by ARN", async () => {
    const [one, two] = [await freshStream("one"), await freshStream("two")];
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${one}`;
    for (let i = 0; i < 5; i++)
      await harness.ok("ListTagsForStream", i % 2 === 0 ? { StreamName: one } : { StreamARN });
    expect((await harness.call("ListTagsForStream", { StreamARN })).body).toEqual({
      __type: "LimitExceededException",
      message: "Rate exceeded for stream one under account 000000000000. ListTagsForStream: 5 a second.",
    } as never);
    await harness.ok("ListTagsForStream", { StreamName: two });
  });

  test("that reshapes a stream has a number for a day: ten scalings, two changes of mode", async () => {
    const StreamName = await freshStream("day");
    const scale = (TargetShardCount: number) =>
      harness.call("UpdateShardCount", { StreamName, TargetShardCount, ScalingType: "UNIFORM_SCALING" });
    for (let i = 0; i < 10; i++) {
      expect((await scale(i % 2 === 0 ? 2 : 1)).status).toBe(200);
      nextSecond(2);
    }
    expect((await scale(2)).body).toEqual({
      __type: "LimitExceededException",
      message:
        "UpdateShardCount can be called 10 times in 24 hours for stream day under account 000000000000.",
    } as never);
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${StreamName}`;
    const mode = (StreamMode: string) =>
      harness.call("UpdateStreamMode", { StreamARN, StreamModeDetails: { StreamMode } });
    expect((await mode("ON_DEMAND")).status).toBe(200);
    expect((await mode("PROVISIONED")).status).toBe(200);
    expect((await mode("ON_DEMAND")).body).toMatchObject({ __type: "LimitExceededException" });
    nextSecond(86_400);
    expect((await mode("ON_DEMAND")).status).toBe(200);
  });
});

describe("an account", () => {
  test("has five streams in CREATING at a time", async () => {
    const slow = await KinesisHarness.start({ clock, rates: "aws", transitionMs: 60_000 });
    const create = (StreamName: string) => slow.call("CreateStream", { StreamName, ShardCount: 1 });
    for (let i = 0; i < 5; i++) {
      expect((await create(`s${i}`)).status).toBe(200);
      nextSecond();
    }
    expect((await create("s5")).body).toEqual({
      __type: "LimitExceededException",
      message:
        "Account 000000000000 in us-east-1 has 5 streams in state CREATING, and can have no more at a time.",
    } as never);
    nextSecond(60);
    expect((await create("s5")).status).toBe(200);
    await slow.stop();
  });

  test("has 50 streams in on-demand mode, made so or changed to it", async () => {
    const StreamModeDetails = { StreamMode: "ON_DEMAND" };
    const full = await KinesisHarness.start({ clock, rates: "aws" });
    for (let i = 0; i < 50; i++) {
      if (i % 5 === 0) nextSecond();
      await full.ok("CreateStream", { StreamName: `s${i}`, StreamModeDetails });
    }
    nextSecond();
    const refused = {
      __type: "LimitExceededException",
      message:
        "Account 000000000000 in us-east-1 has 50 streams in On-Demand mode, and can have no more at a time.",
    };
    expect((await full.call("CreateStream", { StreamName: "more", StreamModeDetails })).body).toEqual(
      refused as never,
    );
    await full.ok("CreateStream", { StreamName: "provisioned", ShardCount: 1 });
    const StreamARN = "arn:aws:kinesis:us-east-1:000000000000:stream/provisioned";
    expect((await full.call("UpdateStreamMode", { StreamARN, StreamModeDetails })).body).toEqual(
      refused as never,
    );
    await full.stop();
  });
});

test("without it nothing of this holds", async () => {
  const free = await KinesisHarness.start({ clock });
  await free.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const Records = Array.from({ length: 500 }, () => ({ Data: base64(4096), PartitionKey: "k" }));
  for (let i = 0; i < 3; i++)
    expect((await free.ok("PutRecords", { StreamName: "s", Records }))["FailedRecordCount"]).toEqual(
      0 as never,
    );
  for (let i = 0; i < 12; i++) await free.ok("DescribeLimits", {});
  const ShardIterator = await free.iterator("s", "TRIM_HORIZON");
  for (let i = 0; i < 6; i++) await free.ok("GetRecords", { ShardIterator });
  await free.stop();
});
