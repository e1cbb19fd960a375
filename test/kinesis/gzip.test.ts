/** gzip: requests that are sent so, and replies to clients that ask for it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import { KinesisClient, ListStreamsCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { encodeCbor } from "../../src/kinesis/cbor.ts";
import { acceptsGzip } from "../../src/kinesis/gzip.ts";
import { openTestAccess, type TestAccess } from "../helpers/access.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const JSON_TYPE = "application/x-amz-json-1.1";
const gzipped = { "content-encoding": "gzip" };
const asking = { "accept-encoding": "gzip, deflate" };

let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start({ limits: { maxBodyBytes: MAX_BODY_BYTES } });
  await harness.ok("CreateStream", { StreamName: "s", ShardCount: 1 });
});
afterAll(() => harness.stop());

interface Raw {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: Buffer;
}

/** A request as it stands: nothing is added, and the reply is not inflated. */
function raw(operation: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Raw> {
  const target = { "content-type": JSON_TYPE, "x-amz-target": `Kinesis_20131202.${operation}` };
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { ...target, "content-length": body.length, ...headers } };
    const request = httpRequest(harness.url, options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(pieces),
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

describe("a request", () => {
  test("in gzip is read like any other, in JSON and in CBOR", async () => {
    const plain = await raw("DescribeStream", '{"StreamName":"s"}');
    expect(plain.status).toBe(200);
    const inGzip = await raw("DescribeStream", gzipSync('{"StreamName":"s"}'), gzipped);
    expect([inGzip.status, inGzip.body.toString()]).toEqual([200, plain.body.toString()]);
    const cbor = { ...gzipped, "content-type": "application/x-amz-cbor-1.1" };
    const body = Buffer.from(encodeCbor({ StreamName: "s" }));
    expect((await raw("DescribeStream", gzipSync(body), cbor)).status).toBe(200);
  });

  test("may be as large as one that is not, once it is inflated, and no larger", async () => {
    const spaces = (bytes: number) =>
      gzipSync(Buffer.concat([Buffer.from("{}"), Buffer.alloc(bytes - 2, " ")]));
    expect((await raw("ListStreams", spaces(MAX_BODY_BYTES), gzipped)).status).toBe(200);
    const above = await raw("ListStreams", spaces(MAX_BODY_BYTES + 1), gzipped);
    expect([above.status, above.body.length]).toEqual([413, 0]);
  });

  test("of two members one behind the other is both, whatever its last bytes claim", async () => {
    const two = Buffer.concat([gzipSync('{"StreamName":'), gzipSync('"s"}')]);
    expect((await raw("DescribeStream", two, gzipped)).status).toBe(200);
    const large = Buffer.concat([gzipSync(Buffer.alloc(MAX_BODY_BYTES, " ")), gzipSync("{}")]);
    expect((await raw("ListStreams", large, gzipped)).status).toBe(413);
  });

  test("takes as much of the memory of requests as it claims, so that many are read at a time", async () => {
    const small = await KinesisHarness.start({
      limits: { maxBodyBytes: MAX_BODY_BYTES, maxMemoryBytes: MAX_BODY_BYTES + 1000 },
    });
    const headers = { ...gzipped, "content-type": JSON_TYPE, "x-amz-target": "Kinesis_20131202.ListStreams" };
    const post = () => fetch(small.url, { method: "POST", headers, body: gzipSync("{}") });
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await post()).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    await small.stop();
  });

  test("that would be a thousand times as large costs no more than the limit", async () => {
    const bomb = gzipSync(Buffer.alloc(32 * MAX_BODY_BYTES));
    expect(bomb.length).toBeLessThan(MAX_BODY_BYTES / 20);
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 8; i++) expect((await raw("ListStreams", bomb, gzipped)).status).toBe(413);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });

  const bad: [string, string, Buffer, string][] = [
    ["that is not gzip", "gzip", Buffer.from("{}"), "The body is not what its Content-Encoding says: gzip."],
    [
      "that was cut off",
      "gzip",
      gzipSync('{"StreamName":"s"}').subarray(0, -9),
      "The body is not what its Content-Encoding says: gzip.",
    ],
    [
      "whose checksum is wrong",
      "gzip",
      Buffer.concat([gzipSync('{"StreamName":"s"}').subarray(0, -8), Buffer.alloc(8)]),
      "The body is not what its Content-Encoding says: gzip.",
    ],
    [
      "in another coding",
      "br",
      brotliCompressSync('{"StreamName":"s"}'),
      "Content-Encoding br is not known here: send gzip or none.",
    ],
    [
      "in two codings",
      "gzip, gzip",
      gzipSync(gzipSync("{}")),
      "Content-Encoding gzip, gzip is not known here: send gzip or none.",
    ],
  ];
  for (const [name, coding, body, Message] of bad) {
    test(`${name} is a SerializationException`, async () => {
      const answer = await raw("DescribeStream", body, { "content-encoding": coding });
      expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([
        400,
        { __type: "SerializationException", Message },
      ]);
    });
  }

  test("is signed as it is sent: AWS's own signer over a compressed body", async () => {
    const access: TestAccess = await openTestAccess({ enforcing: false });
    await access.users.create("ann", undefined);
    const { id, secret } = access.users.createAccessKey("ann");
    const signing = await KinesisHarness.start({ security: { access, auth: "sigv4" } });
    const client = new KinesisClient({
      endpoint: signing.url,
      region: "eu-west-1",
      credentials: { accessKeyId: id, secretAccessKey: secret },
      maxAttempts: 1,
    });
    let sentBytes = 0;
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: string | Uint8Array; headers: Record<string, string> };
        request.body = gzipSync(request.body);
        sentBytes = request.body.length;
        request.headers["content-encoding"] = "gzip";
        return next(args);
      },
      { step: "build", priority: "high" },
    );
    await signing.memory.broker.createStream({ name: "s", shardCount: 1 });
    const Records = Array.from({ length: 100 }, () => ({ PartitionKey: "k", Data: Buffer.alloc(1000) }));
    const put = await client.send(new PutRecordsCommand({ StreamName: "s", Records }));
    expect([put.FailedRecordCount, put.Records?.length]).toEqual([0, 100]);
    expect(sentBytes).toBeLessThan(5_000);
    expect((await client.send(new ListStreamsCommand({}))).StreamNames).toEqual(["s"]);
    client.destroy();
    await signing.stop();
    access.close();
  });
});

