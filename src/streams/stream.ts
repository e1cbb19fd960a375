/** A stream with its shards open, the routing of hash keys to them, and its reshards once they are durable. */
import { assert } from "../base/assert.ts";
import type { Durability, OpenLog } from "../log/log-factory.ts";
import type { ShardsListener, Stream } from "./broker.ts";
import type { StreamRow } from "./catalog.ts";
import { hashKeysOf, isBelow } from "./hash-keys.ts";
import { tilesHashKeys } from "./hash-range.ts";
import { openShardsOf, type ReshardPlan } from "./reshard.ts";
import type { StreamSettings } from "./stream-settings.ts";
import { LoggedShard } from "./shard.ts";

export class ShardedStream implements Stream {
  /** Set by the broker once the stream takes no more writes. */
  deleted = false;
  /** The reshard under way; it never rejects. */
  reshardEnd: Promise<unknown> | undefined;
  private all: readonly LoggedShard[];
  /** The open shards by the start of their ranges, which tile 0..2^128-1. */
  private routes: readonly LoggedShard[] = [];
  /** The first hash key of each. */
  private routeStarts = hashKeysOf([]);
  private readonly listeners = new Set<ShardsListener>();

  /** `row` is the stream's own from now on; `logs`: one for each of its shards, in their order. */
  constructor(
    readonly row: StreamRow,
    logs: readonly OpenLog[],
  ) {
    assert(row.shards.length === logs.length, "a stream has one log for each shard");
    this.all = row.shards.map((shard, i) => new LoggedShard(this, shard, logs[i] as OpenLog));
    this.setRoutes();
  }

  get id(): string {
    return this.row.id;
  }

  get name(): string {
    return this.row.name;
  }

  get createdAtMs(): number {
    return this.row.createdAtMs;
  }

  get retentionMs(): number {
    return this.row.retentionMs;
  }

  get durability(): Durability {
    return this.row.durability;
  }

  get settings(): StreamSettings {
    return this.row.settings;
  }

  get attributes(): ReadonlyMap<string, string> {
    return this.row.attributes;
  }

  get shards(): readonly LoggedShard[] {
    return this.all;
  }

  get resharding(): boolean {
    return this.reshardEnd !== undefined;
  }

  shardForHash(hashKeys: Uint32Array, place: number): LoggedShard {
    let low = 0;
    let high = this.routes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (isBelow(hashKeys, place, this.routeStarts, middle)) high = middle - 1;
      else low = middle;
    }
    return this.routes[low] as LoggedShard;
  }

  /** Closes and opens what the catalog has closed and opened, in one step; `logs`: one for each added shard. */
  applyReshard({ closing, moved, added }: ReshardPlan, logs: readonly OpenLog[]): void {
    const children = added.map((row, i) => new LoggedShard(this, row, logs[i] as OpenLog));
    for (const shard of this.all) shard.closedAtMs ??= closing.get(shard.index)?.closedAtMs;
    for (const shard of this.all) shard.range = moved.get(shard.index) ?? shard.range;
    this.setShards([...this.all, ...children]);
  }

  /** Forgets shards that retention has taken; none of them is open. */
  dropShards(dropped: ReadonlySet<LoggedShard>): void {
    this.setShards(this.all.filter((shard) => !dropped.has(shard)));
  }

  addShardsListener(listener: ShardsListener): void {
    this.listeners.add(listener);
  }

  removeShardsListener(listener: ShardsListener): void {
    this.listeners.delete(listener);
  }

  tellListeners(): void {
    for (const listener of [...this.listeners]) listener.onShardsChanged(this);
  }

  private setShards(shards: readonly LoggedShard[]): void {
    this.all = shards;
    this.setRoutes();
    this.tellListeners();
  }

  private setRoutes(): void {
    this.routes = openShardsOf(this.all);
    const ranges = this.routes.map((shard) => shard.range);
    assert(tilesHashKeys(ranges), "open shards tile the hash keys");
    this.routeStarts = hashKeysOf(ranges.map((range) => range.start));
  }
}
