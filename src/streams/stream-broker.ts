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
import type { Random } from "../base/random.ts";
import type { LogFactory } from "../log/log-factory.ts";
import { appendRecords } from "./append-records.ts";
import type {
  Admission,
  AppendOutcomes,
  AttributeChanges,
  Broker,
  CreateStreamRequest,
  ReshardRequest,
  StreamChanges,
  Stream,
} from "./broker.ts";
import { Catalog } from "./catalog.ts";
import { ClosedShards } from "./closed-shards.ts";
import { ProducerIds } from "./producer-ids.ts";
import type { RecordTable } from "./record-table.ts";
import { planReshard, type ReshardPlan } from "./reshard.ts";
import { ShardBudget } from "./shard-budget.ts";
import { StreamFolders } from "./stream-folders.ts";
import { checkUnwritten, closeLogs, StreamLife } from "./stream-life.ts";
import { checkStreamName } from "./stream-name.ts";
import type { ShardedStream } from "./stream.ts";

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
  /** Logs that are opened side by side; see StreamFoldersOptions. */
  openingMax?: number;
  /** The disk failed under the catalog: what it holds is uncertain, and the process has to end. */
  onCatalogFailure?: (error: VoikError) => void;
  /** Makes room on a full disk for a deletion; whether it could. */
  makeRoom?: () => boolean;
}

export class StreamBroker implements Broker {
  readonly clusterId: string;
  readonly shardCountMax: number;
  readonly retentionMsDefault: number;
  readonly settings: Map<string, string>;
  private readonly byName = new Map<string, ShardedStream>();
  private readonly byId = new Map<string, ShardedStream>();
  private sorted: readonly ShardedStream[] | undefined;
  private readonly life: StreamLife;
  /** Shards of names that are being created, and of streams that are being resharded. */
  private readonly budget: ShardBudget;
  private readonly closedShards: ClosedShards;
  private sweepTimer: Timer | undefined;
  /** Creations, deletions and reshards under way. */
  private readonly changes = new Set<Promise<unknown>>();
  private readonly producerIds = new ProducerIds((count) => this.catalog.takeProducerIds(count));
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: StreamBrokerOptions,
    private readonly catalog: Catalog,
    folders: StreamFolders,
  ) {
    this.clusterId = catalog.clusterId;
    this.shardCountMax = options.shardCountMax;
    this.retentionMsDefault = options.retentionMsDefault;
    this.settings = catalog.settings();
    this.life = new StreamLife(options, catalog, folders);
    this.budget = new ShardBudget(options.shardCountMax, () => this.countShards());
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
      for (const stream of await broker.life.load()) broker.add(stream);
      broker.planSweep();
      return broker;
    } catch (error) {
      catalog.close();
      throw error;
    }
  }

  async createStream(request: CreateStreamRequest): Promise<Stream> {
    const { name, shardCount, retentionMs = this.retentionMsDefault } = request;
    this.checkOpen();
    checkStreamName(name);
    checkRetention(retentionMs);
    if (this.byName.has(name) || this.budget.holds(name)) {
      throw new VoikError("stream_exists", `stream ${name} exists already`);
    }
    this.budget.promise(name, shardCount);
    try {
      return await this.track(this.make({ ...request, retentionMs }));
    } finally {
      this.budget.release(name);
    }
  }

  checkReshard(stream: Stream, request: ReshardRequest): void {
    this.planFor(this.own(stream), request);
  }

  async reshard(stream: Stream, request: ReshardRequest): Promise<void> {
    const own = this.own(stream);
    const { added } = this.planFor(own, request);
    if (added.length === 0) return;
    this.budget.promise(own, added.length);
    const done = this.track(this.life.reshard(own, request));
    own.reshardEnd = done.catch(() => undefined);
    try {
      await done;
    } finally {
      own.reshardEnd = undefined;
      this.budget.release(own);
    }
  }

  change(stream: Stream, changes: StreamChanges): void {
    const { id, row } = this.own(stream);
    const { retentionMs, durability, settings } = { ...row, ...changes };
    checkRetention(retentionMs);
    this.catalog.setChoices(id, { retentionMs, durability, settings });
    Object.assign(row, { retentionMs, durability, settings });
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
    this.life.markDeleting(stream);
    stream.deleted = true;
    this.byName.delete(name);
    this.byId.delete(stream.id);
    this.sorted = undefined;
    stream.tellListeners();
    await this.track(this.life.remove(stream));
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

  appendRecords(stream: Stream, records: RecordTable, admit?: Admission): Promise<AppendOutcomes> {
    return appendRecords(this.own(stream), records, this.options.clock.nowMs(), admit);
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

  private planSweep(): void {
    this.sweepTimer = this.options.clock.after(SWEEP_INTERVAL_MS, () => {
      void this.track(this.sweep()).finally(() => this.closing ?? this.planSweep());
    });
  }

  private planFor(own: ShardedStream, request: ReshardRequest): ReshardPlan {
    if (own.resharding) {
      throw new VoikError("stream_not_ready", `the shards of ${own.name} are being changed: try again`);
    }
    if (request.kind === "grow") checkUnwritten(own);
    return planReshard(own.shards, request, this.options.clock.nowMs());
  }

  private async make(request: CreateStreamRequest & { retentionMs: number }): Promise<ShardedStream> {
    const stream = await this.life.create(request);
    this.add(stream);
    return stream;
  }

  private countShards(): number {
    let count = 0;
    for (const stream of this.byId.values()) count += stream.shards.length;
    return count;
  }

  private add(stream: ShardedStream): void {
    this.byName.set(stream.name, stream);
    this.byId.set(stream.id, stream);
    this.sorted = undefined;
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
  if (Number.isSafeInteger(retentionMs) && retentionMs >= 0) return;
  throw new VoikError("config_invalid", `retention is a whole number of milliseconds, not ${retentionMs}`);
}
