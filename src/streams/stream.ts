/** A stream with its shards open, and the routing of hash keys to them. */
import { assert } from "../base/assert.ts";
import type { Durability, OpenLog } from "../log/log-factory.ts";
import type { Stream } from "./broker.ts";
import type { StreamRow } from "./catalog.ts";
import { LoggedShard } from "./shard.ts";

export class ShardedStream implements Stream {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly retentionMs: number;
  readonly durability: Durability;
  readonly shards: readonly LoggedShard[];
  /** Set by the broker once the stream takes no more writes. */
  deleted = false;
  /** The open shards by the start of their ranges, which tile 0..2^128-1. */
  private readonly routes: readonly LoggedShard[];

  /** `logs`: one for each of the row's shards, in their order. */
  constructor(row: StreamRow, logs: readonly OpenLog[]) {
    assert(row.shards.length === logs.length, "a stream has one log for each shard");
    this.id = row.id;
    this.name = row.name;
    this.createdAtMs = row.createdAtMs;
    this.retentionMs = row.retentionMs;
    this.durability = row.durability;
    this.shards = row.shards.map((shard, i) => new LoggedShard(this, shard, logs[i] as OpenLog));
    this.routes = this.shards
      .filter((shard) => shard.closedAtMs === undefined)
      .sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
  }

  shardForHash(hashKey: bigint): LoggedShard {
    let low = 0;
    let high = this.routes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.routes[middle] as LoggedShard).range.start <= hashKey) low = middle;
      else high = middle - 1;
    }
    const shard = this.routes[low] as LoggedShard;
    assert(hashKey >= shard.range.start && hashKey <= shard.range.end, "open shards tile the hash keys");
    return shard;
  }
}
