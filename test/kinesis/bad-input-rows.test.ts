/**
 * What bad input gets, row by row: exact status, type and text, in JSON and in CBOR alike. What each row's code is tested
 * for in depth stands elsewhere: validation.test.ts, bad-input.test.ts, raw-http.test.ts, authentication.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { createLogger } from "../../src/base/logger.ts";
import type { Access } from "../../src/access/access.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { KinesisHarness, ManualClock, type Reply } from "./kinesis-harness.ts";

const clock = new ManualClock();
const SHARD = "shardId-000000000000";
const record = { StreamName: "s", PartitionKey: "k", Data: Buffer.alloc(0) };
const invalid = (value: string, member: string, must: string) =>
  `1 validation error detected: Value ${value} at '${member}' failed to satisfy constraint: Member must ${must}`;

let denying = false;
let harness: KinesisHarness;
let iterator: string;
beforeAll(async () => {
  const access = {
    get enforcing() {
      return denying;
    },
    authorize: () => false,
  };
  const security = { access: access as unknown as Access, auth: "none" as const };
  harness = await KinesisHarness.start({ clock, security });
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  iterator = await harness.iterator("s", "LATEST");
});
afterAll(() => harness.stop());

/** The same request in both formats. */
async function inBoth(server: KinesisHarness, operation: string, input: object): Promise<Reply[]> {
  const json = JSON.stringify(input, (_, value) =>
    value?.type === "Buffer" ? Buffer.from(value.data).toString("base64") : value,
  );
  return [await server.call(operation, json), await server.cbor(operation, input)];
}

function expectAll(replies: Reply[], status: number, type: string, text: string): void {
  const member = type === "SerializationException" ? "Message" : "message";
  for (const { status: got, headers, body } of replies) {
    const wanted = { __type: type, ...(text !== "" && { [member]: text }) };
    expect([got, headers.get("x-amzn-errortype"), { ...(body as object) }]).toEqual([status, type, wanted]);
  }
}

