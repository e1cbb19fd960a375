/** TLS on the Kafka port: real clients, slow readers, certificates of clients, and peers that are none (test 46). */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:tls";
import { Kafka, logLevel } from "kafkajs";
import { MetricsRegistry } from "../../../src/base/metrics.ts";
import { Fetch } from "../../../src/kafka/messages/01-fetch.ts";
import { Metadata } from "../../../src/kafka/messages/03-metadata.ts";
import type { KafkaSecurity, KafkaServerOptions } from "../../../src/kafka/options.ts";
import { Certificates } from "../../helpers/certificates.ts";
import { describeWith, run } from "../../helpers/installed.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../../helpers/kafka.ts";
import { batchOf } from "../../helpers/log.ts";

const certificates = new Certificates();
const tls = {
  cert: certificates.text(certificates.server.cert),
  key: certificates.text(certificates.server.key),
};
const clientCa = certificates.text(certificates.ca);
const trusting = { ca: clientCa };
const ann = certificates.client("ann", "/O=Example, Inc/OU=ops+dev/CN=ann");
const stranger = new Certificates();

let kafka: TestKafka;
let metrics: MetricsRegistry;
async function start(
  security: Partial<KafkaSecurity> = { tls },
  options: Partial<KafkaServerOptions> & { onDisk?: boolean } = {},
): Promise<void> {
  metrics = new MetricsRegistry();
  kafka = await startTestKafka({ security, metrics, ...options });
}
afterEach(() => kafka.close());
afterAll(() => {
  certificates[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

const keysOf = (files: { cert: string; key: string }) => ({
  ...trusting,
  cert: certificates.text(files.cert),
  key: certificates.text(files.key),
});

describe("over TLS", () => {
  test("a consumer that reads slowly gets every byte, and the broker keeps little of them", async () => {
    await start({ tls }, { onDisk: true });
    const stream = await kafka.broker.createStream({ name: "big", shardCount: 1 });
    const log = stream.shards[0]?.log;
    const values = Array.from(
      { length: 40 },
      (_, i) => `${i} ${String.fromCharCode(97 + (i % 26)).repeat(900_000)}`,
    );
    for (const value of values) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      log?.append(batchOf([value]), {
        onDurable: () => resolve(),
        onAppendFailed: (_log, error) => reject(error),
      });
      await promise;
    }
    const socket = connect({ host: "127.0.0.1", port: kafka.port, ...trusting });
    const fetch = frameOf(Fetch, 4, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 50 << 20,
      forgottenTopicsData: [],
      topics: [
        {
          topic: "big",
          partitions: Array.from({ length: 40 }, (_, i) => ({
            partition: 0,
            fetchOffset: i,
            partitionMaxBytes: 1_000_000,
          })),
        },
      ],
    });
    const before = process.memoryUsage.rss();
    let most = before;
    const chunks: Buffer[] = [];
    let bytes = 0;
    let wanted = Infinity;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (wanted === Infinity && bytes >= 4) wanted = 4 + Buffer.concat(chunks).readInt32BE(0);
      most = Math.max(most, process.memoryUsage.rss() - bytes);
      socket.pause();
      setTimeout(() => socket.resume(), chunks.length % 64 === 0 ? 5 : 0);
      if (bytes >= wanted) resolve();
    });
    socket.write(fetch);
    await promise;
    const reply = Buffer.concat(chunks).toString("latin1");
    socket.destroy();
    expect(reply.length).toBe(wanted);
    for (const value of values) expect(reply.includes(value)).toBe(true);
    expect(most - before).toBeLessThan(64 << 20);
  }, 30_000);

  test("kafkajs produces and consumes", async () => {
    await start({ tls }, { onDisk: true });
    const client = new Kafka({
      clientId: "test",
      brokers: [`127.0.0.1:${kafka.port}`],
      ssl: { ca: [clientCa] },
      logLevel: logLevel.NOTHING,
    });
    const producer = client.producer();
    await producer.connect();
    const sent = Array.from({ length: 200 }, (_, i) => `value ${i}`);
    await producer.send({ topic: "js", messages: sent.map((value) => ({ value })) });
    await producer.disconnect();
    const consumer = client.consumer({ groupId: "g" });
    await consumer.connect();
    await consumer.subscribe({ topic: "js", fromBeginning: true });
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          if (got.push(String(message.value)) === sent.length) resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(got).toEqual(sent);
  }, 30_000);

  describeWith("kcat", ["kcat", "-V"], () => {
    test("produces and consumes, with a certificate of its own", async () => {
      await start({ auth: "tls", tls: { ...tls, clientCa } }, { onDisk: true });
      const kcat = ["kcat", "-b", `127.0.0.1:${kafka.port}`, "-t", "c", "-X", "security.protocol=ssl"];
      const trust = ["-X", `ssl.ca.location=${certificates.ca}`];
      const own = ["-X", `ssl.certificate.location=${ann.cert}`, "-X", `ssl.key.location=${ann.key}`];
      const lines = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join("");
      await run([...kcat, ...trust, ...own, "-P", "-p", "0"], { input: Buffer.from(lines) });
      const read = [...kcat, ...trust, ...own, "-C", "-p", "0", "-o", "beginning", "-e", "-q"];
      expect((await run(read)).toString()).toBe(lines);
    }, 30_000);
  });
});

describe("a client's certificate", () => {
  test("is needed with --kafka-auth=tls, and has to be signed by the authority", async () => {
    await start({ auth: "tls", tls: { ...tls, clientCa } });
    const client = await kafka.client({ tls: keysOf(ann) });
    expect((await client.request(Metadata, { topics: [] })).brokers.length).toBe(1);
    await expect(kafka.client({ tls: trusting })).rejects.toThrow();
    await expect(kafka.client({ tls: keysOf(stranger.client("eve", "/CN=ann")) })).rejects.toThrow();
  });

  test("may be left out otherwise, but not be a stranger's", async () => {
    await start({ auth: "none", tls: { ...tls, clientCa } });
    for (const client of [await kafka.client({ tls: trusting }), await kafka.client({ tls: keysOf(ann) })]) {
      expect((await client.request(Metadata, { topics: [] })).brokers.length).toBe(1);
    }
    await expect(kafka.client({ tls: keysOf(stranger.client("eve", "/CN=ann")) })).rejects.toThrow();
    expect(metrics.render()).toContain('voik_kafka_connections_ended_total{reason="tls"} 1');
  });
});

describe("a peer that does not speak TLS", () => {
  test("is cut off at once, and one that says nothing when its time is up", async () => {
    await start({ auth: "sasl", tls }, { limits: { loginTimeoutMs: 300 } });
    const plain = await RawConnection.open(kafka.port);
    plain.socket.write(frameOf(Metadata, 9, { topics: [] }));
    await plain.closed;
    const silent = await RawConnection.open(kafka.port);
    const dribbling = await RawConnection.open(kafka.port);
    dribbling.socket.write(Buffer.from([0x16, 3, 1]));
    await Promise.all([silent.closed, dribbling.closed]);
  });

  test("does not get to hold a connection open where no login is needed either", async () => {
    await start({ tls }, { limits: { loginTimeoutMs: 300 } });
    const silent = await RawConnection.open(kafka.port);
    await silent.closed;
    const client = await kafka.client({ tls: trusting });
    expect((await client.request(Metadata, { topics: [] })).brokers.length).toBe(1);
  });
});
