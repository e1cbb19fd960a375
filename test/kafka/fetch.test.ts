/** Fetch and ListOffsets: what is found, what is waited for, and that no range of a log file is ever left open. */
import { afterEach, describe, expect, test } from "bun:test";
import { Errno, sendfile } from "../../src/base/libc.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import type { KafkaServerOptions, SendFile } from "../../src/kafka/options.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { ShardLog } from "../../src/log/shard-log.ts";
import type { Stream } from "../../src/streams/broker.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { appendDurably, batchOf } from "../helpers/log.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";

let kafka: TestKafka;
let client: KafkaClient;
let stream: Stream;

async function start(options: Partial<KafkaServerOptions> & { onDisk?: boolean } = {}): Promise<void> {
  kafka = await startTestKafka(options);
  client = await kafka.client();
  stream = await kafka.broker.createStream({ name: "s", shardCount: 2 });
}

afterEach(() => kafka.close());

interface Wish {
  offset?: number;
  partitions?: number[];
  maxWaitMs?: number;
  minBytes?: number;
  maxBytes?: number;
  partitionMaxBytes?: number;
  sessionEpoch?: number;
  name?: string;
}

function bodyOf(wish: Wish = {}) {
  const { offset = 0, partitions = [0], maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, name = "s" } = wish;
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    sessionEpoch: wish.sessionEpoch ?? -1,
    topics: [
      {
        topic: name,
        topicId: kafka.broker.streamByName(name)?.id ?? "f".repeat(32),
        partitions: partitions.map((partition) => ({
          partition,
          fetchOffset: offset,
          partitionMaxBytes: wish.partitionMaxBytes ?? 1 << 20,
        })),
      },
    ],
    forgottenTopicsData: [],
  };
}

async function fetch(wish: Wish = {}, version?: number) {
  const reply = await client.request(Fetch, bodyOf(wish), version);
  return reply.responses[0]?.partitions ?? [];
}

function values(records: Buffer | null | undefined): string[] {
  const found: string[] = [];
  const bytes = records ?? Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
    const reader = new RecordReader(bytes.subarray(at, at + batchBytesOf(bytes, at)));
    while (reader.next()) found.push(`${reader.offset}:${reader.value()}`);
  }
  return found;
}

const logOf = (index: number) => memoryLogOf(stream.shards[index] as never);