type Row = [name: string, operation: string, input: object, type: string, text: string];
const rows: Row[] = [
  ["an unknown operation", "Nope", {}, "UnknownOperationException", ""],
  [
    "a missing member",
    "CreateStream",
    {},
    "ValidationException",
    invalid("null", "streamName", "not be null"),
  ],
  [
    "a member of the wrong type",
    "DescribeStream",
    { StreamName: true },
    "SerializationException",
    "class java.lang.Boolean can not be converted to an String",
  ],
  [
    "a text for a number",
    "DescribeStream",
    { StreamName: "s", Limit: "7" },
    "SerializationException",
    "class java.lang.String can not be converted to an Integer",
  ],
  [
    "501 records",
    "PutRecords",
    { StreamName: "s", Records: Array(501).fill({ PartitionKey: "k", Data: Buffer.alloc(0) }) },
    "ValidationException",
    invalid("'[...]'", "records", "have length less than or equal to 500"),
  ],
  [
    "no records",
    "PutRecords",
    { StreamName: "s", Records: [] },
    "ValidationException",
    invalid("'[]'", "records", "have length greater than or equal to 1"),
  ],
  [
    "a partition key without characters",
    "PutRecord",
    { ...record, PartitionKey: "" },
    "ValidationException",
    invalid("''", "partitionKey", "have length greater than or equal to 1"),
  ],
  [
    "a partition key of 257 characters",
    "PutRecord",
    { ...record, PartitionKey: "k".repeat(257) },
    "ValidationException",
    invalid(`'${"k".repeat(256)}…'`, "partitionKey", "have length less than or equal to 256"),
  ],
  [
    "a Limit above 10,000",
    "GetRecords",
    { ShardIterator: "AAAA", Limit: 10_001 },
    "ValidationException",
    invalid("'10001'", "limit", "have value less than or equal to 10000"),
  ],
  [
    "a hash key that is no number",
    "PutRecord",
    { ...record, ExplicitHashKey: "-1" },
    "ValidationException",
    invalid("'-1'", "explicitHashKey", "satisfy regular expression pattern: 0|([1-9]\\d{0,38})"),
  ],
  [
    "a hash key of 2^128",
    "PutRecord",
    { ...record, ExplicitHashKey: String(2n ** 128n) },
    "InvalidArgumentException",
    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was " +
      "340282366920938463463374607431768211456",
  ],
  [
    "an iterator that is none",
    "GetRecords",
    { ShardIterator: "AAAA" },
    "InvalidArgumentException",
    "Invalid ShardIterator.",
  ],
  [
    "a sequence number that no shard gave",
    "GetShardIterator",
    { StreamName: "s", ShardId: SHARD, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: "1" },
    "InvalidArgumentException",
    `StartingSequenceNumber 1 used in GetShardIterator on shard ${SHARD} in stream s under account 000000000000 is invalid.`,
  ],
  [
    "a sequence number to order by that is none",
    "PutRecord",
    { ...record, SequenceNumberForOrdering: "5" },
    "InvalidArgumentException",
    "ExclusiveMinimumSequenceNumber 5 used in PutRecord on stream s under account 000000000000 is invalid.",
  ],
  [
    "a stream that is not there",
    "PutRecord",
    { ...record, StreamName: "none" },
    "ResourceNotFoundException",
    "Stream none under account 000000000000 not found.",
  ],
  [
    "a shard that is not there",
    "GetShardIterator",
    { StreamName: "s", ShardId: "shardId-000000000009", ShardIteratorType: "LATEST" },
    "ResourceNotFoundException",
    "Shard shardId-000000000009 in stream s under account 000000000000 does not exist",
  ],
  [
    "a stream that is there already",
    "CreateStream",
    { StreamName: "s", ShardCount: 1 },
    "ResourceInUseException",
    "Stream s under account 000000000000 already exists.",
  ],
  [
    "more shards than are allowed",
    "CreateStream",
    { StreamName: "t", ShardCount: 100_000 },
    "LimitExceededException",
    "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard count for the " +
      "account: 1. Limit: 1000. Number of additional shards that would have resulted from this request: 100000. " +
      "Raise --shard-count-max, or delete streams.",
  ],
  [
    "a record of 1 MiB and a byte, its key counted",
    "PutRecord",
    { ...record, Data: Buffer.alloc(1024 * 1024) },
    "ValidationException",
    invalid(
      "'java.nio.HeapByteBuffer[pos=0 lim=1048576 cap=1048576]'",
      "data",
      "have length less than or equal to 1048576 together with its partition key",
    ),
  ],
];

test.each(rows)("%s", async (_name, operation, input, type, text) => {
  expectAll(await inBoth(harness, operation, input), 400, type, text);
});

const base64: [string, string][] = [
  ["A", "Base64 encoded length is expected a multiple of 4 bytes but found: 1"],
  ["A=AA", "Invalid Base64 character: '='"],
  ["AA A", "Invalid Base64 character: ' '"],
  ["_-AA", "Invalid Base64 character: '_'"],
  ["AB==", "Invalid last non-pad Base64 character dectected"],
];
test.each(base64)("Data that is no Base64: %s", async (Data, why) => {
  const text = `'${Data}' can not be converted to a Blob: ${why}`;
  expectAll([await harness.call("PutRecord", { ...record, Data })], 400, "SerializationException", text);
});

test.each([
  ["", ""],
  ["{", ""],
  ["[]", "Start of list found where not expected"],
  ["null", "Expected null"],
  ["7", "Expected null"],
  ['"text"', "Expected null"],
])("a body that is no object: %s", async (body, text) => {
  expectAll([await harness.call("DescribeStream", body)], 400, "SerializationException", text);
});

describe("a request without a known body format", () => {
  const post = async (headers: Record<string, string>) => {
    const response = await fetch(harness.url, { method: "POST", headers, body: "{}" });
    return [response.status, response.headers.get("content-type"), await response.text()];
  };

  test("is 404 with a target", async () => {
    const target = { "content-type": "text/plain", "x-amz-target": "Kinesis_20131202.ListStreams" };
    expect(await post(target)).toEqual([404, "application/xml", "<UnknownOperationException/>\n"]);
  });

  test("is AWS's 403 without one", async () => {
    const text = "Unable to determine service/operation name to be authorized";
    const xml = `<AccessDeniedException>\n  <Message>${text}</Message>\n</AccessDeniedException>\n`;
    expect(await post({ "content-type": "text/plain" })).toEqual([403, "application/xml", xml]);
  });
});

