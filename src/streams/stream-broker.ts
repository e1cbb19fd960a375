/**
 * The Broker: streams from the catalog, each shard with its open log. Names and shards are answered from memory;
 * the catalog is written through and read once, at start.
 *
 *   <data>/voik.db                            the catalog
 *   <data>/streams/<stream id>/<shard index>/   one log each
 *
 * A stream is created as: row (creating), folders and logs, row (active), then it is visible. It is deleted as:
 * row (deleting), invisible, logs closed, folder removed, row removed. A start after a crash finishes either by
 * removing what is not active. A folder that no row knows is reported and never touched.
 *
 * A reshard makes the logs of the new shards, then closes the old and opens the new ones in one transaction, and in
 * the same step here: no append can come in between, and after a crash the catalog says which of them are open.
 */
import { join } from "node:path";
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomId } from "../base/random.ts";
import type { LogFactory, OpenLog } from "../log/log-factory.ts";
import { appendRecords } from "./append-records.ts";
import type {
  AppendOutcome,
  AttributeChanges,
  Broker,
  CreateStreamRequest,
  RecordToAppend,
  ReshardRequest,
  Stream,
} from "./broker.ts";
import { Catalog, type StreamRow } from "./catalog.ts";
import { ClosedShards } from "./closed-shards.ts";
import { uniformRanges } from "./hash-range.ts";
import { ProducerIds } from "./producer-ids.ts";
import { planReshard } from "./reshard.ts";
import { StreamFolders } from "./stream-folders.ts";
import { checkStreamName } from "./stream-name.ts";
import { ShardedStream } from "./stream.ts";

const SWEEP_INTERVAL_MS = 60_000;

export interface StreamBrokerOptions {
  dataDir: string;
  fileSystem: FileSystem;
  openLog: LogFactory;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Retention of streams that ask for none. */
  retentionMsDefault: number;
  /** Shards of all streams together: each holds files open and memory mapped. */
  shardCountMax: number;
  /** The disk failed under the catalog: what it holds is uncertain, and the process has to end. */
  onCatalogFailure?: (error: VoikError) => void;
  /** Makes room on a full disk for a deletion; whether it could. */
  makeRoom?: () => boolean;
}

