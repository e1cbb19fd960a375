/**
 * What bad input gets, by type and text: bodies that are no JSON or CBOR as AWS means them, names that look like
 * paths, what is too large, tokens that were changed, borrowed or kept too long, a server that is going away.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Dispatcher } from "../../src/kinesis/dispatch.ts";
import { KinesisMetrics } from "../../src/kinesis/kinesis-metrics.ts";
import { MemoryBudget } from "../../src/kinesis/memory-budget.ts";
import type { Services } from "../../src/kinesis/operation.ts";
import { type Json, KinesisHarness, ManualClock, type Reply } from "./kinesis-harness.ts";

const MIB = 1024 * 1024;
const clock = new ManualClock();
let harness: KinesisHarness;

beforeAll(async () => {
  harness = await KinesisHarness.start({ clock });
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 3 });
  await harness.ok("CreateStream", { StreamName: "t", ShardCount: 3 });
});
afterAll(() => harness.stop());

const arnOf = (stream: string) => `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`;

function expectError(reply: Reply, type: string, message: string): void {
  const name = type === "SerializationException" ? "Message" : "message";
  const text = message === "" ? {} : { [name]: message };
  expect([reply.status, { ...(reply.body as object) }]).toEqual([400, { __type: type, ...text }]);
}

describe("a body", () => {
  test("in JSON that is not UTF-8 is a SerializationException", async () => {
    const body = Buffer.from('{"StreamName":"\xff"}', "latin1");
    expectError(await harness.call("DescribeStream", body), "SerializationException", "");
  });

  test("with a member twice counts as its last", async () => {
    const body = '{"StreamName":"none","StreamName":"s","Limit":1}';
    expect((await harness.call("DescribeStream", body)).status).toBe(200);
  });

  test("with __proto__ in place of its members has none", async () => {
    const body = '{"__proto__":{"StreamName":"s"},"Limit":1}';
    const reply = await harness.call("DescribeStream", body);
    expectError(reply, "InvalidArgumentException", "Either StreamName or StreamARN must be provided.");
    // The same in CBOR: a map of the one text "__proto__" over a map.
    const proto = Buffer.concat([
      Buffer.from([0xa1, 0x69]),
      Buffer.from("__proto__"),
      Buffer.from([0xa1, 0x6a]),
      Buffer.from("StreamName"),
      Buffer.from([0x61, 0x73]),
    ]);
    const cbor = await harness.cbor("DescribeStream", proto);
    expectError(cbor, "InvalidArgumentException", "Either StreamName or StreamARN must be provided.");
    expect(({} as Record<string, unknown>)["StreamName"]).toBeUndefined();
  });

  test("with a number that 32 bits or a double can't hold counts as the nearest they hold, and so is out of range", async () => {
    const most = "'2147483647' at 'limit' failed to satisfy constraint: Member must have value less than";
    const least =
      "'-2147483648' at 'limit' failed to satisfy constraint: Member must have value greater than";
    for (const [Limit, shown] of [
      ["2147483648", most],
      ["4294967297", most],
      ["9007199254740993", most],
      ["1e400", most],
      ["-4294967295", least],
      ["-1e400", least],
    ] as const) {
      const reply = await harness.call("DescribeStream", `{"StreamName":"s","Limit":${Limit}}`);
      const body = { __type: "ValidationException", message: expect.stringContaining(shown) };
      expect(reply).toMatchObject({ status: 400, body });
    }
  });

  const cbor: [name: string, hex: string, message?: string][] = [
    ["nothing", ""],
    ["a text", "6173", "Expected null"],
    ["a list", "80", "Start of list found where not expected"],
    ["null", "f6", "Expected null"],
    ["a text that is not UTF-8", "a16a53747265616d4e616d6561ff"],
    ["a map whose key is a number", "a10101"],
    ["bytes behind the map", "a000"],
    ["a map that claims 2^32 members", "ba00000000ffffffff"],
    ["a text that claims 2^32 bytes", "a16a53747265616d4e616d657b00000000ffffffff"],
    ["200,000 lists in one another", "a16178".concat("81".repeat(200_000))],
  ];
  for (const [name, hex, message = ""] of cbor) {
    test(`in CBOR: ${name} is a SerializationException`, async () => {
      const reply = await harness.cbor("DescribeStream", Buffer.from(hex, "hex"));
      expectError(reply, "SerializationException", message);
    });
  }
});

describe("a stream's name", () => {
  const pattern = (name: string) =>
    `1 validation error detected: Value '${name}' at 'streamName' failed to satisfy constraint: ` +
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
  const cases: [string, string, string][] = [
    [".", "InvalidArgumentException", 'a stream name can\'t be "."'],
    ["..", "InvalidArgumentException", 'a stream name can\'t be ".."'],
    ["../x", "ValidationException", pattern("../x")],
    ["%2e%2e%2f", "ValidationException", pattern("%2e%2e%2f")],
    ["a/b", "ValidationException", pattern("a/b")],
    ["a\\b", "ValidationException", pattern("a\\b")],
    ["a\0b", "ValidationException", pattern("a\0b")],
    ["strøm", "ValidationException", pattern("strøm")],
    ["a\n", "ValidationException", pattern("a\n")],
    [
      "x".repeat(129),
      "ValidationException",
      `1 validation error detected: Value '${"x".repeat(129)}' at 'streamName' failed to satisfy constraint: ` +
        "Member must have length less than or equal to 128",
    ],
  ];
  for (const [StreamName, type, message] of cases) {
    test(`can't be ${JSON.stringify(StreamName).slice(0, 20)}`, async () => {
      expectError(await harness.call("CreateStream", { StreamName, ShardCount: 1 }), type, message);
    });
    test(`in an ARN can't be ${JSON.stringify(StreamName).slice(0, 20)}`, async () => {
      const reply = await harness.call("DescribeStream", { StreamARN: arnOf(StreamName) });
      // An ARN may hold anything but white space behind "stream/": what is no name is no stream.
      const unmatched =
        `1 validation error detected: Value '${arnOf(StreamName)}' at 'streamARN' failed to satisfy constraint: ` +
        "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+";
      if (/\s/.test(StreamName)) expectError(reply, "ValidationException", unmatched);
      else
        expectError(
          reply,
          "ResourceNotFoundException",
          `Stream ${StreamName} under account 000000000000 not found.`,
        );
    });
  }

  for (const StreamName of ["...", "-", "__consumer_offsets", "foo-0", "x".repeat(128)]) {
    test(`may be ${StreamName.slice(0, 20)}`, async () => {
      await harness.ok("CreateStream", { StreamName, ShardCount: 1 });
      await harness.ok("DescribeStream", { StreamARN: arnOf(StreamName) });
      await harness.ok("DeleteStream", { StreamName });
    });
  }
});

describe("what is too large", () => {
  const notEmpty = async (stream: string) => {
    const ShardIterator = await harness.iterator(stream, "TRIM_HORIZON");
    return (await harness.ok("GetRecords", { ShardIterator }))["Records"] as unknown as Json[];
  };

  test("data of 10 MiB and a byte", async () => {
    await harness.ok("UpdateMaxRecordSize", { StreamARN: arnOf("s"), MaxRecordSizeInKiB: 10_240 });
    const reply = await harness.cbor("PutRecord", {
      StreamName: "s",
      PartitionKey: "k",
      Data: Buffer.alloc(10 * MIB + 1),
    });
    expectError(
      reply,
      "ValidationException",
      "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data' " +
        "failed to satisfy constraint: Member must have length less than or equal to 10485760",
    );
  });

  test("one record among many, which fails the whole request", async () => {
    const Records = [
      { PartitionKey: "k", Data: Buffer.alloc(1) },
      { PartitionKey: "k", Data: Buffer.alloc(MIB + 1) },
    ];
    expectError(
      await harness.cbor("PutRecords", { StreamName: "t", Records }),
      "ValidationException",
      "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]' at " +
        "'records.2.member.data' failed to satisfy constraint: Member must have length less than or equal to 1048576",
    );
    expect(await notEmpty("t")).toEqual([]);
  });

  test("records of 10 MiB and a byte together", async () => {
    const Records = Array.from({ length: 10 }, (_, i) => ({
      PartitionKey: "k",
      Data: Buffer.alloc(MIB - (i === 0 ? 0 : 1)),
    }));
    const together = Records.map(({ Data }) => Data.length + 1).reduce((sum, bytes) => sum + bytes);
    expect(together).toBe(10 * MIB + 1);
    Records[0] = { PartitionKey: "k", Data: Buffer.alloc(MIB - 1) };
    Records.push({ PartitionKey: "k", Data: Buffer.alloc(0) });
    expectError(
      await harness.cbor("PutRecords", { StreamName: "t", Records }),
      "ValidationException",
      `The records of this request have ${together} bytes with their partition keys, at most ${10 * MIB} are ` +
        "allowed: send fewer at a time.",
    );
    Records.pop();
    expect((await harness.cbor("PutRecords", { StreamName: "t", Records })).status).toBe(200);
  });
});

describe("a next token", () => {
  const lists: [string, object, object][] = [
    ["ListShards", { StreamName: "s", MaxResults: 1 }, {}],
    ["ListStreams", { Limit: 1 }, {}],
    ["ListStreamConsumers", { StreamARN: arnOf("s"), MaxResults: 1 }, { StreamARN: arnOf("s") }],
  ];
  beforeAll(async () => {
    for (const stream of ["s", "t"]) {
      for (const ConsumerName of ["a", "b"])
        await harness.ok("RegisterStreamConsumer", { StreamARN: arnOf(stream), ConsumerName });
    }
  });
  const invalid = ["InvalidArgumentException", "Invalid NextToken."] as const;

  for (const [operation, first, next] of lists) {
    const tokenOf = async () => String((await harness.ok(operation, first))["NextToken"]);

    test(`of ${operation} is refused when any bit of it was changed`, async () => {
      const bytes = Buffer.from(await tokenOf(), "base64");
      for (let bit = 0; bit < bytes.length * 8; bit += 13) {
        const forged = Buffer.from(bytes);
        forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expectError(
          await harness.call(operation, { ...next, NextToken: forged.toString("base64") }),
          ...invalid,
        );
      }
    });

    test(`of ${operation} is good for five minutes and for nothing else`, async () => {
      const NextToken = await tokenOf();
      for (const [other, , more] of lists) {
        if (other === operation) continue;
        expectError(await harness.call(other, { ...more, NextToken }), ...invalid);
      }
      clock.timeMs += 300_000;
      expect((await harness.call(operation, { ...next, NextToken })).status).toBe(200);
      clock.timeMs += 1;
      expectError(
        await harness.call(operation, { ...next, NextToken }),
        "ExpiredNextTokenException",
        "NextToken expired. It is valid for 300 seconds: list again from the start.",
      );
    });
  }

  test("of one stream's consumers is not another's", async () => {
    const { NextToken } = await harness.ok("ListStreamConsumers", { StreamARN: arnOf("s"), MaxResults: 1 });
    expectError(
      await harness.call("ListStreamConsumers", { StreamARN: arnOf("t"), NextToken }),
      "ResourceNotFoundException",
      "The stream of this NextToken is another or was deleted.",
    );
  });
});

test("a shard iterator of one stream is not another's, and says when it was too old", async () => {
  const ShardIterator = await harness.iterator("s", "LATEST");
  expectError(
    await harness.call("GetRecords", { ShardIterator, StreamARN: arnOf("t") }),
    "InvalidArgumentException",
    "The ShardIterator is of another stream than StreamARN names.",
  );
  const shown = (ms: number) => {
    const [, weekday, day, month, year, time] =
      /^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/.exec(new Date(ms).toUTCString()) ?? [];
    return `${weekday} ${month} ${day} ${time} UTC ${year}`;
  };
  const [madeMs, nowMs] = [clock.timeMs, (clock.timeMs += 300_001)];
  expectError(
    await harness.call("GetRecords", { ShardIterator }),
    "ExpiredIteratorException",
    `Iterator expired. The iterator was created at time ${shown(madeMs)} while right now it is ${shown(nowMs)} ` +
      "which is further in the future than the tolerated delay of 300000 milliseconds.",
  );
});

test("a server that is stopping tells whoever still asks to come back later", async () => {
  const clock = systemClock;
  const dispatcher = new Dispatcher({
    // A request that is turned away needs no more of them.
    services: { clock, metrics: new KinesisMetrics(new MetricsRegistry()) } as Services,
    random: systemRandom,
    logger: silentLogger,
    memory: new MemoryBudget(MIB),
    maxBodyBytes: MIB,
    accountId: "000000000000",
    authenticator: undefined,
    access: undefined,
  });
  dispatcher.drain();
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.ListStreams",
  };
  const request = new Request("http://x/", { method: "POST", headers, body: "{}" });
  const connections = { onBody() {}, onReply() {}, onPush() {}, addressOf: () => "" };
  const response = await dispatcher.handle(request, connections);
  expect([response.status, await response.json()]).toEqual([
    503,
    { __type: "ServiceUnavailable", message: "voik is stopping: try again." },
  ]);
});
