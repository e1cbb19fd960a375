/** GetRecords over what both edges may have written: pages, limits, compressed and broken batches, ends of shards. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { request } from "node:http";
import { connect } from "node:http2";
import { PassThrough, type Readable } from "node:stream";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import type { CompressionName } from "../../src/log/compression.ts";
import { computeCrc } from "../../src/log/record-batch.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import type { MemoryLog } from "../helpers/memory-log.ts";
import { type Json, KinesisHarness, ManualClock } from "./kinesis-harness.ts";
import { ReshardedBroker } from "./resharded-broker.ts";

const clock = new ManualClock();
let harness: KinesisHarness;
beforeAll(async () => {
  harness = await KinesisHarness.start({ clock });
});
afterAll(() => harness.stop());

let streams = 0;
/** A new stream of one shard, and that shard's log. */
async function newStream(): Promise<[string, MemoryLog]> {
  const name = `stream-${streams++}`;
  await harness.ok("CreateStream", { StreamName: name, ShardCount: 1 });
  return [name, memoryLogOf(harness.memory.broker.streamByName(name)?.shards[0] as never)];
}

function append(log: MemoryLog, batch: Buffer): void {
  log.append(batch);
  log.sync();
}

function batchOf(
  count: number,
  value: (i: number) => Buffer | null,
  compression: CompressionName = "none",
): Buffer {
  const builder = new BatchBuilder();
  for (let i = 0; i < count; i++) builder.add(Buffer.from(`key-${i}`), value(i), clock.timeMs);
  return builder.build(compression);
}

/** `batch` with the checksum of what it now is. */
function seal(batch: Buffer): Buffer {
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}

const records = (reply: Json) => reply["Records"] as unknown as Record<string, string>[];
const texts = (reply: Json) =>
  records(reply).map((record) => Buffer.from(record["Data"] ?? "", "base64").toString());

/** Follows the iterators from `type` to the tip; the pages. */
async function readAll(stream: string, limit?: number): Promise<Json[]> {
  const pages: Json[] = [];
  let ShardIterator: unknown = await harness.iterator(stream, "TRIM_HORIZON");
  for (;;) {
    const page = await harness.ok("GetRecords", { ShardIterator, Limit: limit });
    pages.push(page);
    if (Number(page["MillisBehindLatest"]) === 0) return pages;
    ShardIterator = page["NextShardIterator"];
  }
}

for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
  test(`a ${compression} batch of a Kafka client is read, whole and in pages that end inside it`, async () => {
    const [stream, log] = await newStream();
    append(
      log,
      batchOf(10, (i) => Buffer.from(`a${i}`), compression),
    );
    append(
      log,
      batchOf(5, (i) => Buffer.from(`b${i}`), compression),
    );
    const all = [
      ...Array.from({ length: 10 }, (_, i) => `a${i}`),
      ...Array.from({ length: 5 }, (_, i) => `b${i}`),
    ];
    expect((await readAll(stream)).map(texts)).toEqual([all]);
    const pages = await readAll(stream, 4);
    expect(pages.map((page) => texts(page).length)).toEqual([4, 4, 4, 3]);
    expect(pages.flatMap(texts)).toEqual(all);
    expect(log.openRanges).toBe(0);
  });
}

test("an iterator can be used again: the same records come", async () => {
  const [stream, log] = await newStream();
  append(
    log,
    batchOf(9, (i) => Buffer.from(`${i}`), "zstd"),
  );
  const first = await harness.ok("GetRecords", {
    ShardIterator: await harness.iterator(stream, "TRIM_HORIZON"),
    Limit: 3,
  });
  const again = { ShardIterator: first["NextShardIterator"], Limit: 3 };
  const replies = [await harness.ok("GetRecords", again), await harness.ok("GetRecords", again)];
  expect(replies.map(texts)).toEqual([
    ["3", "4", "5"],
    ["3", "4", "5"],
  ]);
});

test("a page ends at 10 MiB of data", async () => {
  const [stream, log] = await newStream();
  for (let i = 0; i < 25; i++)
    append(
      log,
      batchOf(1, () => Buffer.alloc(2 ** 20 - 5, i)),
    );
  const pages = await readAll(stream);
  expect(pages.map((page) => records(page).length)).toEqual([10, 10, 5]);
});

