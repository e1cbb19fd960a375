/**
 * The Kinesis Client Library's lease table, which it keeps in DynamoDB, in memory: one lease for each shard that was
 * found, with the checkpoint of its consumer, who owns it, and a counter that the owner moves while it lives.
 */
import type { ChildShard, Shard } from "@aws-sdk/client-kinesis";

/** Where a consumer goes on: the start, behind a sequence number, or nowhere any more. */
export type Checkpoint = "TRIM_HORIZON" | (string & {});
export const SHARD_END = "SHARD_END";

export interface Lease {
  readonly shardId: string;
  readonly parents: readonly string[];
  checkpoint: Checkpoint;
  owner: string | undefined;
  counter: number;
}

export class LeaseTable {
  private readonly leases = new Map<string, Lease>();
  /** The counter of each lease that a worker saw last, and when. */
  private readonly watched = new Map<string, { counter: number; sinceMs: number }>();

  /** `failoverMs`: a lease whose counter stands that long may be taken from its owner. */
  constructor(private readonly failoverMs = Infinity) {}

  get all(): readonly Lease[] {
    return [...this.leases.values()];
  }

  /** A lease for each shard of a stream that has no parent any more: where a new application starts. */
  addRoots(shards: readonly Shard[]): void {
    const ids = new Set(shards.map((shard) => shard.ShardId));
    for (const { ShardId = "", ParentShardId, AdjacentParentShardId } of shards)
      if (!ids.has(ParentShardId) && !ids.has(AdjacentParentShardId)) this.add(ShardId, []);
  }

  /** A lease for each child that the end of a shard names; those that are there stay as they are. */
  addChildren(children: readonly ChildShard[]): void {
    for (const { ShardId = "", ParentShards = [] } of children) this.add(ShardId, ParentShards);
  }

  /** Gives `worker` a lease that nobody works on and whose parents are finished; undefined when there is none. */
  take(worker: string): Lease | undefined {
    const free = this.all.find((lease) => this.mayTake(lease));
    if (free === undefined) return undefined;
    free.owner = worker;
    free.counter++;
    return free;
  }

  /** True while `worker` still owns `lease`, and says that it lives. */
  renew(lease: Lease, worker: string): boolean {
    if (lease.owner !== worker) return false;
    lease.counter++;
    return true;
  }

  /** Gives back everything that `worker` owns. */
  release(worker: string): void {
    for (const lease of this.leases.values()) if (lease.owner === worker) lease.owner = undefined;
  }

  private add(shardId: string, parents: readonly string[]): void {
    if (this.leases.has(shardId)) return;
    this.leases.set(shardId, { shardId, parents, checkpoint: "TRIM_HORIZON", owner: undefined, counter: 0 });
  }

  private mayTake(lease: Lease): boolean {
    if (lease.checkpoint === SHARD_END) return false;
    if (lease.owner !== undefined && !this.expired(lease)) return false;
    // The other parent of a merged shard may not be found yet: then it is not finished.
    return lease.parents.every((id) => this.leases.get(id)?.checkpoint === SHARD_END);
  }

  private expired({ shardId, counter }: Lease): boolean {
    const nowMs = performance.now();
    const watch = this.watched.get(shardId);
    if (watch?.counter === counter) return nowMs - watch.sinceMs >= this.failoverMs;
    this.watched.set(shardId, { counter, sinceMs: nowMs });
    return false;
  }
}
