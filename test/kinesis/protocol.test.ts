/** What goes over the wire, whatever the operation: statuses, headers, bodies, limits, drain. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import http2 from "node:http2";
import { VoikError } from "../../src/base/errors.ts";
import { CborTimestamp } from "../../src/kinesis/cbor.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start();
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
});
afterAll(() => harness.stop());

const post = (headers: Record<string, string>, body: string | Uint8Array = "{}") =>
  fetch(harness.url, { method: "POST", headers, body });
const json = { "content-type": "application/x-amz-json-1.1" };
const target = { "x-amz-target": "Kinesis_20131202.ListStreams" };

describe("every reply", () => {
  test("carries the ids that clients show", async () => {
    for (const response of [await post({ ...json, ...target }), await post(json), await fetch(harness.url)]) {
      expect(response.headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
      expect(response.headers.get("x-amz-id-2")).toMatch(/^[A-Za-z0-9+/]{88}$/);
    }
  });

  test("has ids of its own", async () => {
    const ids = new Set<string | null>();
    for (let i = 0; i < 150; i++) {
      const { headers } = await post(json);
      ids.add(headers.get("x-amzn-requestid")).add(headers.get("x-amz-id-2"));
    }
    expect(ids.size).toBe(300);
  });

  test("of an operation without output is an empty 200", async () => {
    await harness.ok("CreateStream", { StreamName: "void", ShardCount: 1 });
    const response = await post(
      { ...json, "x-amz-target": "Kinesis_20131202.DeleteStream" },
      '{"StreamName":"void"}',
    );
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
      200,
      "0",
      "",
    ]);
  });

  test("of an error names its type in the body and in a header", async () => {
    const reply = await harness.call("DescribeStream", { StreamName: "none" });
    expect(reply.status).toBe(400);
    expect(reply.headers.get("x-amzn-errortype")).toBe("ResourceNotFoundException");
    expect(reply.headers.get("content-type")).toBe("application/x-amz-json-1.1");
    expect(reply.body).toEqual({
      __type: "ResourceNotFoundException",
      message: "Stream none under account 000000000000 not found.",
    } as never);
  });
});

describe("a request that is none", () => {
  for (const method of ["GET", "PUT", "OPTIONS", "DELETE"]) {
    test(`${method} gets AWS's XML`, async () => {
      const response = await fetch(harness.url, { method, headers: { ...json, ...target } });
      expect(response.status).toBe(403);
      expect(await response.text()).toBe(
        "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n",
      );
    });
  }

  for (const name of [
    "",
    "Kinesis_20131202",
    "Kinesis_20131202.",
    "Kinesis_20131202.Nope",
    "DynamoDB_20120810.ListTables",
  ]) {
    test(`the target "${name}" is an unknown operation`, async () => {
      const response = await post({ ...json, "x-amz-target": name });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ __type: "UnknownOperationException" });
    });
  }
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    test(`${name} is no operation`, async () => {
      expect((await harness.call(name, {})).body).toEqual({ __type: "UnknownOperationException" } as never);
    });
  }

  test("an unknown content type gets 404 with a target and 403 without", async () => {
    expect((await post({ "content-type": "text/plain", ...target })).status).toBe(404);
    expect((await post({ "content-type": "text/plain" })).status).toBe(403);
  });

  test("a content type may have parameters and capitals", async () => {
    const response = await post({ "content-type": "Application/X-Amz-JSON-1.1; charset=utf-8", ...target });
    expect(response.status).toBe(200);
  });
});

describe("a body over the limit", () => {
  const large = Buffer.alloc(15 * 1024 * 1024 + 1, " ");

  test("gets 413 over HTTP/1.1, declared or in chunks", async () => {
    const declared = await post({ ...json, ...target }, large);
    expect([declared.status, await declared.text()]).toEqual([413, ""]);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < large.length; at += 1 << 20)
          controller.enqueue(large.subarray(at, at + (1 << 20)));
        controller.close();
      },
    });
    const chunked = await fetch(harness.url, {
      method: "POST",
      headers: { ...json, ...target },
      body: chunks,
    });
    expect(chunked.status).toBe(413);
  });

  test("gets 413 over HTTP/2", async () => {
    const session = http2.connect(harness.url);
    const status = await new Promise((resolve, reject) => {
      const request = session.request({ ":method": "POST", ":path": "/", ...json, ...target });
      request.on("response", (headers) => resolve(headers[":status"]));
      request.on("error", reject);
      request.resume();
      request.end(large);
    });
    session.destroy();
    expect(status).toBe(413);
  });

  test("the largest body allowed is read", async () => {
    const response = await post({ ...json, ...target }, `{}${" ".repeat(15 * 1024 * 1024 - 2)}`);
    expect(response.status).toBe(200);
  });
});

test("more bodies in work than the server holds are told to try again", async () => {
  const small = await KinesisHarness.start({ limits: { maxBodyBytes: 1000, maxMemoryBytes: 1000 } });
  await small.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const log = memoryLogOf(small.memory.broker.streamByName("s")?.shards[0] as never);
  log.hold();
  const record = { StreamName: "s", PartitionKey: "k", Data: Buffer.alloc(450).toString("base64") };
  const first = small.call("PutRecord", record);
  while (log.endOffset === 0) await Bun.sleep(1);
  expect(await small.call("PutRecord", record)).toMatchObject({
    status: 503,
    body: { __type: "ServiceUnavailable" },
  });
  log.sync();
  expect((await first).status).toBe(200);
  await small.stop();
});

describe("CBOR", () => {
  test("carries blobs as byte strings and times as milliseconds, both ways", async () => {
    const Data = Buffer.from([0, 255, 128]);
    const put = await harness.cbor("PutRecord", { StreamName: "s", PartitionKey: "k", Data });
    expect(put.headers.get("content-type")).toBe("application/x-amz-cbor-1.1");
    const iterator = await harness.cbor("GetShardIterator", {
      StreamName: "s",
      ShardId: put.body["ShardId"],
      ShardIteratorType: "AT_TIMESTAMP",
      Timestamp: new CborTimestamp(Date.now() - 60_000),
    });
    const { ShardIterator } = iterator.body;
    const got = await harness.cbor("GetRecords", { ShardIterator });
    const record = got.body["Records"]?.[0] as unknown as Record<string, unknown>;
    expect(Buffer.from(record["Data"] as Uint8Array)).toEqual(Data);
    expect(record["ApproximateArrivalTimestamp"]).toBeInstanceOf(CborTimestamp);
  });

  test("errors are CBOR too", async () => {
    const reply = await harness.cbor("DescribeStream", { StreamName: "none" });
    expect(reply.status).toBe(400);
    expect({ ...(reply.body as object) }).toEqual({
      __type: "ResourceNotFoundException",
      message: "Stream none under account 000000000000 not found.",
    });
  });
});

describe("names of the caller", () => {
  const credential = (id: string, region: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=${id}/20261123/${region}/kinesis/aws4_request, SignedHeaders=host, Signature=0`,
  });
  const arn = async (headers: Record<string, string>) =>
    String(
      (await harness.call("DescribeStreamSummary", { StreamName: "s" }, headers)).body[
        "StreamDescriptionSummary"
      ]?.["StreamARN"],
    );

  test("region and account come from the credential", async () => {
    expect(await arn({})).toBe("arn:aws:kinesis:us-east-1:000000000000:stream/s");
    expect(await arn(credential("AKIDEXAMPLE", "eu-west-1"))).toBe(
      "arn:aws:kinesis:eu-west-1:000000000000:stream/s",
    );
    expect(await arn(credential("123456789012", "cn-north-1"))).toBe(
      "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s",
    );
    expect(await arn({ authorization: "Credential=x/y/<script>/kinesis/aws4_request" })).toBe(
      "arn:aws:kinesis:us-east-1:000000000000:stream/s",
    );
  });

  test("an ARN of any region and account names the stream, and must agree with the name", async () => {
    const StreamARN = "arn:aws:kinesis:ap-south-1:999999999999:stream/s";
    expect((await harness.call("DescribeStreamSummary", { StreamARN })).status).toBe(200);
    expect((await harness.call("DescribeStreamSummary", { StreamARN, StreamName: "t" })).body).toMatchObject({
      __type: "InvalidArgumentException",
    });
    expect((await harness.call("DescribeStreamSummary", { StreamId: "s" })).body).toMatchObject({
      __type: "InvalidArgumentException",
    });
  });
});

describe("failures of the storage", () => {
  const record = { StreamName: "s", PartitionKey: "k", Data: "" };

  test("PutRecord answers 500, PutRecords one error a record", async () => {
    const log = memoryLogOf(harness.memory.broker.streamByName("s")?.shards[0] as never);
    log.appendError = new VoikError("disk_full", "disk full: free space or lower retention");
    const single = await harness.call("PutRecord", record);
    const many = await harness.call("PutRecords", { StreamName: "s", Records: [record, record] });
    log.appendError = undefined;
    expect(single).toMatchObject({
      status: 500,
      body: { __type: "InternalFailure", message: "disk full: free space or lower retention" },
    });
    const failed = { ErrorCode: "InternalFailure", ErrorMessage: "disk full: free space or lower retention" };
    expect(many).toMatchObject({ status: 200, body: { FailedRecordCount: 2, Records: [failed, failed] } });
  });
});

test("a stop answers what is in work and takes no more", async () => {
  const stopping = await KinesisHarness.start();
  await stopping.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  const log = memoryLogOf(stopping.memory.broker.streamByName("s")?.shards[0] as never);
  log.hold();
  const put = stopping.call("PutRecord", { StreamName: "s", PartitionKey: "k", Data: "" });
  while (log.endOffset === 0) await Bun.sleep(1);
  const stopped = stopping.server.stop({ drainMs: 10_000 });
  log.sync();
  expect((await put).status).toBe(200);
  await stopped;
  expect(await stopping.call("ListStreams", {}).catch(() => "refused")).toBe("refused");
  await stopping.memory.close();
});

test("requests, records and times are counted", async () => {
  const counted = await KinesisHarness.start();
  await counted.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
  await counted.ok("PutRecord", { StreamName: "s", PartitionKey: "k", Data: "YWE=" });
  await counted.call("DescribeStream", { StreamName: "none" });
  await counted.call("Nope", {});
  const text = counted.metrics.render();
  expect(text).toContain('voik_kinesis_requests_total{operation="PutRecord",status="200"} 1');
  expect(text).toContain('voik_kinesis_requests_total{operation="DescribeStream",status="400"} 1');
  expect(text).toContain('voik_kinesis_requests_total{operation="unknown",status="400"} 1');
  expect(text).toContain("voik_kinesis_records_in_total 1");
  expect(text).toContain("voik_kinesis_data_bytes_in_total 2");
  expect(text).toContain('voik_kinesis_request_seconds_count{operation="PutRecord"} 1');
  await counted.stop();
});