describe("a page comes whole to clients that take it slowly", () => {
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.GetRecords",
  };
  const transports: [string, (body: string) => Readable][] = [
    [
      "HTTP/1.1",
      (body) => {
        const taken = new PassThrough();
        const options = { method: "POST", headers, agent: false };
        request(harness.url, options, (reply) => void reply.pipe(taken)).end(body);
        return taken;
      },
    ],
    [
      "HTTP/2",
      (body) => {
        const session = connect(harness.url);
        const stream = session.request({ ":method": "POST", ":path": "/", ...headers });
        stream.on("close", () => session.close());
        return stream.end(body);
      },
    ],
  ];
  const hashOf = ({ Data }: Record<string, string>) => Bun.hash(Buffer.from(`${Data}`, "base64"));

  async function takeSlowly(page: Readable): Promise<Json> {
    const pieces: Buffer[] = [];
    for await (const piece of page) {
      pieces.push(piece as Buffer);
      // The server may use the memory of what it has sent for something else by now.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return JSON.parse(Buffer.concat(pieces).toString());
  }

  test.each(transports)("one of seven megabytes, %s", async (_, ask) => {
    const [stream, log] = await newStream();
    const values = Array.from({ length: 8 }, (_, i) => Buffer.alloc(900_001, `${i} of eight `));
    for (const value of values)
      append(
        log,
        batchOf(1, () => value),
      );
    const body = JSON.stringify({ ShardIterator: await harness.iterator(stream, "TRIM_HORIZON") });
    const page = await takeSlowly(ask(body));
    expect(records(page).map(hashOf)).toEqual(values.map((value) => Bun.hash(value)));
  });

  test.each(transports)("twelve of half a megabyte at once, %s", async (_, ask) => {
    const [stream, log] = await newStream();
    const values = Array.from({ length: 12 }, (_, i) => Buffer.alloc(400_001, `${i} of twelve `));
    for (const value of values)
      append(
        log,
        batchOf(1, () => value),
      );
    const bodies: string[] = [];
    for (let at = await harness.iterator(stream, "TRIM_HORIZON"); bodies.length < values.length;) {
      bodies.push(JSON.stringify({ ShardIterator: at, Limit: 1 }));
      at = String((await harness.ok("GetRecords", { ShardIterator: at, Limit: 1 }))["NextShardIterator"]);
    }
    const pages = await Promise.all(bodies.map((body) => takeSlowly(ask(body))));
    expect(pages.flatMap(records).map(hashOf)).toEqual(values.map((value) => Bun.hash(value)));
  });
});

test("control batches are passed over and end no page", async () => {
  const [stream, log] = await newStream();
  const control = batchOf(1, () => Buffer.from("commit"));
  control.writeInt16BE(0x30, 21);
  seal(control);
  append(log, Buffer.from(control));
  append(
    log,
    batchOf(1, () => Buffer.from("seen")),
  );
  append(log, Buffer.from(control));
  const pages = await readAll(stream);
  expect(pages.map(texts)).toEqual([["seen"]]);
  expect(pages[0]?.["MillisBehindLatest"]).toBe(0 as never);
});

test("keys and values that only Kafka has are shown within AWS's rules", async () => {
  const [stream, log] = await newStream();
  const long = "ü".repeat(300);
  const builder = new BatchBuilder();
  for (const key of [
    null,
    Buffer.alloc(0),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(long),
    Buffer.from(`${long}!`),
  ]) {
    builder.add(key, null, -1);
  }
  append(log, builder.build());
  const [page] = await readAll(stream);
  const keys = records(page as Json).map((record) => record["PartitionKey"] ?? "");
  expect(keys.slice(0, 3)).toEqual(["0", "1", "//4="]);
  expect(keys[3]).toStartWith("ü".repeat(192));
  expect(keys[3]).not.toBe(keys[4] as string);
  for (const key of keys) expect(key.length >= 1 && key.length <= 256).toBe(true);
  expect(records(page as Json)[0]).toMatchObject({ Data: "", ApproximateArrivalTimestamp: 0 });
});

