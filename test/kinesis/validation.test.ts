/** Input checks as AWS words them, through the server: types first, then every constraint. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { encodeCbor } from "../../src/kinesis/cbor.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
});
afterAll(() => harness.stop());

const shardId = { StreamName: "s", ShardId: "shardId-000000000000" };

describe("a value of the wrong type is a SerializationException", () => {
  const cases: [string, unknown, string][] = [
    [
      "DescribeStream",
      { StreamName: 1 },
      "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
    ],
    ["DescribeStream", { StreamName: true }, "class java.lang.Boolean can not be converted to an String"],
    ["DescribeStream", { StreamName: [] }, "Start of list found where not expected"],
    ["DescribeStream", { StreamName: {} }, "Start of structure or map found where not expected."],
    ["CreateStream", { ShardCount: "2" }, "class java.lang.String can not be converted to an Integer"],
    ["CreateStream", { ShardCount: true }, "class java.lang.Boolean can not be converted to an Integer"],
    ["CreateStream", { StreamModeDetails: "ON_DEMAND" }, "Expected null"],
    ["CreateStream", { StreamModeDetails: [] }, "Start of list found where not expected"],
    ["DeleteStream", { EnforceConsumerDeletion: "yes" }, "'YES' can not be converted to an Boolean"],
    ["PutRecords", { Records: "x" }, "Expected list or null"],
    ["PutRecords", { Records: {} }, "Start of structure or map found where not expected."],
    ["PutRecords", { Records: ["x"] }, "Expected null"],
    [
      "PutRecord",
      { Data: 1 },
      "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob",
    ],
    [
      "PutRecord",
      { Data: "abc" },
      "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
    ],
    ["PutRecord", { Data: "ab-_" }, "'ab-_' can not be converted to a Blob: Invalid Base64 character: '-'"],
    ["PutRecord", { Data: "=aaa" }, "'=aaa' can not be converted to a Blob: Invalid Base64 character: '='"],
    ["PutRecord", { Data: "ab c" }, "'ab c' can not be converted to a Blob: Invalid Base64 character: ' '"],
    [
      "PutRecord",
      { Data: "YWF=" },
      "'YWF=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
    ],
    [
      "GetShardIterator",
      { Timestamp: "now" },
      "class java.lang.String can not be converted to milliseconds since epoch",
    ],
  ];
  for (const [operation, body, message] of cases) {
    test(`${operation} ${JSON.stringify(body)}`, async () => {
      const reply = await harness.call(operation, body);
      expect(reply).toMatchObject({
        status: 400,
        body: { __type: "SerializationException", Message: message },
      });
    });
  }

  test("half a surrogate pair, which no UTF-8 can carry", async () => {
    const reply = await harness.call("PutRecord", '{"StreamName":"s","PartitionKey":"\\ud800","Data":""}');
    expect(reply.body).toMatchObject({ __type: "SerializationException" });
  });

  for (const body of ["", "{", "[]", "null", '"text"', "1", "\xff\xfe"]) {
    test(`the body ${JSON.stringify(body)}`, async () => {
      const reply = await harness.call("ListStreams", Buffer.from(body, "latin1"));
      expect(reply).toMatchObject({ status: 400, body: { __type: "SerializationException" } });
    });
  }
});

describe("a broken constraint is a ValidationException", () => {
  const long = "x".repeat(300);
  const cases: [string, object, string[]][] = [
    [
      "DescribeStream",
      { StreamName: "" },
      [
        "Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        "Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
    ],
    [
      "CreateStream",
      {},
      ["Value null at 'streamName' failed to satisfy constraint: Member must not be null"],
    ],
    [
      "CreateStream",
      { StreamName: "x".repeat(129) },
      [
        `Value '${"x".repeat(129)}' at 'streamName' failed to satisfy constraint: Member must have length less than or equal to 128`,
      ],
    ],
    [
      "CreateStream",
      { StreamName: "a/b" },
      [
        "Value 'a/b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
      ],
    ],
    [
      "CreateStream",
      { StreamName: "t", ShardCount: 0 },
      [
        "Value '0' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ],
    ],
    [
      "CreateStream",
      { StreamName: "t", ShardCount: -1e11 },
      [
        "Value '-2147483648' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
      ],
    ],
    [
      "CreateStream",
      { StreamName: "t", StreamModeDetails: { StreamMode: "FREE" } },
      [
        "Value 'FREE' at 'streamModeDetails.streamMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]",
      ],
    ],
    [
      "GetRecords",
      { ShardIterator: long + long, Limit: 10_001 },
      [
        `Value '${(long + long).slice(0, 256)}…' at 'shardIterator' failed to satisfy constraint: Member must have length less than or equal to 512`,
        "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
      ],
    ],
    [
      "PutRecord",
      { StreamName: "s", Data: "", PartitionKey: long.slice(0, 257), ExplicitHashKey: "01" },
      [
        `Value '${long.slice(0, 256)}…' at 'partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256`,
        "Value '01' at 'explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})",
      ],
    ],
    [
      "PutRecords",
      { StreamName: "s", Records: [] },
      [
        "Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
    ],
    [
      "PutRecords",
      { StreamName: "s", Records: Array(501).fill({ Data: "", PartitionKey: "k" }) },
      [
        "Value '[...]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500",
      ],
    ],
    [
      "PutRecords",
      { StreamName: "s", Records: [{ Data: "", PartitionKey: "k" }, { PartitionKey: "k" }, null] },
      [
        "Value null at 'records.2.member.data' failed to satisfy constraint: Member must not be null",
        "Value null at 'records.3.member' failed to satisfy constraint: Member must not be null",
      ],
    ],
    [
      "RemoveTagsFromStream",
      { StreamName: "s", TagKeys: ["a", "", long] },
      [
        `Value '[a, , ${long.slice(0, 250)}…' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: ` +
          "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
      ],
    ],
    [
      "RemoveTagsFromStream",
      { StreamName: "s", TagKeys: ["a", null] },
      ["Value null at 'tagKeys.2.member' failed to satisfy constraint: Member must not be null"],
    ],
    [
      "EnableEnhancedMonitoring",
      { StreamName: "s", ShardLevelMetrics: ["ALL", "SOME"] },
      [
        "Value '[ALL, SOME]' at 'shardLevelMetrics' failed to satisfy constraint: Member must satisfy constraint: " +
          "[Member must satisfy enum value set: [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, " +
          "WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]]",
      ],
    ],
    [
      "AddTagsToStream",
      { StreamName: "s", Tags: { "": "v", a: long } },
      [
        `Value '{=v, a=${long.slice(0, 249)}…' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: ` +
          "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
        `Value '{=v, a=${long.slice(0, 249)}…' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: ` +
          "[Member must have length less than or equal to 256, Member must have length greater than or equal to 0]",
      ],
    ],
    [
      "GetShardIterator",
      { ...shardId, ShardIteratorType: "NEWEST" },
      [
        "Value 'NEWEST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: " +
          "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
      ],
    ],
    [
      "DescribeStream",
      { StreamARN: "arn:aws:kinesis:eu-west-1:1:stream/s" },
      [
        "Value 'arn:aws:kinesis:eu-west-1:1:stream/s' at 'streamARN' failed to satisfy constraint: " +
          "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+",
      ],
    ],
  ];
  for (const [operation, body, errors] of cases) {
    test(`${operation} ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const reply = await harness.call(operation, body);
      const s = errors.length > 1 ? "s" : "";
      const message = `${errors.length} validation error${s} detected: ${errors.join("; ")}`;
      expect(reply).toMatchObject({ status: 400, body: { __type: "ValidationException", message } });
    });
  }

  test("at most ten errors are listed", async () => {
    const reply = await harness.call("PutRecords", { StreamName: "s", Records: Array(20).fill({}) });
    expect(String(reply.body["message"])).toStartWith("10 validation errors detected: ");
  });

  test("a record of 1 MiB with its key is taken, one byte more is not", async () => {
    const data = (bytes: number) => Buffer.alloc(bytes).toString("base64");
    const put = (bytes: number) =>
      harness.call("PutRecord", { StreamName: "s", PartitionKey: "k", Data: data(bytes) });
    expect((await put(2 ** 20 - 1)).status).toBe(200);
    expect((await put(2 ** 20)).body).toMatchObject({
      __type: "ValidationException",
      message:
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048576 cap=1048576]' at 'data' " +
        "failed to satisfy constraint: Member must have length less than or equal to 1048576 " +
        "together with its partition key",
    });
  });

  test("records of more than 10 MiB together are refused before any is written", async () => {
    const Records = Array.from({ length: 11 }, () => ({
      Data: Buffer.alloc(2 ** 20 - 100),
      PartitionKey: "k",
    }));
    await harness.ok("CreateStream", { StreamName: "empty", ShardCount: 1 });
    const reply = await harness.cbor("PutRecords", { StreamName: "empty", Records });
    expect(reply).toMatchObject({ status: 400, body: { __type: "ValidationException" } });
    const ShardIterator = await harness.iterator("empty", "TRIM_HORIZON");
    expect((await harness.ok("GetRecords", { ShardIterator }))["Records"]).toEqual([] as never);
  });
});

test("unknown members, names of the prototype and doubled keys do no harm", async () => {
  const body =
    '{"__proto__":{"Limit":"x"},"constructor":1,"toString":[],"StreamId":"a","Limit":"x","Limit":1}';
  expect((await harness.call("ListStreams", body)).status).toBe(200);
  expect(({} as Record<string, unknown>)["Limit"]).toBeUndefined();
});

test("200,000 nested arrays in an unknown member are passed over", async () => {
  const body = `{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  expect((await harness.call("ListStreams", body)).status).toBe(200);
});

test("CBOR input is held to the same types", async () => {
  const texts = await harness.cbor("PutRecord", { StreamName: "s", PartitionKey: "k", Data: "YWE=" });
  expect(texts.body).toMatchObject({
    __type: "SerializationException",
    Message: "class java.lang.String can not be converted to a Blob",
  });
  const bytes = await harness.cbor("DescribeStream", encodeCbor({ StreamName: Buffer.from("s") }));
  expect(bytes.body).toMatchObject({ __type: "SerializationException" });
  const noNumber = await harness.cbor("DescribeStream", { StreamName: "s", Limit: Number.NaN });
  expect(noNumber.body).toMatchObject({ __type: "SerializationException" });
  const hostile = await harness.cbor("DescribeStream", Buffer.alloc(100_000, 0x9f));
  expect(hostile).toMatchObject({ status: 400, body: { __type: "SerializationException" } });
});
