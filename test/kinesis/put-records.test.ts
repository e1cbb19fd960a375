/** PutRecord and PutRecords: routing, order, rules that fail a whole request, failures of one shard. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { VoikError } from "../../src/base/errors.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 4 });
});
afterAll(() => harness.stop());

interface Result {
  ShardId?: string;
  SequenceNumber?: string;
  ErrorCode?: string;
  ErrorMessage?: string;
}
const put = async (Records: object[]) =>
  (await harness.ok("PutRecords", { StreamName: "s", Records }))["Records"] as unknown as Result[];
const shardOf = (result: Result | undefined) => Number(result?.ShardId?.slice(-4));
const keyInShard = (shard: number) => String(2n ** 126n * BigInt(shard) + 5n);

test("records go where MD5 of their key, or their explicit hash key, says", async () => {
  // MD5 of a, b and c starts with 0cc1, 92eb and 4a8a.
  const results = await put([
    { Data: "", PartitionKey: "a" },
    { Data: "", PartitionKey: "b" },
    { Data: "", PartitionKey: "c" },
    { Data: "", PartitionKey: "a", ExplicitHashKey: keyInShard(3) },
    { Data: "", PartitionKey: "a", ExplicitHashKey: String(2n ** 128n - 1n) },
  ]);
  expect(results.map(shardOf)).toEqual([0, 2, 1, 3, 3]);
});

test("results stand in the order of the request, and sequence numbers ascend in each shard", async () => {
  const keys = Array.from({ length: 500 }, (_, i) => i % 4);
  const results = await put(
    keys.map((shard) => ({ Data: "", PartitionKey: "k", ExplicitHashKey: keyInShard(shard) })),
  );
  expect(results.map(shardOf)).toEqual(keys);
  for (const shard of [0, 1, 2, 3]) {
    const numbers = results
      .filter((result) => shardOf(result) === shard)
      .map((result) => BigInt(result.SequenceNumber ?? 0));
    expect(numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0n))).toBe(true);
  }
});

test("what fails in one shard fails there only", async () => {
  const log = memoryLogOf(harness.memory.broker.streamByName("s")?.shards[1] as never);
  log.appendError = new VoikError("storage_failed", "the volume failed");
  const reply = await harness.ok("PutRecords", {
    StreamName: "s",
    Records: [0, 1, 2, 1].map((shard) => ({
      Data: "",
      PartitionKey: "k",
      ExplicitHashKey: keyInShard(shard),
    })),
  });
  log.appendError = undefined;
  expect(reply["FailedRecordCount"] as unknown).toBe(2);
  const failed = { ErrorCode: "InternalFailure", ErrorMessage: "the volume failed" };
  expect(reply["Records"] as unknown).toMatchObject([
    { ShardId: "shardId-000000000000" },
    failed,
    { ShardId: "shardId-000000000002" },
    failed,
  ]);
});

test("an explicit hash key of 2^128 fails the whole request", async () => {
  const before = harness.memory.broker.streamByName("s")?.shards.map((shard) => shard.log.endOffset);
  const above = String(2n ** 128n);
  const Records = [
    { Data: "", PartitionKey: "a" },
    { Data: "", PartitionKey: "a", ExplicitHashKey: above },
  ];
  expect((await harness.call("PutRecords", { StreamName: "s", Records })).body as unknown).toEqual({
    __type: "InvalidArgumentException",
    message: `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${above}`,
  });
  expect(harness.memory.broker.streamByName("s")?.shards.map((shard) => shard.log.endOffset)).toEqual(
    before as number[],
  );
});

describe("SequenceNumberForOrdering", () => {
  const record = (SequenceNumberForOrdering: string) => ({
    StreamName: "s",
    PartitionKey: "a",
    Data: "",
    SequenceNumberForOrdering,
  });

  test("of an earlier record gives a larger number", async () => {
    const first = String(
      (await harness.ok("PutRecord", { StreamName: "s", PartitionKey: "a", Data: "" }))["SequenceNumber"],
    );
    const second = String((await harness.ok("PutRecord", record(first)))["SequenceNumber"]);
    expect(BigInt(second) > BigInt(first)).toBe(true);
  });

  const SHARD = "00000000";
  const seconds = (later: number) => (Math.floor(Date.now() / 1000) + later).toString(16).padStart(9, "0");
  const decimal = (hex: string) => String(BigInt(`0x${hex}`));

  test.each([
    ["all zeros", `2${"0".repeat(45)}2`],
    ["as large as it can be", "2ffffffffff7fffffffffffffff000000000007fffffff2"],
    ["of this second, of another stream's shard", `2ffffffffff7fffffff7fffffff00${seconds(0)}7fffffff2`],
    ["of version 1", `2${"0".repeat(45)}1`],
    ["of version 1 and this second", `2000000000000${seconds(0)}${"0".repeat(16)}${SHARD}1`],
  ])("may be a number that this stream never gave out, of the past: %s", async (_what, hex) => {
    expect((await harness.call("PutRecord", record(decimal(hex)))).status).toBe(200);
  });

  test.each([
    ["of the future", `2${"0".repeat(28)}${seconds(10)}${SHARD}2`],
    ["of version 1 and the future", `2000000000000${seconds(10)}${"0".repeat(16)}${SHARD}1`],
    ["of version 0", `2${"0".repeat(46)}`],
    ["of version 4", `2${"0".repeat(45)}4`],
    ["that begins with 1", "1ffffffffff7fffffffffffffff000000000007fffffff2"],
    ["that begins with 3", `3${"0".repeat(45)}1`],
    ["with too large an index", `2${"0".repeat(10)}8${"0".repeat(34)}2`],
    ["with too large a shard", `2${"0".repeat(37)}800000002`],
    ["of version 0, too far in the future", "13bb2cc3d80000000000000000000000"],
    ["of a single digit", "1"],
    ["of 128 digits", BigInt("9".repeat(128)).toString(16)],
  ])("can't be a number %s", async (_what, hex) => {
    expect((await harness.call("PutRecord", record(decimal(hex)))).body as unknown).toEqual({
      __type: "InvalidArgumentException",
      message: `ExclusiveMinimumSequenceNumber ${decimal(hex)} used in PutRecord on stream s under account 000000000000 is invalid.`,
    });
  });

  test("of this stream is good when the clock has stepped back behind its shards", async () => {
    let nowMs = Date.now();
    const later = await KinesisHarness.start({ clock: { ...systemClock, nowMs: () => nowMs } });
    await later.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
    const { SequenceNumber } = await later.ok("PutRecord", { StreamName: "s", PartitionKey: "a", Data: "" });
    nowMs -= 3_600_000;
    await later.ok("PutRecord", record(String(SequenceNumber)));
    await later.stop();
  });
});

test("empty data and a key of 256 characters are taken", async () => {
  expect(
    (await harness.call("PutRecord", { StreamName: "s", PartitionKey: "ж".repeat(256), Data: "" })).status,
  ).toBe(200);
});

test("a stream that is not there is a ResourceNotFoundException", async () => {
  const reply = await harness.call("PutRecords", {
    StreamName: "none",
    Records: [{ Data: "", PartitionKey: "a" }],
  });
  expect(reply.body as unknown).toEqual({
    __type: "ResourceNotFoundException",
    message: "Stream none under account 000000000000 not found.",
  });
});

test("large puts go to the log while others wait for the disk, however many these are", async () => {
  const log = memoryLogOf(harness.memory.broker.streamByName("s")?.shards[2] as never);
  const Records = [
    { Data: "AAEC".repeat(30_000), PartitionKey: "k", ExplicitHashKey: keyInShard(2) },
    { Data: "AQID", PartitionKey: "k", ExplicitHashKey: keyInShard(2) },
  ];
  // After the first one a thread reads them.
  for (let i = 0; i < 20; i++) await put(Records);
  const end = log.endOffset + 2 * 12;
  log.hold();
  const puts = Array.from({ length: 12 }, () => put(Records));
  while (log.endOffset < end) await new Promise(setImmediate);
  log.release();
  expect((await Promise.all(puts)).map((results) => results.map(shardOf))).toEqual(
    Array.from({ length: 12 }, () => [2, 2]),
  );
});