describe("fetch", () => {
  test("gives what was appended in every version, up to the durable end", async () => {
    await start();
    await appendDurably(logOf(0), batchOf(["a", "b"]));
    logOf(0).hold();
    logOf(0).append(batchOf(["not durable"]));
    for (let version = 4; version <= 17; version++) {
      const [partition] = await fetch({}, version);
      expect(partition).toMatchObject({ errorCode: 0, highWatermark: 2, lastStableOffset: 2 });
      expect(values(partition?.records)).toEqual(["0:a", "1:b"]);
    }
    expect(logOf(0).openRanges).toBe(0);
  });

  test("waits for the first byte, and answers as soon as it is durable", async () => {
    await start();
    const waiting = fetch({ maxWaitMs: 60_000 });
    while (logOf(0).listenerCount === 0) await new Promise((resolve) => setImmediate(resolve));
    logOf(0).append(batchOf(["late"]));
    const [partition] = await waiting;
    expect(values(partition?.records)).toEqual(["0:late"]);
    expect(logOf(0).listenerCount).toBe(0);
  });

  test("waits until min_bytes are there, over all partitions, or until the time is up", async () => {
    await start();
    const batch = batchOf(["x".repeat(100)]);
    let answered = false;
    const waiting = fetch({ maxWaitMs: 60_000, minBytes: batch.length + 1, partitions: [0, 1] });
    void waiting.then(() => (answered = true));
    while (logOf(1).listenerCount === 0) await new Promise((resolve) => setImmediate(resolve));
    await appendDurably(logOf(0), batchOf(["x".repeat(100)]));
    // Another client's round trip: the server has had its turn.
    await (await kafka.client()).request(Fetch, bodyOf());
    expect(answered).toBe(false);
    await appendDurably(logOf(1), batchOf(["y".repeat(100)]));
    expect((await waiting).map((partition) => values(partition.records).length)).toEqual([1, 1]);
    const started = performance.now();
    const [late] = await fetch({ maxWaitMs: 50, minBytes: 1 << 30 });
    expect(performance.now() - started).toBeGreaterThanOrEqual(45);
    expect(values(late?.records).length).toBe(1);
    expect(logOf(0).openRanges + logOf(1).openRanges + logOf(0).listenerCount).toBe(0);
  });

  test("gives one whole batch however little is asked for, and no second one", async () => {
    await start();
    await appendDurably(logOf(0), batchOf(["x".repeat(5000)]));
    await appendDurably(logOf(1), batchOf(["y".repeat(5000)]));
    const answers = await fetch({ maxBytes: 1, partitions: [0, 1] });
    expect(answers.map((partition) => values(partition.records).length)).toEqual([1, 0]);
    const limited = await fetch({ partitionMaxBytes: 10, partitions: [1, 0] });
    expect(limited.map((partition) => values(partition.records).length)).toEqual([1, 0]);
    expect(logOf(0).openRanges + logOf(1).openRanges).toBe(0);
  });

  test("says which partitions can't be read, and reads the others", async () => {
    await start();
    await appendDurably(logOf(0), batchOf(["a"]));
    const answers = await fetch({ partitions: [0, 1, 7] });
    expect(answers.map((partition) => partition.errorCode)).toEqual([0, 0, 3]);
    expect((await fetch({ offset: 5 }))[0]?.errorCode).toBe(1);
    expect((await fetch({ offset: -1 }))[0]?.errorCode).toBe(1);
    expect((await fetch({ name: "missing" }))[0]?.errorCode).toBe(100);
    expect((await fetch({ name: "missing" }, 12))[0]?.errorCode).toBe(3);
  });

  test("clamps wishes that are too large", async () => {
    await start({ limits: { fetchWaitMsMax: 40, fetchBytesMax: 100 } });
    const huge = 0x7fffffff;
    const [empty] = await fetch({ maxWaitMs: huge, minBytes: huge, maxBytes: huge, partitionMaxBytes: huge });
    expect(empty).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  test("declines fetch sessions", async () => {
    await start();
    const opening = await client.request(Fetch, bodyOf({ sessionEpoch: 0 }));
    expect(opening).toMatchObject({ errorCode: 0, sessionId: 0 });
    const going = await client.request(Fetch, bodyOf({ sessionEpoch: 3 }));
    expect(going.errorCode).toBe(70);
  });

  test("ends its wait when the client goes away", async () => {
    await start();
    const raw = await RawConnection.open(kafka.port);
    raw.socket.write(frameOf(Fetch, 12, bodyOf({ maxWaitMs: 60_000 })));
    while (logOf(0).listenerCount === 0) await new Promise((resolve) => setImmediate(resolve));
    raw.end();
    while (logOf(0).listenerCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(logOf(0).openRanges).toBe(0);
  });

  test("ends its wait when the stream is deleted", async () => {
    await start({ limits: { idleTimeoutMs: 400 } });
    const waiting = fetch({ maxWaitMs: 60_000 });
    while (logOf(0).listenerCount === 0) await new Promise((resolve) => setImmediate(resolve));
    await kafka.broker.deleteStream("s");
    expect((await waiting)[0]?.errorCode).toBe(100);
  });

  test("lets go of its ranges when the client goes away in the middle of a reply", async () => {
    await start();
    for (let i = 0; i < 40; i++) await appendDurably(logOf(0), batchOf(["x".repeat(900_000)]));
    const raw = await RawConnection.open(kafka.port);
    raw.socket.pause();
    const body = bodyOf({ maxBytes: 50 << 20, partitionMaxBytes: 50 << 20 });
    raw.socket.write(Buffer.concat(Array.from({ length: 30 }, () => frameOf(Fetch, 12, body))));
    while (logOf(0).openRanges === 0) await new Promise((resolve) => setImmediate(resolve));
    raw.end();
    while (kafka.server.connections > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(logOf(0).openRanges).toBe(0);
  });

  test("streams 40 MB from log files by sendfile, through a full socket", async () => {
    if (sendfile === undefined) return;
    const system = sendfile;
    let sentBytes = 0;
    let full = 0;
    const sendFile: SendFile = (...call) => {
      const sent = system(...call);
      if (sent > 0) sentBytes += sent;
      else if (sent === -Errno.EAGAIN) full++;
      return sent;
    };
    await start({ onDisk: true, sendFile });
    await readBack40MB();
    expect(sentBytes).toBeGreaterThan(35_000_000);
    expect(full).toBeGreaterThan(0);
  });

  test("streams 40 MB from log files by bounded copies", async () => {
    await start({ onDisk: true, sendFile: null });
    await readBack40MB();
  });
});

/** Appends 80 records of 500 KB and reads them back, 50 MiB at a wish. */
async function readBack40MB(): Promise<void> {
  const log = stream.shards[0]?.log as ShardLog;
  const value = Buffer.alloc(500_000, "voik ").toString();
  for (let i = 0; i < 80; i++) await appendDurably(log, batchOf([`${i} ${value}`]));
  let next = 0;
  while (next < 80) {
    const [partition] = await fetch({ offset: next, maxBytes: 50 << 20, partitionMaxBytes: 50 << 20 });
    for (const found of values(partition?.records)) {
      expect(found === `${next}:${next} ${value}`).toBe(true);
      next++;
    }
  }
}

describe("list offsets", () => {
  test("finds the ends, the largest timestamp, and the first record of a time, in every version", async () => {
    await start();
    await appendDurably(logOf(0), batchOf(["a"], 1000));
    await appendDurably(logOf(0), batchOf(["b"], 3000));
    await appendDurably(logOf(0), batchOf(["c"], 2000));
    const ask = async (timestamp: number, version?: number, partitionIndex = 0) => {
      const topics = [{ name: "s", partitions: [{ partitionIndex, timestamp }] }];
      const body = { replicaId: -1, isolationLevel: 0, timeoutMs: 1000, topics };
      const reply = await client.request(ListOffsets, body, version);
      return reply.topics[0]?.partitions[0];
    };
    for (let version = 1; version <= 10; version++) {
      expect(await ask(-1, version)).toMatchObject({ errorCode: 0, offset: 3, timestamp: -1 });
      expect(await ask(-2, version)).toMatchObject({ errorCode: 0, offset: 0 });
      expect(await ask(1500, version)).toMatchObject({ errorCode: 0, offset: 1, timestamp: 3000 });
    }
    expect(await ask(-3)).toMatchObject({ offset: 1, timestamp: 3000 });
    expect(await ask(-4)).toMatchObject({ offset: 0 });
    expect(await ask(-5)).toMatchObject({ offset: -1 });
    expect(await ask(9000)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await ask(-1, undefined, 9)).toMatchObject({ errorCode: 3 });
  });
});
