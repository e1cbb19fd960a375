/**
 * A client that behaves while others do not: it produces one record at a time, acks=all, and in the end each of them has
 * to be there, and none to have taken long.
 */
import { expect } from "bun:test";
import { KafkaClient, type KafkaClientOptions } from "../../src/kafka/client.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { History } from "./history.ts";
import { createTopic, produceBatch, readPartition } from "./kafka-records.ts";
import type { VoikProcess } from "./voik-process.ts";

const REPLY_MS_MAX = 1_000;
const REPLIES_MIN = 100;
const VALUE_BYTES = 100;

/** What `share` of them do not exceed; of 0.99 the 99th percentile. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

export class GoodClient {
  private readonly history = new History();
  private readonly latenciesMs: number[] = [];
  private busy = true;
  private done!: Promise<void>;
  private failure: Error | undefined;

  private constructor(
    private readonly client: KafkaClient,
    private readonly topic: { name: string; id: string },
  ) {}

  /** Connects, makes the topic "good" and begins. */
  static async start(
    voik: VoikProcess,
    options: Pick<KafkaClientOptions, "login"> = {},
  ): Promise<GoodClient> {
    const client = await KafkaClient.connect({ host: "127.0.0.1", port: voik.kafkaPort, ...options });
    const good = new GoodClient(client, { name: "good", id: await createTopic(client, "good", 1) });
    good.done = good.run().catch((error) => void (good.failure = error));
    return good;
  }

  /** Resolves to what so many more replies took, p50, p99 and the slowest. */
  async moreReplies(count: number): Promise<{ p50: number; p99: number; max: number }> {
    const from = this.latenciesMs.length;
    while (this.latenciesMs.length < from + count && !this.failure)
      await new Promise((resolve) => setImmediate(resolve));
    const sorted = this.latenciesMs.slice(from).sort((a, b) => a - b);
    return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: percentile(sorted, 1) };
  }

  /** Ends, and expects that every record is there and that no reply was late. */
  async finish(): Promise<void> {
    this.busy = false;
    await this.done;
    expect(this.failure).toBeUndefined();
    const records = await readPartition(this.client, this.topic, 0);
    expect(this.history.check(new Map([[0, records]]))).toEqual([]);
    expect(records.length).toBe(this.latenciesMs.length);
    expect(records.length).toBeGreaterThan(REPLIES_MIN);
    expect(this.latenciesMs.reduce((most, one) => Math.max(most, one), 0)).toBeLessThan(REPLY_MS_MAX);
    this.client.close();
  }

  private async run(): Promise<void> {
    while (this.busy) {
      const value = this.history.send("good", Buffer.alloc(VALUE_BYTES, this.latenciesMs.length));
      const batch = new BatchBuilder();
      batch.add(null, value, Date.now());
      const startedAtMs = performance.now();
      this.history.ack(0, await produceBatch(this.client, this.topic, 0, batch.build()), value);
      this.latenciesMs.push(performance.now() - startedAtMs);
    }
  }
}
