/**
 * Closed shards that may go: once their newest record can be no younger than the stream's retention. The wall clock
 * may jump, and no jump deletes anything at once: a shard must have looked outlived for an hour of running time.
 *
 * First the catalog forgets the shard, then its folder goes; a start in between removes what is left.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Catalog } from "./catalog.ts";
import type { LoggedShard } from "./shard.ts";
import type { StreamFolders } from "./stream-folders.ts";
import type { ShardedStream } from "./stream.ts";

export const GRACE_MS = 3_600_000;

export class ClosedShards {
  /** Since when, on the monotonic clock, a shard has looked outlived. */
  private readonly outlivedSinceMs = new WeakMap<LoggedShard, number>();

  constructor(
    private readonly catalog: Catalog,
    private readonly folders: StreamFolders,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Forgets and removes what retention has taken of `stream`. To be called now and then; never rejects. */
  async sweep(stream: ShardedStream): Promise<void> {
    const outlived = this.outlived(stream);
    if (outlived.length === 0) return;
    const indexes = outlived.map((shard) => shard.index);
    try {
      this.catalog.removeShards(stream.id, indexes);
      stream.dropShards(new Set(outlived));
      await Promise.all(outlived.map((shard) => shard.log.close()));
      for (const index of indexes) await this.folders.removeShard(stream.id, index);
    } catch (error) {
      const details = { stream: stream.name, shards: indexes.join(", "), error: String(error) };
      this.logger.warn("removing shards that retention has taken failed", details);
    }
  }

  private outlived(stream: ShardedStream): LoggedShard[] {
    const horizonMs = this.clock.nowMs() - stream.retentionMs;
    const nowMs = this.clock.monotonicMs();
    return stream.shards.filter((shard) => {
      if (shard.closedAtMs === undefined || shard.closedAtMs >= horizonMs) {
        this.outlivedSinceMs.delete(shard);
        return false;
      }
      const sinceMs = this.outlivedSinceMs.get(shard) ?? nowMs;
      this.outlivedSinceMs.set(shard, sinceMs);
      return nowMs - sinceMs >= GRACE_MS;
    });
  }
}