export class StreamBroker implements Broker {
  readonly clusterId: string;
  readonly shardCountMax: number;
  readonly settings: Map<string, string>;
  private readonly byName = new Map<string, ShardedStream>();
  private readonly byId = new Map<string, ShardedStream>();
  private sorted: readonly ShardedStream[] | undefined;
  /** Names and shards of streams that are being created. */
  private readonly reserved = new Map<string, number>();
  /** Shards that reshards under way are to add. */
  private readonly growing = new Map<ShardedStream, number>();
  private readonly closedShards: ClosedShards;
  private sweepTimer: Timer | undefined;
  /** Creations, deletions and reshards under way. */
  private readonly changes = new Set<Promise<unknown>>();
  private readonly producerIds = new ProducerIds((count) => this.catalog.takeProducerIds(count));
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: StreamBrokerOptions,
    private readonly catalog: Catalog,
    private readonly folders: StreamFolders,
  ) {
    this.clusterId = catalog.clusterId;
    this.shardCountMax = options.shardCountMax;
    this.settings = catalog.settings();
    this.closedShards = new ClosedShards(catalog, folders, options.clock, options.logger);
  }

  /**
   * Opens the data folder's streams, all logs recovered. Throws VoikError storage_damaged, unsupported, disk_full or
   * storage_failed; a log that is damaged does not fail the start, its shard answers storage_damaged.
   */
  static async open(options: StreamBrokerOptions): Promise<StreamBroker> {
    const { dataDir, fileSystem, random, onCatalogFailure: onFailure } = options;
    const folders = new StreamFolders(join(dataDir, "streams"), options);
    const streamsExist = folders.list().length > 0;
    folders.prepare();
    const path = join(dataDir, "voik.db");
    const catalog = Catalog.open({ path, fileSystem, random, streamsExist, onFailure });
    try {
      await fileSystem.syncFolder(dataDir);
      const broker = new StreamBroker(options, catalog, folders);
      await broker.load();
      return broker;
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  async createStream(request: CreateStreamRequest): Promise<Stream> {
    const { name, shardCount, retentionMs = this.options.retentionMsDefault } = request;
    this.checkOpen();
    checkStreamName(name);
    checkRetention(retentionMs);
    if (this.byName.has(name) || this.reserved.has(name)) {
      throw new VoikError("stream_exists", `stream ${name} exists already`);
    }
    this.checkShardCount(shardCount);
    this.reserved.set(name, shardCount);
    try {
      return await this.track(this.makeStream(this.newRow({ ...request, retentionMs })));
    } finally {
      this.reserved.delete(name);
    }
  }

  async reshard(stream: Stream, request: ReshardRequest): Promise<void> {
    const own = this.own(stream);
    if (own.resharding) {
      throw new VoikError("stream_not_ready", `the shards of ${own.name} are being changed: try again`);
    }
    const { added } = planReshard(own.shards, request, this.options.clock.nowMs());
    if (added.length === 0) return;
    this.checkShardCount(added.length);
    this.growing.set(own, added.length);
    const done = this.track(this.carryOut(own, request));
    own.reshardEnd = done.catch(() => undefined);
    try {
      await done;
    } finally {
      own.reshardEnd = undefined;
      this.growing.delete(own);
    }
  }

  setRetention(stream: Stream, retentionMs: number): void {
    const own = this.own(stream);
    checkRetention(retentionMs);
    this.catalog.setRetention(own.id, retentionMs);
    own.row.retentionMs = retentionMs;
  }

  setAttributes(stream: Stream, changes: AttributeChanges): void {
    const { id, row } = this.own(stream);
    this.catalog.setAttributes(id, changes);
    for (const [name, value] of changes) {
      if (value === undefined) row.attributes.delete(name);
      else row.attributes.set(name, value);
    }
  }

  setSetting(name: string, value: string): void {
    this.checkOpen();
    this.catalog.setSetting(name, value);
    this.settings.set(name, value);
  }

  async deleteStream(name: string): Promise<void> {
    this.checkOpen();
    const stream = this.byName.get(name);
    if (stream === undefined) throw new VoikError("stream_not_found", `stream ${name} does not exist`);
    this.markDeleting(stream);
    stream.deleted = true;
    this.byName.delete(name);
    this.byId.delete(stream.id);
    this.sorted = undefined;
    stream.tellListeners();
    await this.track(this.removeDeleted(stream));
  }

  streamByName(name: string): ShardedStream | undefined {
    return this.byName.get(name);
  }

  streamById(id: string): ShardedStream | undefined {
    return this.byId.get(id);
  }

  listStreams(): readonly ShardedStream[] {
    this.sorted ??= [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.sorted;
  }

  async appendRecords(stream: Stream, records: readonly RecordToAppend[]): Promise<AppendOutcome[]> {
    return appendRecords(this.own(stream), records, this.options.clock.nowMs());
  }

  /** Removes closed shards that retention has taken; a timer calls it too. */
  async sweep(): Promise<void> {
    for (const stream of [...this.byId.values()]) await this.closedShards.sweep(stream);
  }

  newProducerId(): number {
    this.checkOpen();
    return this.producerIds.next();
  }

  /** Finishes creations and deletions, then closes every log and the catalog. May be called again. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.sweepTimer?.cancel();
    await Promise.allSettled(this.changes);
    const closed = await Promise.allSettled([...this.byId.values()].map((stream) => closeLogs(stream)));
    this.catalog.close();
    const failed = closed.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Opens the catalog's active streams and removes what a crash left of others. */
  private async load(): Promise<void> {
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
    active.forEach((row, i) => this.add(new ShardedStream(row, logs[i] as OpenLog[])));
    for (const row of active) await this.folders.removeForgotten(row);
    this.planSweep();
  }

  private planSweep(): void {
    this.sweepTimer = this.options.clock.after(SWEEP_INTERVAL_MS, () => {
      void this.track(this.sweep()).finally(() => this.closing ?? this.planSweep());
    });
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
      attributes: new Map(request.attributes),
      shards,
    };
  }

  private async makeStream(row: StreamRow): Promise<ShardedStream> {
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
    const stream = new ShardedStream(row, logs);
    this.add(stream);
    return stream;
  }

  private async carryOut(stream: ShardedStream, request: ReshardRequest): Promise<void> {
    const { clock } = this.options;
    const planned = planReshard(stream.shards, request, clock.nowMs());
    const logs = await this.folders.createShards(stream.row, planned.added);
    try {
      if (stream.deleted) throw new VoikError("stream_not_found", `stream ${stream.name} was deleted`);
      // Planned again for its times: whatever the parents took up to now is older than the children.
      const plan = planReshard(stream.shards, request, clock.nowMs());
      this.catalog.reshard(stream.id, plan);
      stream.applyReshard(plan, logs);
    } catch (error) {
      await Promise.allSettled(logs.map((log) => log.close()));
      throw error;
    }
  }

  /** On a full disk too: deleting is how it gets empty. */
  private markDeleting({ id }: ShardedStream): void {
    try {
      this.catalog.setState(id, "deleting");
    } catch (error) {
      const full = error instanceof VoikError && error.code === "disk_full";
      if (!full || !this.options.makeRoom?.()) throw error;
      this.catalog.setState(id, "deleting");
    }
  }

  private async removeDeleted(stream: ShardedStream): Promise<void> {
    await stream.reshardEnd;
    await closeLogs(stream).catch((error: unknown) => {
      this.options.logger.warn("closing a deleted stream's log failed", {
        id: stream.id,
        error: String(error),
      });
    });
    await this.forget(stream);
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

  private add(stream: ShardedStream): void {
    this.byName.set(stream.name, stream);
    this.byId.set(stream.id, stream);
    this.sorted = undefined;
  }

  private checkShardCount(shardCount: number): void {
    const most = this.options.shardCountMax;
    if (!Number.isSafeInteger(shardCount) || shardCount < 1) {
      throw new VoikError("shard_count_invalid", `a stream has at least 1 shard, not ${shardCount}`);
    }
    let used = 0;
    for (const stream of this.byId.values()) used += stream.shards.length;
    for (const count of this.reserved.values()) used += count;
    for (const count of this.growing.values()) used += count;
    if (used + shardCount > most) {
      throw new VoikError(
        "limit_exceeded",
        `${shardCount} more shards would make ${used + shardCount}, at most ${most} are allowed: delete streams or raise the limit`,
      );
    }
  }

  /** `stream` as this broker's own. Throws VoikError stream_not_found when it was deleted. */
  private own(stream: Stream): ShardedStream {
    this.checkOpen();
    const own = this.byId.get(stream.id);
    if (own === undefined || own !== stream) {
      throw new VoikError("stream_not_found", `stream ${stream.name} does not exist`);
    }
    return own;
  }

  private checkOpen(): void {
    if (this.closing) throw new VoikError("shutting_down", "voik is shutting down");
  }

  private async track<T>(change: Promise<T>): Promise<T> {
    this.changes.add(change);
    try {
      return await change;
    } finally {
      this.changes.delete(change);
    }
  }
}

function checkRetention(retentionMs: number): void {
  if (Number.isSafeInteger(retentionMs) && retentionMs >= 1) return;
  throw new VoikError(
    "config_invalid",
    `retention is a whole number of milliseconds from 1, not ${retentionMs}`,
  );
}

async function closeLogs(stream: ShardedStream): Promise<void> {
  const closed = await Promise.allSettled(stream.shards.map((shard) => shard.log.close()));
  const failed = closed.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
