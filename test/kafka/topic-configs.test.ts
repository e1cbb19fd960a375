/** Settings of topics: described with where they come from, altered, refused by name, kept, and acted on. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { DescribeConfigs } from "../../src/kafka/messages/32-describe-configs.ts";
import { AlterConfigs } from "../../src/kafka/messages/33-alter-configs.ts";
import { IncrementalAlterConfigs } from "../../src/kafka/messages/44-incremental-alter-configs.ts";
import { TOPIC_CONFIGS } from "../../src/kafka/topic-config-table.ts";
import { compressionName } from "../../src/log/compression.ts";
import { CommitLog } from "../../src/log/commit-log.ts";
import { readBatches, readRecords } from "../../src/log/reader.ts";
import { recompress } from "../../src/log/recompress.ts";
import { compressionOf } from "../../src/log/record-batch.ts";
import type { Shard, Stream } from "../../src/streams/broker.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";

let kafka: TestKafka;
let client: KafkaClient;

beforeAll(async () => {
  kafka = await startTestKafka();
  client = await kafka.client();
});
afterAll(() => kafka.close());

const TOPIC = 2;
let made = 0;
const newTopic = (): Promise<Stream> => kafka.broker.createStream({ name: `t${++made}`, shardCount: 1 });

const logOf = (stream: Stream) => (stream.shards[0] as Shard).log;

async function describeTopic(name: string, includeSynonyms = false) {
  const resources = [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }];
  const reply = await client.request(DescribeConfigs, { resources, includeSynonyms });
  return new Map(reply.results[0]?.configs.map((config) => [config.name, config]));
}

async function set(name: string, key: string, value: string | null, operation = 0, validateOnly = false) {
  const configs = [{ name: key, configOperation: operation, value }];
  const resources = [{ resourceType: TOPIC, resourceName: name, configs }];
  const reply = await client.request(IncrementalAlterConfigs, { resources, validateOnly });
  return reply.responses[0];
}

async function produce(name: string, batch: Buffer) {
  const topicData = [{ name, partitionData: [{ index: 0, records: batch }] }];
  const reply = await client.request(Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
  return reply.responses[0]?.partitionResponses[0];
}

describe("a setting", () => {
  const GOOD: Record<string, string> = {
    "retention.ms": "60000",
    "retention.bytes": "1048576",
    "segment.bytes": "65536",
    "segment.ms": "1000",
    "max.message.bytes": "2000",
    "message.timestamp.type": "LogAppendTime",
    "message.timestamp.before.max.ms": "5000",
    "message.timestamp.after.max.ms": "5000",
    "compression.type": "zstd",
    "voik.durability": "os",
  };

  test.each(TOPIC_CONFIGS.filter(({ fixed }) => !fixed).map(({ name }) => name))(
    "%s is set, shown as the topic's own, and goes back to the broker's",
    async (key) => {
      const { name } = await newTopic();
      const before = (await describeTopic(name)).get(key);
      const value = GOOD[key] as string;
      expect(value).toBeDefined();
      expect(await set(name, key, value)).toMatchObject({ errorCode: 0, errorMessage: null });
      const shown = (await describeTopic(name, true)).get(key);
      expect(shown).toMatchObject({ value, configSource: 1, readOnly: false });
      expect(shown?.synonyms[0]).toEqual({ name: key, value, source: 1 });
      expect(shown?.synonyms.at(-1)?.value).toBe(before?.value as string);
      await set(name, key, null, 1);
      expect((await describeTopic(name)).get(key)).toEqual(before as never);
    },
  );

  test("-1 is for ever, and no bound", async () => {
    const stream = await newTopic();
    await set(stream.name, "retention.ms", "-1");
    await set(stream.name, "retention.bytes", "-1");
    const shown = await describeTopic(stream.name);
    expect(shown.get("retention.ms")?.value).toBe("-1");
    expect(shown.get("retention.bytes")?.value).toBe("-1");
    expect(stream.retentionMs).toBeGreaterThan(1e15);
  });

  test("0 is for no longer than it takes to be swept", async () => {
    const stream = await newTopic();
    expect(await set(stream.name, "retention.ms", "0")).toMatchObject({ errorMessage: null });
    expect(await set(stream.name, "retention.bytes", "0")).toMatchObject({ errorMessage: null });
    const shown = await describeTopic(stream.name);
    expect(shown.get("retention.ms")?.value).toBe("0");
    expect(shown.get("retention.bytes")?.value).toBe("0");
    expect([stream.retentionMs, stream.settings.retentionBytes]).toEqual([0, 0]);
  });

  test("numbers may be as large as Kafka's, and have space around them", async () => {
    const stream = await newTopic();
    for (const key of ["retention.ms", "retention.bytes", "segment.ms", "message.timestamp.after.max.ms"]) {
      expect(await set(stream.name, key, "9223372036854775807")).toMatchObject({ errorMessage: null });
      expect(await set(stream.name, key, "99999999999999999")).toMatchObject({ errorMessage: null });
      expect((await set(stream.name, key, "9223372036854775808"))?.errorCode).toBe(40);
    }
    expect((await describeTopic(stream.name)).get("retention.ms")?.value).toBe("-1");
    expect(await set(stream.name, "retention.ms", " 60000 ")).toMatchObject({ errorMessage: null });
    expect((await describeTopic(stream.name)).get("retention.ms")?.value).toBe("60000");
  });

  test.each([
    ["bogus.setting", "1", 40, "bogus.setting"],
    ["cleanup.policy", "compact", 40, "can't compact"],
    ["retention.ms", "soon", 40, "retention.ms is a whole number"],
    ["retention.ms", "-2", 40, "-1 for no bound"],
    ["retention.bytes", "-2", 40, "-1 for no bound"],
    ["segment.bytes", "14", 40, "65536"],
    ["message.timestamp.type", "Never", 40, "CreateTime or LogAppendTime"],
    ["compression.type", "toString", 40, "producer, uncompressed"],
    ["min.insync.replicas", "2", 40, "always 1"],
    ["max.message.bytes", "999999999", 40, "whole number from 62"],
  ])("%s = %s is refused with what is allowed", async (key, value, code, words) => {
    const { name } = await newTopic();
    const refused = await set(name, key, value);
    expect(refused).toMatchObject({ errorCode: code, resourceName: name });
    expect(refused?.errorMessage).toContain(words);
  });

  test("is only checked when the request says so", async () => {
    const { name } = await newTopic();
    expect((await set(name, "segment.ms", "1", 0, true))?.errorCode).toBe(0);
    expect((await describeTopic(name)).get("segment.ms")?.configSource).toBe(4);
  });

  test("of a list takes append and subtract as far as that makes sense; others do not", async () => {
    const { name } = await newTopic();
    expect((await set(name, "cleanup.policy", "delete", 2))?.errorCode).toBe(0);
    expect((await set(name, "cleanup.policy", "delete", 3))?.errorCode).toBe(40);
    expect((await set(name, "retention.ms", "1", 2))?.errorMessage).toContain("no list");
    expect((await set(name, "retention.ms", "1", 9))?.errorCode).toBe(42);
    expect((await set(name, "retention.ms", null))?.errorCode).toBe(40);
  });
});

describe("altering", () => {
  test("the old way replaces everything that the topic had chosen", async () => {
    const { name } = await newTopic();
    await set(name, "segment.ms", "1000");
    const configs = [{ name: "retention.bytes", value: "70000" }];
    const reply = await client.request(AlterConfigs, {
      resources: [{ resourceType: TOPIC, resourceName: name, configs }],
      validateOnly: false,
    });
    expect(reply.responses[0]?.errorCode).toBe(0);
    const shown = await describeTopic(name);
    expect(shown.get("retention.bytes")).toMatchObject({ value: "70000", configSource: 1 });
    expect(shown.get("segment.ms")?.configSource).toBe(4);
  });

  test("one wrong setting leaves the others of its topic as they were", async () => {
    const stream = await newTopic();
    const configs = [
      { name: "segment.ms", configOperation: 0, value: "1000" },
      { name: "bogus", configOperation: 0, value: "1" },
    ];
    const resources = [{ resourceType: TOPIC, resourceName: stream.name, configs }];
    const reply = await client.request(IncrementalAlterConfigs, { resources, validateOnly: false });
    expect(reply.responses[0]?.errorCode).toBe(40);
    expect(stream.settings).toEqual({});
  });

  test.each([
    ["a topic that is not there", TOPIC, "missing", 3],
    ["the broker", 4, "1", 40],
    ["a group", 32, "g", 42],
  ])("%s is refused", async (_what, resourceType, resourceName, code) => {
    const resources = [{ resourceType, resourceName, configs: [] }];
    const reply = await client.request(IncrementalAlterConfigs, { resources, validateOnly: false });
    expect(reply.responses[0]).toMatchObject({ errorCode: code, resourceType, resourceName });
  });

  test("a topic named twice is refused, and so is a setting named twice", async () => {
    const { name } = await newTopic();
    const configs = [{ name: "segment.ms", configOperation: 0, value: "1" }];
    const resource = { resourceType: TOPIC, resourceName: name, configs };
    const twice = await client.request(IncrementalAlterConfigs, {
      resources: [resource, resource],
      validateOnly: false,
    });
    expect(twice.responses.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
    const doubled = { ...resource, configs: [...configs, ...configs] };
    const reply = await client.request(IncrementalAlterConfigs, {
      resources: [doubled],
      validateOnly: false,
    });
    expect(reply.responses[0]?.errorCode).toBe(42);
  });
});

describe("what a setting does", () => {
  test("max.message.bytes refuses larger batches", async () => {
    const { name } = await newTopic();
    await set(name, "max.message.bytes", "200");
    expect((await produce(name, batchOf(["small"])))?.errorCode).toBe(0);
    expect((await produce(name, batchOf(["x".repeat(300)])))?.errorCode).toBe(10);
  });

  test("LogAppendTime gives every record the time of its arrival, and tells the producer", async () => {
    const stream = await newTopic();
    await set(stream.name, "message.timestamp.type", "LogAppendTime");
    const beforeMs = Date.now();
    const answer = await produce(stream.name, batchOf(["a", "b"], 5));
    expect(answer?.errorCode).toBe(0);
    const timeMs = answer?.logAppendTimeMs as number;
    expect(timeMs).toBeWithin(beforeMs, Date.now() + 1);
    const times: number[] = [];
    for await (const record of readRecords(logOf(stream))) times.push(record.timestampMs);
    expect(times).toEqual([timeMs, timeMs]);
  });

  test("records too old or too new are refused with code 32, and so is a claim of the broker's time", async () => {
    const { name } = await newTopic();
    await set(name, "message.timestamp.before.max.ms", "60000");
    await set(name, "message.timestamp.after.max.ms", "60000");
    const at = (timestampMs: number) => produce(name, batchOf(["a"], timestampMs));
    expect((await at(Date.now()))?.errorCode).toBe(0);
    expect((await at(Date.now() - 120_000))?.errorCode).toBe(32);
    expect(await at(Date.now() + 120_000)).toMatchObject({
      errorCode: 32,
      errorMessage: expect.stringContaining("message.timestamp.after.max.ms"),
    });
  });

  test.each(["uncompressed", "gzip", "snappy", "lz4", "zstd"])(
    "compression.type %s recompresses what was sent otherwise",
    async (type) => {
      const stream = await newTopic();
      await set(stream.name, "compression.type", type);
      const sent = ["none", "gzip"] as const;
      for (const compression of sent) {
        const values = Array.from({ length: 20 }, (_, i) => `value ${i % 3} of ${compression}`);
        expect((await produce(stream.name, recompress(batchOf(values), compression)))?.errorCode).toBe(0);
      }
      const log = logOf(stream);
      const names: unknown[] = [];
      for await (const batch of readBatches(log)) names.push(compressionName(compressionOf(batch)));
      const expected = type === "uncompressed" ? "none" : type;
      expect(names).toEqual([expected, expected]);
      const values: string[] = [];
      for await (const record of readRecords(log)) values.push(String(record.value));
      expect(values.length).toBe(40);
      expect(values[19]).toBe("value 1 of none");
      expect(values[39]).toBe("value 1 of gzip");
    },
  );
});

test("segment.bytes and retention.bytes hold for a topic's logs from the moment they are set", async () => {
  const onDisk = await startTestKafka({ onDisk: true });
  try {
    const stream = await onDisk.broker.createStream({ name: "small", shardCount: 1 });
    const own = await onDisk.client();
    const setting = async (name: string, value: string) => {
      const configs = [{ name, configOperation: 0, value }];
      const resources = [{ resourceType: TOPIC, resourceName: "small", configs }];
      await own.request(IncrementalAlterConfigs, { resources, validateOnly: false });
    };
    await setting("segment.bytes", "65536");
    await setting("retention.bytes", "100000");
    for (let i = 0; i < 10; i++) {
      const records = batchOf(["x".repeat(30_000)], Date.now());
      const topicData = [{ name: "small", partitionData: [{ index: 0, records }] }];
      await own.request(Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
    }
    const log = logOf(stream);
    expect(log.sizeBytes).toBeGreaterThan(250_000);
    if (!(log instanceof CommitLog)) throw new Error("a broker on disk has commit logs");
    while (await log.applyRetention(Date.now()));
    expect(log.sizeBytes).toBeWithin(100_000, 200_000);
    expect(log.startOffset).toBeGreaterThan(0);
  } finally {
    await onDisk.close();
  }
});
