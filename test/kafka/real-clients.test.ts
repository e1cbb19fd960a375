/** Clients that other people wrote: kafkajs, and kcat (librdkafka) with every compression. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { RecordReader } from "../../src/log/record.ts";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import type { ShardLog } from "../../src/log/shard-log.ts";
import { describeWith } from "../helpers/installed.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await startTestKafka({ onDisk: true });
});
afterAll(() => kafka.close());

function recordsOf(log: ShardLog): { key: string; value: string }[] {
  const records: { key: string; value: string }[] = [];
  const range = log.locate(0, 1 << 30);
  if (range === undefined) return records;
  const bytes = Buffer.alloc(range.bytes);
  range.copy(bytes, 0);
  range.release();
  for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at)) {
    const reader = new RecordReader(bytes.subarray(at, at + batchBytesOf(bytes, at)));
    while (reader.next()) records.push({ key: String(reader.key()), value: String(reader.value()) });
  }
  return records;
}

describe("kafkajs", () => {
  const open = () =>
    new Kafka({ clientId: "test", brokers: [`127.0.0.1:${kafka.port}`], logLevel: logLevel.NOTHING });

  test("creates a topic, produces to its partitions by key, and reads offsets and settings", async () => {
    const admin = open().admin();
    await admin.connect();
    expect(await admin.createTopics({ topics: [{ topic: "js", numPartitions: 3 }] })).toBe(true);
    const producer = open().producer();
    await producer.connect();
    const messages = Array.from({ length: 300 }, (_, i) => ({ key: `key-${i % 10}`, value: `value ${i}` }));
    await producer.send({ topic: "js", messages, acks: -1 });
    const shards = kafka.broker.streamByName("js")?.shards ?? [];
    const stored = shards.flatMap((shard) => recordsOf(shard.log));
    expect(stored.length).toBe(300);
    for (let key = 0; key < 10; key++) {
      const ofKey = (list: { key: string; value: string }[]) =>
        list.filter((one) => one.key === `key-${key}`);
      expect(ofKey(stored)).toEqual(ofKey(messages));
    }
    const offsets = await admin.fetchTopicOffsets("js");
    expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBe(300);
    const { topics } = await admin.fetchTopicMetadata({ topics: ["js"] });
    expect(topics[0]?.partitions.length).toBe(3);
    const configs = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: "js" }],
    });
    expect(configs.resources[0]?.configEntries.map((entry) => entry.configName)).toContain("retention.ms");
    await admin.deleteTopics({ topics: ["js"] });
    expect(await admin.listTopics()).not.toContain("js");
    await producer.disconnect();
    await admin.disconnect();
  });
});

describeWith("kcat", ["kcat", "-V"], () => {
  async function run(args: string[], input = ""): Promise<string> {
    const child = Bun.spawn(["kcat", "-b", `127.0.0.1:${kafka.port}`, ...args], {
      stdin: Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code !== 0) throw new Error(`kcat ${args.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  const lines = Array.from({ length: 3000 }, (_, i) => `line ${i} ${"grüße ".repeat(i % 30)}`);
  const input = `${lines.join("\n")}\n`;

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "what it produces with %s it reads back, byte for byte and in order",
    async (codec) => {
      await run(["-P", "-t", `kcat-${codec}`, "-p", "0", "-z", codec], input);
      const back = await run(["-C", "-t", `kcat-${codec}`, "-p", "0", "-o", "beginning", "-e", "-q"]);
      expect(back === input).toBe(true);
      const log = kafka.broker.streamByName(`kcat-${codec}`)?.shards[0]?.log as ShardLog;
      expect(recordsOf(log).map((record) => record.value)).toEqual(lines);
    },
  );

  test("reads from a timestamp, from the end, and lists what is there", async () => {
    await run(["-P", "-t", "kcat-time", "-p", "0"], "one\ntwo\nthree\n");
    expect(await run(["-C", "-t", "kcat-time", "-p", "0", "-o", "-1", "-e", "-q"])).toBe("three\n");
    expect(await run(["-C", "-t", "kcat-time", "-p", "0", "-o", "s@1000", "-e", "-q"])).toBe(
      "one\ntwo\nthree\n",
    );
    expect(await run(["-Q", "-t", "kcat-time:0:-1"])).toContain("offset 3");
    expect(await run(["-L", "-t", "kcat-time"])).toContain('topic "kcat-time" with 1 partitions');
  });

  test("produces with acks=0 and acks=1", async () => {
    for (const acks of ["0", "1"]) {
      await run(["-P", "-t", "kcat-acks", "-p", "0", "-X", `acks=${acks}`], "a\nb\n");
    }
    const back = await run(["-C", "-t", "kcat-acks", "-p", "0", "-o", "beginning", "-e", "-q"]);
    expect(back).toBe("a\nb\na\nb\n");
  });
});
