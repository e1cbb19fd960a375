/**
 * How streams come, change and go, on the disk: the catalog's rows, the folders and the logs, in an order that a crash
 * can interrupt anywhere (see stream-broker.ts). Nothing here knows what is visible: that is the broker's to say.
 */
import type { Clock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomId } from "../base/random.ts";
import type { OpenLog } from "../log/log-factory.ts";
import type { CreateStreamRequest, ReshardRequest } from "./broker.ts";
import type { Catalog, StreamRow } from "./catalog.ts";
import { uniformRanges } from "./hash-range.ts";
import { cannotGrow, planReshard } from "./reshard.ts";
import type { StreamFolders } from "./stream-folders.ts";
import { ShardedStream } from "./stream.ts";

export interface StreamLifeOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Makes room on a full disk for a deletion; whether it could. */
  makeRoom?: () => boolean;
}

export class StreamLife {
  constructor(
    private readonly options: StreamLifeOptions,
    private readonly catalog: Catalog,
    private readonly folders: StreamFolders,
  ) {}

  /** Opens the catalog's active streams and removes what a crash left of others. */
  async load(): Promise<ShardedStream[]> {
    const rows = this.catalog.streams();
    await this.folders.reportStrangers(rows);
    for (const row of rows.filter((row) => row.state !== "active")) {
      this.options.logger.info("removing a stream that was not finished or deleted", {
        stream: row.name,
        id: row.id,
      });
      await this.folders.remove(row.id);
      this.catalog.removeStream(row.id);
    }
    const active = rows.filter((row) => row.state === "active");
    const logs = await this.folders.openAll(active);
    for (const row of active) await this.folders.removeForgotten(row);
    return active.map((row, i) => new ShardedStream(row, logs[i] as OpenLog[]));
  }

  /** Makes a stream with its logs. Throws what the disk answered, and then leaves nothing behind. */
  async create(request: CreateStreamRequest & { retentionMs: number }): Promise<ShardedStream> {
    const row = this.newRow(request);
    this.catalog.addStream(row);
    let logs: OpenLog[] = [];
    try {
      logs = await this.folders.create(row);
      this.catalog.setState(row.id, "active");
    } catch (error) {
      await Promise.allSettled(logs.map((log) => log.close()));
      await this.forget(row);
      throw error;
    }
    return new ShardedStream(row, logs);
  }

  /** Closes the parents and opens the children, in one step. */
  async reshard(stream: ShardedStream, request: ReshardRequest): Promise<void> {
    const { clock } = this.options;
    const planned = planReshard(stream.shards, request, clock.nowMs());
    const logs = await this.folders.createShards(stream.row, planned.added);
    try {
      if (stream.deleted) throw new VoikError("stream_not_found", `stream ${stream.name} was deleted`);
      // Planned again for its times: whatever the parents took up to now is older than the children.
      const plan = planReshard(stream.shards, request, clock.nowMs());
      if (request.kind === "grow") checkUnwritten(stream);
      this.catalog.reshard(stream.id, plan);
      stream.applyReshard(plan, logs);
    } catch (error) {
      await Promise.allSettled(logs.map((log) => log.close()));
      throw error;
    }
  }

  /** The stream is gone for good once this returns. On a full disk too: deleting is how it gets empty. */
  markDeleting({ id }: ShardedStream): void {
    try {
      this.catalog.setState(id, "deleting");
    } catch (error) {
      const full = error instanceof VoikError && error.code === "disk_full";
      if (!full || !this.options.makeRoom?.()) throw error;
      this.catalog.setState(id, "deleting");
    }
  }

  /** Closes the logs of a stream that is marked, and removes its folder and row. Never rejects. */
  async remove(stream: ShardedStream): Promise<void> {
    await stream.reshardEnd;
    await closeLogs(stream).catch((error: unknown) => {
      this.options.logger.warn("closing a deleted stream's log failed", {
        id: stream.id,
        error: String(error),
      });
    });
    await this.forget(stream);
  }

  private newRow(request: CreateStreamRequest & { retentionMs: number }): StreamRow {
    const { name, shardCount, retentionMs } = request;
    const createdAtMs = this.options.clock.nowMs();
    const shards = uniformRanges(shardCount).map((range, index) => ({
      index,
      range,
      createdAtMs,
      closedAtMs: undefined,
      parents: [],
    }));
    return {
      id: randomId(this.options.random),
      name,
      state: "creating",
      createdAtMs,
      retentionMs,
      durability: request.durability ?? "sync",
      settings: request.settings ?? {},
      attributes: new Map(request.attributes),
      shards,
    };
  }

  /** Removes folder and row of a stream that is not active; what fails now is done at the next start. */
  private async forget({ id, name }: { id: string; name: string }): Promise<void> {
    try {
      await this.folders.remove(id);
      this.catalog.removeStream(id);
    } catch (error) {
      this.options.logger.warn("a stream's folder is left for the next start to remove", {
        stream: name,
        id,
        error: String(error),
      });
    }
  }
}

/** Throws VoikError shard_count_invalid when a record was ever written to the stream. */
export function checkUnwritten({ shards }: ShardedStream): void {
  if (shards.some(({ log }) => log.endOffset > 0)) throw cannotGrow("the topic has been written to");
}

/** Closes every log, also when one of them fails; throws the first failure. */
export async function closeLogs(stream: ShardedStream): Promise<void> {
  const closed = await Promise.allSettled(stream.shards.map((shard) => shard.log.close()));
  const failed = closed.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