describe("a reply", () => {
  /** The records of a stream whose data is `data`, many times over. */
  async function read(stream: string, data: () => Buffer, headers: Record<string, string>, count = 100) {
    await harness.ok("CreateStream", { StreamName: stream, ShardCount: 1 });
    const Records = Array.from({ length: count }, () => ({
      PartitionKey: "k",
      Data: data().toString("base64"),
    }));
    await harness.ok("PutRecords", { StreamName: stream, Records });
    const ShardIterator = await harness.iterator(stream, "TRIM_HORIZON");
    const answer = await raw("GetRecords", JSON.stringify({ ShardIterator }), headers);
    const plain = answer.headers["content-encoding"] === "gzip" ? gunzipSync(answer.body) : answer.body;
    return { ...answer, records: (JSON.parse(plain.toString()) as { Records: unknown[] }).Records.length };
  }
  const text = () => Buffer.from('{"level":"info","message":"a user has logged in"}'.repeat(20));
  const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(1000)));

  test("is in gzip for a client that asks, and plain for any other", async () => {
    const packed = await read("packed", text, asking);
    expect([packed.headers["content-encoding"], packed.records]).toEqual(["gzip", 100]);
    const plain = await read("plain", text, {});
    expect([plain.headers["content-encoding"], plain.records]).toEqual([undefined, 100]);
    expect(packed.body.length).toBeLessThan(plain.body.length / 4);
    const identity = await read("identity", text, { "accept-encoding": "identity" });
    expect(identity.headers["content-encoding"]).toBeUndefined();
  });

  test("of several megabytes is, too", async () => {
    const packed = await read("large", () => Buffer.alloc(10_000, "voik "), asking, 300);
    expect([packed.headers["content-encoding"], packed.records]).toEqual(["gzip", 300]);
    expect(packed.body.length).toBeLessThan(200_000);
  });

  test("that does not shrink, or is small, is not", async () => {
    const random = await read("random", noise, asking);
    expect([random.headers["content-encoding"], random.records]).toEqual([undefined, 100]);
    const small = await raw("DescribeLimits", "{}", asking);
    expect([small.status, small.headers["content-encoding"]]).toEqual([200, undefined]);
  });

  test("over HTTP/2 is, too, and one that goes on is not", async () => {
    await harness.ok("RegisterStreamConsumer", {
      StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s",
      ConsumerName: "c",
    });
    const { Consumers } = (await harness.ok("ListStreamConsumers", {
      StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/s",
    })) as unknown as { Consumers: { ConsumerARN: string }[] };
    const session = connect(harness.url);
    const codingOf = (operation: string, body: object) =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ":method": "POST",
          ":path": "/",
          "content-type": JSON_TYPE,
          "x-amz-target": `Kinesis_20131202.${operation}`,
          ...asking,
        });
        stream.on("error", reject);
        stream.on("response", (headers) => {
          resolve(headers["content-encoding"]);
          stream.close();
        });
        stream.end(JSON.stringify(body));
      });
    const ShardIterator = await harness.iterator("packed", "TRIM_HORIZON");
    expect(await codingOf("GetRecords", { ShardIterator })).toBe("gzip");
    const subscribe = {
      ConsumerARN: Consumers[0]?.ConsumerARN,
      ShardId: "shardId-000000000000",
      StartingPosition: { Type: "TRIM_HORIZON" },
    };
    expect(await codingOf("SubscribeToShard", subscribe)).toBeUndefined();
    session.destroy();
  });
});

test("Accept-Encoding is read as RFC 9110 has it", () => {
  const takes = ["gzip", "GZIP", "deflate, gzip;q=0.5", "x-gzip", "br;q=1.0,gzip;q=0.1"];
  const refuses = ["", "identity", "deflate", "gzip;q=0", "gzip; q=0.000", "notgzip", "*;q=0", "br"];
  expect(takes.filter((header) => !acceptsGzip(header))).toEqual([]);
  expect(refuses.filter((header) => acceptsGzip(header))).toEqual([]);
  expect(acceptsGzip(null)).toBe(false);
});