test("whoever may not is denied, by the name of what he asked for", async () => {
  denying = true;
  const replies = await inBoth(harness, "PutRecord", record);
  denying = false;
  const text =
    "User: arn:aws:iam::000000000000:user/ANONYMOUS is not authorized to perform: kinesis:PutRecord on resource: " +
    "arn:aws:kinesis:us-east-1:000000000000:stream/s because no identity-based policy allows " +
    "the kinesis:PutRecord action";
  expectAll(replies, 400, "AccessDeniedException", text);
});

test("over its shard's rate a PutRecord fails, and a record of PutRecords, with 200", async () => {
  const limited = await KinesisHarness.start({ clock, rates: "aws" });
  await limited.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const Records = Array(500).fill({ PartitionKey: "k", Data: "" });
  for (let i = 0; i < 2; i++) await limited.ok("PutRecords", { StreamName: "s", Records });
  const text = `Rate exceeded for shard ${SHARD} in stream s under account 000000000000.`;
  const type = "ProvisionedThroughputExceededException";
  expectAll(await inBoth(limited, "PutRecord", record), 400, type, text);
  const many = await limited.call("PutRecords", {
    StreamName: "s",
    Records: [{ PartitionKey: "k", Data: "" }],
  });
  const Failed = { ErrorCode: type, ErrorMessage: text };
  expect([many.status, many.body]).toEqual([200, { FailedRecordCount: 1, Records: [Failed] }] as never[]);
  await limited.stop();
});

test.each([
  ["disk_full", "disk full: free space or lower retention", "disk full: free space or lower retention"],
  ["storage_failed", "the volume failed: write '/srv/voik/0.log'", "the volume failed: write '0.log'"],
] as const)("%s is an InternalFailure, 500, and of a record in PutRecords", async (code, reason, text) => {
  const log = memoryLogOf(harness.memory.broker.streamByName("s")?.shards[0] as never);
  log.appendError = new VoikError(code, reason);
  const one = await inBoth(harness, "PutRecord", record);
  const many = await harness.call("PutRecords", {
    StreamName: "s",
    Records: [{ PartitionKey: "k", Data: "" }],
  });
  log.appendError = undefined;
  expectAll(one, 500, "InternalFailure", text);
  const Failed = { ErrorCode: "InternalFailure", ErrorMessage: text };
  expect([many.status, many.body]).toEqual([200, { FailedRecordCount: 1, Records: [Failed] }] as never[]);
});

test("why requests fail is logged whole, once a minute", async () => {
  const lines: string[] = [];
  const logger = createLogger("text", "warn", (line) => void lines.push(line));
  const failing = await KinesisHarness.start({ clock, logger });
  await failing.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const log = memoryLogOf(failing.memory.broker.streamByName("s")?.shards[0] as never);
  log.appendError = new VoikError("disk_full", "disk full: /srv/voik.db can't be written");
  for (let i = 0; i < 5; i++)
    expect((await failing.call("PutRecord", { ...record, Data: "" })).status).toBe(500);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("/srv/voik.db");
  clock.timeMs += 60_000;
  await failing.call("PutRecord", { ...record, Data: "" });
  expect(lines).toHaveLength(2);
  await failing.stop();
});

test("an iterator and a next token are good for five minutes", async () => {
  for (const StreamName of ["u", "v"]) await harness.ok("CreateStream", { StreamName, ShardCount: 1 });
  const { NextToken } = await harness.ok("ListStreams", { Limit: 1 });
  clock.timeMs += 300_001;
  const [json] = await inBoth(harness, "GetRecords", { ShardIterator: iterator });
  expect([json?.status, String(json?.body["__type"])]).toEqual([400, "ExpiredIteratorException"]);
  expect(String(json?.body["message"])).toEndWith(
    " which is further in the future than the tolerated delay of 300000 milliseconds.",
  );
  const text = "NextToken expired. It is valid for 300 seconds: list again from the start.";
  expectAll(await inBoth(harness, "ListStreams", { NextToken }), 400, "ExpiredNextTokenException", text);
});
