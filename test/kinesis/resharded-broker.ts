/**
 * A broker over one stream that was split and merged: shard 0 was split into 1 and 2, and these were merged into 3.
 * Records can be put straight into the log of each shard.
 */
import type { BatchBuilder } from "../../src/log/batch-builder.ts";
import type { AppendOutcomes, Broker, Stream } from "../../src/streams/broker.ts";
import { HASH_KEY_MAX } from "../../src/streams/hash-range.ts";
import { ShardedStream } from "../../src/streams/stream.ts";
import { MemoryLog } from "../helpers/memory-log.ts";

export class ReshardedBroker implements Broker {
  readonly clusterId = "0".repeat(32);
  readonly logs = [0, 1, 2, 3].map(() => new MemoryLog());
  readonly stream: Stream;

  /** The stream is made at `createdAtMs`, split an hour later and merged two hours later. */
  constructor(createdAtMs: number, retentionMs: number) {
    const hourMs = 3_600_000;
    const middle = 2n ** 127n;
    const range = { start: 0n, end: HASH_KEY_MAX };
    const [split, merged] = [createdAtMs + hourMs, createdAtMs + 2 * hourMs];
    const halves = [
      { start: 0n, end: middle - 1n },
      { start: middle, end: HASH_KEY_MAX },
    ] as const;
    const shards = [
      { index: 0, range, createdAtMs, closedAtMs: split, parents: [] },
      { index: 1, range: halves[0], createdAtMs: split, closedAtMs: merged, parents: [0] },
      { index: 2, range: halves[1], createdAtMs: split, closedAtMs: merged, parents: [0] },
      { index: 3, range, createdAtMs: merged, closedAtMs: undefined, parents: [1, 2] },
    ];
    const row = {
      id: "ab".repeat(16),
      name: "s",
      state: "active" as const,
      createdAtMs,
      retentionMs,
      durability: "sync" as const,
      settings: {},
      attributes: new Map<string, string>(),
      shards,
    };
    this.stream = new ShardedStream(row, this.logs);
  }

  /** Appends a batch to one shard, durable at once. */
  append(shard: number, batch: BatchBuilder): void {
    const log = this.logs[shard] as MemoryLog;
    log.append(batch.build());
    log.sync();
  }

  streamByName = (name: string) => (name === "s" ? this.stream : undefined);
  streamById = (id: string) => (id === this.stream.id ? this.stream : undefined);
  listStreams = () => [this.stream];
  readonly settings = new Map<string, string>();
  readonly shardCountMax = 1000;
  readonly retentionMsDefault = 24 * 3_600_000;
  reshard = (): Promise<void> => Promise.reject(new Error("not in this test"));
  checkReshard = (): never => this.refuse();
  change = (): never => this.refuse();
  setAttributes = (): never => this.refuse();
  setSetting = (): never => this.refuse();
  createStream = (): Promise<Stream> => Promise.reject(new Error("not in this test"));
  deleteStream = (): Promise<void> => Promise.reject(new Error("not in this test"));
  appendRecords = (): Promise<AppendOutcomes> => Promise.reject(new Error("not in this test"));

  newProducerId = (): never => this.refuse();

  private refuse(): never {
    throw new Error("not in this test");
  }
}