test("a batch that can't be opened is named, and can be gone behind", async () => {
  const [stream, log] = await newStream();
  append(
    log,
    batchOf(2, () => Buffer.from("before")),
  );
  const broken = batchOf(3, () => Buffer.from("broken"), "gzip");
  broken.fill(0xaa, 65);
  seal(broken);
  append(log, broken);
  append(
    log,
    batchOf(1, () => Buffer.from("behind")),
  );
  const first = await harness.ok("GetRecords", {
    ShardIterator: await harness.iterator(stream, "TRIM_HORIZON"),
  });
  expect(texts(first)).toEqual(["before", "before"]);
  const reply = await harness.call("GetRecords", { ShardIterator: first["NextShardIterator"] });
  expect(reply).toMatchObject({ status: 400, body: { __type: "InvalidArgumentException" } });
  const StartingSequenceNumber = /AFTER_SEQUENCE_NUMBER (\d+)\./.exec(String(reply.body["message"]))?.[1];
  const ShardIterator = await harness.iterator(stream, "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber });
  expect(texts(await harness.ok("GetRecords", { ShardIterator }))).toEqual(["behind"]);
});

test("records that lie about their offsets do not move the reader out of the batch", async () => {
  const [stream, log] = await newStream();
  const builder = new BatchBuilder();
  for (let i = 0; i < 3; i++) builder.add(null, Buffer.from(`${i}`), clock.timeMs);
  const batch = builder.build();
  batch.writeInt32BE(0, 23);
  append(log, seal(batch));
  append(
    log,
    batchOf(1, () => Buffer.from("behind")),
  );
  expect((await readAll(stream)).map(texts)).toEqual([["0"], ["behind"]]);
});

describe("MillisBehindLatest", () => {
  test("is 0 at the tip, and else the age of the last record given", async () => {
    const [stream, log] = await newStream();
    for (let i = 0; i < 3; i++) {
      append(
        log,
        batchOf(1, () => Buffer.from(`${i}`)),
      );
      clock.timeMs += 1000;
    }
    const pages = await readAll(stream, 1);
    expect(pages.map((page) => Number(page["MillisBehindLatest"]))).toEqual([3000, 2000, 0]);
  });

  test("is never below 1 before the tip, whatever a producer's clock says", async () => {
    const [stream, log] = await newStream();
    const builder = new BatchBuilder();
    for (let i = 0; i < 2; i++) builder.add(null, Buffer.from(`${i}`), clock.timeMs + 1e9);
    append(log, builder.build());
    const pages = await readAll(stream, 1);
    expect(pages.map((page) => Number(page["MillisBehindLatest"]))).toEqual([1, 0]);
  });
});

test("what is not durable is not read", async () => {
  const [stream, log] = await newStream();
  log.hold();
  log.append(batchOf(1, () => Buffer.from("early")));
  const ShardIterator = await harness.iterator(stream, "TRIM_HORIZON");
  const before = await harness.ok("GetRecords", { ShardIterator });
  expect([texts(before), Number(before["MillisBehindLatest"])]).toEqual([[], 0]);
  log.release();
  expect(texts(await harness.ok("GetRecords", { ShardIterator: before["NextShardIterator"] }))).toEqual([
    "early",
  ]);
});

test("what retention took is passed over", async () => {
  const [stream, log] = await newStream();
  const ShardIterator = await harness.iterator(stream, "TRIM_HORIZON");
  for (let i = 0; i < 3; i++)
    append(
      log,
      batchOf(1, () => Buffer.from(`${i}`)),
    );
  log.trimTo(2);
  expect(texts(await harness.ok("GetRecords", { ShardIterator }))).toEqual(["2"]);
});

test("a StreamARN of another stream is refused", async () => {
  const [stream] = await newStream();
  const ShardIterator = await harness.iterator(stream, "LATEST");
  const StreamARN = "arn:aws:kinesis:us-east-1:000000000000:stream/other";
  expect((await harness.call("GetRecords", { ShardIterator, StreamARN })).body).toMatchObject({
    __type: "InvalidArgumentException",
  });
});

describe("at the end of a closed shard", () => {
  const broker = new ReshardedBroker(clock.timeMs - 4 * 3_600_000, 24 * 3_600_000);
  let resharded: KinesisHarness;
  beforeAll(async () => {
    resharded = await KinesisHarness.start({ clock, broker });
    for (const shard of [0, 1]) {
      const builder = new BatchBuilder();
      for (const value of ["x", "y"]) builder.add(null, Buffer.from(value), clock.timeMs);
      broker.append(shard, builder);
    }
  });
  afterAll(() => resharded.stop());

  test("there is no next iterator but the shards that it was split into", async () => {
    const ShardIterator = await resharded.iterator("s", "TRIM_HORIZON");
    const half = await resharded.ok("GetRecords", { ShardIterator, Limit: 1 });
    expect(half["ChildShards"]).toBeUndefined();
    const end = await resharded.ok("GetRecords", { ShardIterator: half["NextShardIterator"] });
    expect(texts(end)).toEqual(["y"]);
    expect(end["NextShardIterator"]).toBeUndefined();
    expect(end["MillisBehindLatest"]).toBe(0 as never);
    const child = (index: number, StartingHashKey: string, EndingHashKey: string) => ({
      ShardId: `shardId-00000000000${index}`,
      ParentShards: ["shardId-000000000000"],
      HashKeyRange: { StartingHashKey, EndingHashKey },
    });
    const middle = 2n ** 127n;
    expect(end["ChildShards"]).toEqual([
      child(1, "0", String(middle - 1n)),
      child(2, String(middle), String(2n ** 128n - 1n)),
    ] as never);
  });

  test("a merged shard names both parents", async () => {
    const ShardIterator = await resharded.iterator("s", "LATEST", { ShardId: "shardId-000000000001" });
    const end = await resharded.ok("GetRecords", { ShardIterator });
    expect(end["ChildShards"]?.[0]).toMatchObject({
      ShardId: "shardId-000000000003",
      ParentShards: ["shardId-000000000001", "shardId-000000000002"],
    });
  });

  test("an open shard goes on", async () => {
    const ShardIterator = await resharded.iterator("s", "LATEST", { ShardId: "shardId-000000000003" });
    const page = await resharded.ok("GetRecords", { ShardIterator });
    expect(page["ChildShards"]).toBeUndefined();
    expect(String(page["NextShardIterator"])).not.toBe("");
  });

  test("its ending sequence number stands for its end", async () => {
    const { Shards } = await resharded.ok("ListShards", { StreamName: "s" });
    const StartingSequenceNumber = Shards?.[0]?.["SequenceNumberRange"]?.["EndingSequenceNumber"];
    for (const type of ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]) {
      const ShardIterator = await resharded.iterator("s", type, { StartingSequenceNumber });
      expect(texts(await resharded.ok("GetRecords", { ShardIterator }))).toEqual([]);
    }
  });
});
