/** A Kinesis server over a memory broker, and requests to it by hand. */
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";
import { systemRandom } from "../../src/base/random.ts";
import { decodeCbor, encodeCbor } from "../../src/kinesis/cbor.ts";
import {
  type KinesisServer,
  type KinesisServerOptions,
  startKinesisServer,
} from "../../src/kinesis/server.ts";
import { type MemoryBroker, openMemoryBroker } from "../helpers/memory-broker.ts";

/** A decoded reply; tests say what its members are by what they expect of them. */
export interface Json {
  [member: string]: Json;
  [index: number]: Json;
}

export interface Reply {
  status: number;
  headers: Headers;
  body: Json;
}

export class KinesisHarness {
  private constructor(
    readonly memory: MemoryBroker,
    readonly server: KinesisServer,
    readonly metrics: MetricsRegistry,
  ) {}

  static async start(
    options: Partial<KinesisServerOptions> & { clock?: Clock } = {},
  ): Promise<KinesisHarness> {
    const clock = options.clock ?? systemClock;
    const memory = await openMemoryBroker({ clock });
    const metrics = new MetricsRegistry();
    const server = startKinesisServer({
      broker: memory.broker,
      host: "127.0.0.1",
      port: 0,
      iteratorKey: Buffer.alloc(32, 7),
      clock,
      random: systemRandom,
      logger: silentLogger,
      metrics,
      ...options,
    });
    return new KinesisHarness(memory, server, metrics);
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}/`;
  }

  async stop(): Promise<void> {
    await this.server.stop({ drainMs: 0 });
    await this.memory.close();
  }

  /** A JSON 1.1 request; `body` is sent as it stands when it is a string. */
  async call(operation: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `Kinesis_20131202.${operation}`,
        ...headers,
      },
      body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  /** As `call`, and the operation must succeed. */
  async ok(operation: string, body: unknown): Promise<Json> {
    const reply = await this.call(operation, body);
    if (reply.status !== 200) throw new Error(`${operation}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** A shard iterator of `type` on one shard, as text. */
  async iterator(stream: string, type: string, more: object = {}): Promise<string> {
    const request = { StreamName: stream, ShardId: "shardId-000000000000", ShardIteratorType: type, ...more };
    return String((await this.ok("GetShardIterator", request))["ShardIterator"]);
  }

  /** A CBOR request; bytes are sent as they stand. */
  async cbor(operation: string, body: object): Promise<Reply> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-cbor-1.1",
        "x-amz-target": `Kinesis_20131202.${operation}`,
      },
      body: body instanceof Uint8Array ? body : encodeCbor(body),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const value = (bytes.length === 0 ? {} : decodeCbor(bytes)) as unknown as Json;
    return { status: response.status, headers: response.headers, body: value };
  }
}

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  constructor(public timeMs = Date.UTC(2026, 10, 23, 8)) {}
  nowMs(): number {
    return this.timeMs;
  }
  monotonicMs(): number {
    return this.timeMs;
  }
  after(delayMs: number, run: () => void) {
    return systemClock.after(delayMs, run);
  }
  defer(run: () => void): void {
    systemClock.defer(run);
  }
}
