/** GetShardIterator: the five types, what goes together, and tokens that were tampered with. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Json, KinesisHarness, ManualClock } from "./kinesis-harness.ts";

const clock = new ManualClock();
let harness: KinesisHarness;
const numbers: string[] = [];
const firstMs = clock.timeMs;

beforeAll(async () => {
  harness = await KinesisHarness.start({ clock });
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 2 });
  for (let i = 0; i < 4; i++) {
    const reply = await harness.ok("PutRecord", {
      StreamName: "s",
      PartitionKey: "k",
      ExplicitHashKey: "0",
      Data: Buffer.from(`${i}`).toString("base64"),
    });
    numbers.push(String(reply["SequenceNumber"]));
    clock.timeMs += 1000;
  }
});
afterAll(() => harness.stop());

async function read(ShardIterator: unknown): Promise<string[]> {
  const reply: Json = await harness.ok("GetRecords", { ShardIterator });
  const records = reply["Records"] as unknown as { Data: string }[];
  return records.map((record) => Buffer.from(record.Data, "base64").toString());
}

describe("starts", () => {
  test("at the oldest record", async () => {
    expect(await read(await harness.iterator("s", "TRIM_HORIZON"))).toEqual(["0", "1", "2", "3"]);
  });

  test("behind the newest, also for what comes later", async () => {
    await harness.ok("CreateStream", { StreamName: "late", ShardCount: 1 });
    const iterator = await harness.iterator("late", "LATEST");
    await harness.ok("PutRecord", { StreamName: "late", PartitionKey: "k", Data: "MQ==" });
    expect(await read(iterator)).toEqual(["1"]);
  });

  test("at and after a sequence number", async () => {
    const StartingSequenceNumber = numbers[1];
    expect(await read(await harness.iterator("s", "AT_SEQUENCE_NUMBER", { StartingSequenceNumber }))).toEqual(
      ["1", "2", "3"],
    );
    expect(
      await read(await harness.iterator("s", "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber })),
    ).toEqual(["2", "3"]);
  });

  test("at a shard's starting sequence number", async () => {
    const { Shards } = await harness.ok("ListShards", { StreamName: "s" });
    const { StartingSequenceNumber } = Shards?.[0]?.["SequenceNumberRange"] as Json;
    for (const type of ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]) {
      expect(await read(await harness.iterator("s", type, { StartingSequenceNumber }))).toHaveLength(4);
    }
  });

  test("at a time", async () => {
    const at = async (ms: number) =>
      read(await harness.iterator("s", "AT_TIMESTAMP", { Timestamp: ms / 1000 }));
    expect(await at(0)).toHaveLength(4);
    expect(await at(firstMs)).toHaveLength(4);
    expect(await at(firstMs + 1)).toEqual(["1", "2", "3"]);
    expect(await at(firstMs + 3000)).toEqual(["3"]);
    expect(await at(firstMs + 3001)).toEqual([]);
  });

  test("at a time in a shard without records", async () => {
    const iterator = await harness.iterator("s", "AT_TIMESTAMP", {
      Timestamp: 0,
      ShardId: "shardId-000000000001",
    });
    expect(await read(iterator)).toEqual([]);
  });
});

describe("is refused", () => {
  const pair = (type: string, what: string) =>
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or " +
    `(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ${type} and ${what} StartingSequenceNumber.`;
  const bad = (number: string) =>
    `StartingSequenceNumber ${number} used in GetShardIterator on shard shardId-000000000000 in stream s under account 000000000000 is invalid`;
  const cases: [string, () => object, string][] = [
    [
      "LATEST with a sequence number",
      () => ({ ShardIteratorType: "LATEST", StartingSequenceNumber: "1" }),
      pair("LATEST", "also a"),
    ],
    [
      "AT_SEQUENCE_NUMBER without one",
      () => ({ ShardIteratorType: "AT_SEQUENCE_NUMBER" }),
      pair("AT_SEQUENCE_NUMBER", "no"),
    ],
    [
      "a number that is none",
      () => ({ ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: "1" }),
      `${bad("1")}.`,
    ],
    [
      "a number never given out",
      () => ({
        ShardIteratorType: "AT_SEQUENCE_NUMBER",
        StartingSequenceNumber: String(BigInt(numbers[3] ?? 0) + (1n << 80n)),
      }),
      "is invalid.",
    ],
    [
      "a number of another stream",
      () => ({
        ShardIteratorType: "AT_SEQUENCE_NUMBER",
        StartingSequenceNumber: String(BigInt(numbers[3] ?? 0) + (1n << 148n)),
      }),
      "is invalid because it did not come from this stream.",
    ],
    [
      "a number of another shard",
      () => ({
        ShardId: "shardId-000000000001",
        ShardIteratorType: "AT_SEQUENCE_NUMBER",
        StartingSequenceNumber: numbers[0],
      }),
      "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001",
    ],
    [
      "AT_TIMESTAMP without a time",
      () => ({ ShardIteratorType: "AT_TIMESTAMP" }),
      "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.",
    ],
    [
      "a time to come",
      () => ({ ShardIteratorType: "AT_TIMESTAMP", Timestamp: clock.timeMs / 1000 + 1 }),
      "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.",
    ],
  ];
  for (const [name, request, message] of cases) {
    test(name, async () => {
      const body = { StreamName: "s", ShardId: "shardId-000000000000", ...request() };
      const reply = await harness.call("GetShardIterator", body);
      expect(reply).toMatchObject({ status: 400, body: { __type: "InvalidArgumentException" } });
      expect(String(reply.body["message"])).toContain(message);
    });
  }

  for (const [ShardId, message] of [
    [
      "shardId-000000000002",
      "Shard shardId-000000000002 in stream s under account 000000000000 does not exist",
    ],
    ["shardId-x", "Could not find shard shardId-x in stream s under account 000000000000."],
    ["shardId-2147483648", "Could not find shard shardId-2147483648 in stream s under account 000000000000."],
  ] as const) {
    test(`the shard ${ShardId}`, async () => {
      const reply = await harness.call("GetShardIterator", {
        StreamName: "s",
        ShardId,
        ShardIteratorType: "LATEST",
      });
      expect(reply).toMatchObject({ status: 400, body: { __type: "ResourceNotFoundException", message } });
    });
  }
});

test.each([
  ["0", "Shard shardId-000000000000 in stream none under account 000000000000 does not exist"],
  ["a-00002147483647", "Shard shardId-002147483647 in stream none under account 000000000000 does not exist"],
  ["-00002147483648", "Could not find shard -00002147483648 in stream none under account 000000000000."],
  ["shardId-x", "Could not find shard shardId-x in stream none under account 000000000000."],
])("a stream that is not there is a shard that is not there, as with AWS: %s", async (ShardId, message) => {
  const body = { StreamName: "none", ShardId, ShardIteratorType: "LATEST" };
  const reply = await harness.call("GetShardIterator", body);
  expect(reply).toMatchObject({ status: 400, body: { __type: "ResourceNotFoundException", message } });
});

test("short shard ids are understood", async () => {
  for (const ShardId of ["0", "shardId-0", "x-0"]) {
    expect(await read(await harness.iterator("s", "TRIM_HORIZON", { ShardId }))).toHaveLength(4);
  }
});

describe("a shard iterator", () => {
  const refused = {
    status: 400,
    body: { __type: "InvalidArgumentException", message: "Invalid ShardIterator." },
  };

  test("is refused when any bit of it was changed", async () => {
    const bytes = Buffer.from(await harness.iterator("s", "TRIM_HORIZON"), "base64");
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(await harness.call("GetRecords", { ShardIterator: forged.toString("base64") })).toMatchObject(
        refused,
      );
    }
  });

  test("is refused when it is another text", async () => {
    const iterator = await harness.iterator("s", "TRIM_HORIZON");
    for (const ShardIterator of [
      "x",
      "AAAA",
      iterator.slice(0, -4),
      `${iterator}AAAA`,
      `${iterator} `,
      '"',
    ]) {
      expect(await harness.call("GetRecords", { ShardIterator })).toMatchObject(refused);
    }
  });

  test("may come in double quotes", async () => {
    expect(await read(`"${await harness.iterator("s", "TRIM_HORIZON")}"`)).toHaveLength(4);
  });

  test("lives for five minutes and no longer", async () => {
    const ShardIterator = await harness.iterator("s", "TRIM_HORIZON");
    clock.timeMs += 300_000;
    expect(await read(ShardIterator)).toHaveLength(4);
    clock.timeMs += 1;
    const reply = await harness.call("GetRecords", { ShardIterator });
    expect(reply).toMatchObject({ status: 400, body: { __type: "ExpiredIteratorException" } });
  });

  test("does not work on a later stream of the same name", async () => {
    await harness.ok("CreateStream", { StreamName: "twice", ShardCount: 1 });
    const ShardIterator = await harness.iterator("twice", "TRIM_HORIZON");
    await harness.ok("DeleteStream", { StreamName: "twice" });
    await harness.ok("CreateStream", { StreamName: "twice", ShardCount: 1 });
    const reply = await harness.call("GetRecords", { ShardIterator });
    expect(reply.body).toMatchObject({ __type: "ResourceNotFoundException" });
  });

  test("is no next token", async () => {
    const NextToken = await harness.iterator("s", "TRIM_HORIZON");
    const reply = await harness.call("ListShards", { NextToken });
    expect(reply.body).toMatchObject({ __type: "InvalidArgumentException", message: "Invalid NextToken." });
  });
});
