/** One connection: order, pipelining, bounds, timeouts, and the end. */
import { afterEach, describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import type { KafkaServerOptions } from "../../src/kafka/options.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { ApiVersions, ApiVersionsResponse } from "../../src/kafka/messages/18-api-versions.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { createLogger } from "../../src/base/logger.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";
import { Reader } from "../../src/kafka/codec/reader.ts";
import { batchOf } from "../helpers/log.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { TimerClock } from "../helpers/timer-clock.ts";

/** An address of this machine that is no loopback address; what is sent to it does not leave the machine either. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
if (ownAddress === undefined)
  console.warn("SKIPPED: the cap of one address, on a machine that has loopback only");

let kafka: TestKafka;
let metrics: MetricsRegistry;

async function start(options: Partial<KafkaServerOptions> = {}): Promise<TestKafka> {
  metrics = new MetricsRegistry();
  kafka = await startTestKafka({ metrics, ...options });
  return kafka;
}

afterEach(() => kafka.close());

const produceFrame = (name: string, correlationId: number, acks = -1, version = 9) =>
  frameOf(
    Produce,
    version,
    { acks, timeoutMs: 1000, topicData: [{ name, partitionData: [{ index: 0, records: batchOf(["v"]) }] }] },
    correlationId,
  );

async function correlationIds(connection: RawConnection, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) ids.push((await connection.reply()).readInt32BE(0));
  return ids;
}

/** Resolves when `condition` holds; the event loop runs in between. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("a connection", () => {
  test("tells a client that is too new, in version 0, what it speaks", async () => {
    await start();
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(Buffer.from("0000000e" + "0012007f00000007ffff" + "00000000", "hex"));
    const reply = await connection.reply();
    expect(reply.readInt32BE(0)).toBe(7);
    const body = ApiVersionsResponse.read(0, new Reader(reply, 4));
    expect(body.errorCode).toBe(35);
    expect(body.apiKeys.find((api) => api.apiKey === 18)).toEqual({
      apiKey: 18,
      minVersion: 0,
      maxVersion: 4,
    });
    connection.end();
  });

  test("appends produce requests while earlier ones wait for the disk, and answers in order", async () => {
    await start();
    const stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
    const log = memoryLogOf(stream.shards[0] as never);
    log.hold();
    const connection = await RawConnection.open(kafka.port);
    const frames = [1, 2, 3].map((id) => produceFrame("s", id));
    connection.socket.write(Buffer.concat([...frames, frameOf(ApiVersions, 0, {}, 4), produceFrame("s", 5)]));
    await until(() => log.endOffset === 3);
    expect(connection.received.length).toBe(0);
    // ApiVersions is a barrier: the produce request behind it has not been appended.
    expect(log.endOffset).toBe(3);
    log.release();
    expect(await correlationIds(connection, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(log.endOffset).toBe(4);
    connection.end();
  });

  test("keeps at most so many produce requests waiting, and takes the rest later", async () => {
    await start({ limits: { pipelinedRequestsMax: 8 } });
    const stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
    const log = memoryLogOf(stream.shards[0] as never);
    log.hold();
    const connection = await RawConnection.open(kafka.port);
    const ids = Array.from({ length: 100 }, (_, i) => i);
    connection.socket.write(Buffer.concat(ids.map((id) => produceFrame("s", id))));
    await until(() => log.endOffset === 8);
    log.sync();
    await until(() => log.endOffset === 16);
    log.release();
    expect(await correlationIds(connection, 100)).toEqual(ids);
    expect(log.endOffset).toBe(100);
    connection.end();
  });

  test("takes nothing more from a producer while its log is congested", async () => {
    await start();
    const stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
    const log = memoryLogOf(stream.shards[0] as never);
    log.setCongested(true);
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(Buffer.concat([produceFrame("s", 1), produceFrame("s", 2)]));
    expect(await correlationIds(connection, 1)).toEqual([1]);
    expect(log.endOffset).toBe(1);
    log.setCongested(false);
    expect(await correlationIds(connection, 1)).toEqual([2]);
    expect(log.listenerCount).toBe(0);
    connection.end();
  });

  test("stops reading from a client that takes no replies, and goes on when it does", async () => {
    await start({ limits: { unsentBytesMax: 100_000 } });
    await kafka.broker.createStream({ name: "wide", shardCount: 1000 });
    const connection = await RawConnection.open(kafka.port);
    connection.socket.pause();
    const ids = Array.from({ length: 1000 }, (_, i) => i);
    connection.socket.write(Buffer.concat(ids.map((id) => frameOf(Metadata, 9, { topics: null }, id))));
    const requests = () => Number(/api="Metadata"\} (\d+)/.exec(metrics.render())?.[1] ?? 0);
    let before = -1;
    while (before !== requests() || before === 0) {
      before = requests();
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(before).toBeLessThan(1000);
    connection.socket.resume();
    expect(await correlationIds(connection, ids.length)).toEqual(ids);
    connection.end();
  });

  test("with acks=0 it answers nothing, and an error ends the connection", async () => {
    await start();
    const stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(Buffer.concat([produceFrame("s", 1, 0), frameOf(ApiVersions, 0, {}, 2)]));
    expect(await correlationIds(connection, 1)).toEqual([2]);
    expect(stream.shards[0]?.log.endOffset).toBe(1);
    connection.socket.write(produceFrame("missing", 3, 0));
    await connection.closed;
    expect(connection.received.length).toBe(0);
  });

  test("cuts a request that arrives too slowly, and leaves an idle client alone", async () => {
    await start({ limits: { frameTimeoutMs: 80 } });
    const idle = await RawConnection.open(kafka.port);
    const slow = await RawConnection.open(kafka.port);
    slow.socket.write(Buffer.from("000000", "hex"));
    await slow.closed;
    idle.socket.write(frameOf(ApiVersions, 0, {}, 1));
    expect(await correlationIds(idle, 1)).toEqual([1]);
    idle.end();
  });

  test("closes a connection on which nothing has happened for the idle timeout", async () => {
    await start({ limits: { idleTimeoutMs: 80 } });
    const connection = await RawConnection.open(kafka.port);
    await connection.closed;
    await until(() => kafka.server.connections === 0);
  });

  test("refuses connections over the cap, and says so once a minute", async () => {
    const lines: string[] = [];
    const logger = createLogger("text", "warn", (line) => void lines.push(line));
    const clock = new TimerClock();
    await start({ limits: { connectionsMax: 2 }, logger, clock });
    const kept = [await RawConnection.open(kafka.port), await RawConnection.open(kafka.port)];
    await until(() => kafka.server.connections === 2);
    const refuse = async () => (await RawConnection.open(kafka.port)).closed;
    for (let i = 0; i < 5; i++) await refuse();
    expect(kafka.server.connections).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("2 Kafka connections are open, as many as --connections-max allows");
    clock.pass(60_000);
    await refuse();
    expect(lines).toHaveLength(2);
    for (const connection of kept) connection.end();
  });

  test.skipIf(ownAddress === undefined)(
    "refuses connections over the cap of one address, until one of them ends; this machine's are not counted",
    async () => {
      await start({ host: "0.0.0.0", limits: { connectionsPerAddressMax: 2 } });
      const open = () => RawConnection.open(kafka.port, ownAddress);
      const kept = [await open(), await open()];
      await until(() => kafka.server.connections === 2);
      const refused = await open();
      await refused.closed;
      expect(metrics.render()).toContain('voik_kafka_connections_ended_total{reason="connections"} 1');
      for (let i = 0; i < 3; i++) kept.push(await RawConnection.open(kafka.port));
      await until(() => kafka.server.connections === 5);
      kept[0]?.end();
      await until(() => kafka.server.connections === 4);
      const next = await open();
      next.socket.write(frameOf(ApiVersions, 0, {}, 9));
      expect(await correlationIds(next, 1)).toEqual([9]);
      for (const connection of [...kept, next]) connection.end();
    },
  );

  test("that is reset before it is accepted is nothing to the broker", async () => {
    await start();
    // This process can accept none while it waits for that one.
    const script = `for (let i = 0; i < 20; i++)
      (await Bun.connect({ hostname: "127.0.0.1", port: ${kafka.port}, socket: { data() {} } })).terminate();`;
    expect(Bun.spawnSync([process.execPath, "-e", script]).success).toBe(true);
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(frameOf(ApiVersions, 0, {}, 1));
    expect(await correlationIds(connection, 1)).toEqual([1]);
    await until(() => kafka.server.connections === 1);
    connection.end();
  });

  test("stopping answers what was accepted and then closes", async () => {
    await start();
    const stream = await kafka.broker.createStream({ name: "s", shardCount: 1 });
    const log = memoryLogOf(stream.shards[0] as never);
    log.hold();
    const connection = await RawConnection.open(kafka.port);
    connection.socket.write(produceFrame("s", 1));
    await until(() => log.endOffset === 1);
    const stopped = kafka.server.stop();
    log.release();
    expect(await correlationIds(connection, 1)).toEqual([1]);
    await connection.closed;
    await stopped;
    expect(kafka.server.connections).toBe(0);
  });

  test("tells clients the address that they dialled, or the one it was told to", async () => {
    await start();
    const metadata = await (await kafka.client()).request(Metadata, { topics: [] });
    expect(metadata.brokers).toEqual([{ nodeId: 1, host: "127.0.0.1", port: kafka.port, rack: null }]);
    await kafka.close();
    await start({ advertise: { host: "voik.example", port: 1234 } });
    const advertised = await (await kafka.client()).request(Metadata, { topics: [] });
    expect(advertised.brokers).toEqual([{ nodeId: 1, host: "voik.example", port: 1234, rack: null }]);
    await kafka.close();
    await start({ advertise: { host: "voik.example", port: 0 } });
    const named = await (await kafka.client()).request(Metadata, { topics: [] });
    expect(named.brokers[0]).toMatchObject({ host: "voik.example", port: kafka.port });
  });
});
