/** Byte rates: who is over one is told so and not read from for as long; nobody else is, and nothing is lost. */
import { afterEach, describe, expect, test } from "bun:test";
import { Allowances } from "../../src/kafka/byte-rates.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";

describe("a rate", () => {
  const takeFrom = (allowances: Allowances) => (holder: string, bytes: number) =>
    allowances.take({ holder, bytesPerSecond: 1000 }, bytes);

  test("lets one second's worth through at once, and then has the client wait for what it took too much", () => {
    let nowMs = 0;
    const take = takeFrom(new Allowances({ monotonicMs: () => nowMs }));
    expect(take("a", 1000)).toBe(0);
    expect(take("a", 500)).toBe(500);
    expect(take("b", 900)).toBe(0);
    nowMs = 500;
    expect(take("a", 0)).toBe(0);
    nowMs = 60_000;
    expect(take("a", 1500)).toBe(500);
  });

  test("has a client wait 30 s at a time at most, and keeps the rest owed", () => {
    let nowMs = 0;
    const take = takeFrom(new Allowances({ monotonicMs: () => nowMs }));
    expect(take("a", 101_000)).toBe(30_000);
    nowMs = 30_000;
    expect(take("a", 0)).toBe(30_000);
    nowMs = 90_000;
    expect(take("a", 0)).toBe(10_000);
  });

  test("remembers a bounded number of clients", () => {
    const allowances = new Allowances({ monotonicMs: () => 0 });
    const take = takeFrom(allowances);
    for (let i = 0; i < 30_000; i++) take(`client ${i}`, 1);
    expect((allowances as unknown as { holders: Map<string, unknown> }).holders.size).toBeLessThanOrEqual(
      10_000,
    );
  });
});

describe("over the wire", () => {
  let kafka: TestKafka;
  afterEach(() => kafka.close());
  const value = "x".repeat(15_000);
  const body = () => ({
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: "t", partitionData: [{ index: 0, records: batchOf([value]) }] }],
  });

  test("a producer over its rate is told, and its next request waits; another client's does not", async () => {
    kafka = await startTestKafka({ limits: { produceBytesPerSecond: 10_000 } });
    await kafka.broker.createStream({ name: "t", shardCount: 1 });
    const fast = await kafka.client({ clientId: "fast" });
    const other = await kafka.client({ clientId: "other" });
    const startedMs = performance.now();
    const { throttleTimeMs, responses } = await fast.request(Produce, body(), 9);
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    expect(throttleTimeMs).toBeGreaterThan(400);
    expect(throttleTimeMs).toBeLessThan(600);
    const waiting = fast.request(ApiVersions, {}).then(() => performance.now() - startedMs);
    await other.request(ApiVersions, {});
    const otherMs = performance.now() - startedMs;
    expect(await waiting).toBeGreaterThanOrEqual(throttleTimeMs);
    expect(otherMs).toBeLessThan(throttleTimeMs);
    expect(kafka.broker.streamByName("t")?.shards[0]?.log.endOffset).toBe(1);
  });

  test("a consumer over its rate gets its records, and is throttled behind them", async () => {
    kafka = await startTestKafka({ limits: { fetchBytesPerSecond: 10_000 } });
    await kafka.broker.createStream({ name: "t", shardCount: 1 });
    const client = await kafka.client();
    expect((await client.request(Produce, body(), 9)).throttleTimeMs).toBe(0);
    const fetch = {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
      forgottenTopicsData: [],
    };
    const { throttleTimeMs, responses } = await client.request(Fetch, fetch, 11);
    expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(15_000);
    expect(throttleTimeMs).toBeGreaterThan(400);
  });
});
