/**
 * The catalog: which streams and shards exist, in the data folder's SQLite database, voik.db. A change has
 * happened when its call returns: write-ahead log, synchronous=full.
 *
 * What a row holds stands in catalog-schema.ts. A reshard is one transaction: parents closed, children added. Each
 * change renews the checksums over what it touched (catalog-seal.ts), and a start believes nothing that they don't fit.
 *
 * A stream's folder exists at most while its row does: the row is there (creating) before the folder, and goes
 * (deleting) after it, so a crash in between leaves a row that says what to clean up. Hash keys are decimal text.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { assert } from "../base/assert.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import { type Random, randomId } from "../base/random.ts";
import { SealFile } from "../base/seal-file.ts";
import { explainSqlite, isDiskFailure } from "../base/sqlite-errors.ts";
import { DURABILITIES, type Durability } from "../log/log-factory.ts";
import type { AttributeChanges } from "./broker.ts";
import { APPLICATION_ID, SCHEMA_STEPS, SEALED_FROM_VERSION } from "./catalog-schema.ts";
import { CatalogSeal } from "./catalog-seal.ts";
import { tilesHashKeys } from "./hash-range.ts";
import { parseSettings, type StreamSettings } from "./stream-settings.ts";
import { openShardsOf, type ReshardPlan, type ShardPlan } from "./reshard.ts";

export const STREAM_STATES = ["creating", "active", "deleting"] as const;
export type StreamState = (typeof STREAM_STATES)[number];

export type ShardRow = ShardPlan;

export interface StreamRow {
  id: string;
  name: string;
  state: StreamState;
  createdAtMs: number;
  retentionMs: number;
  durability: Durability;
  settings: StreamSettings;
  attributes: Map<string, string>;
  /** By index, which is not dense: closed shards go once retention has taken them. */
  shards: ShardRow[];
}

/** What may be changed of a stream. */
export type StreamChoices = Pick<StreamRow, "retentionMs" | "durability" | "settings">;

export interface CatalogOptions {
  /** The database file; made when missing. */
  path: string;
  fileSystem: FileSystem;
  random: Random;
  /** Whether streams lie in the data folder already, so that a missing or empty catalog must be a lost one. */
  streamsExist: boolean;
  /** The disk failed under a change, which is now neither made nor not made: the process has to end. */
  onFailure?: ((error: VoikError) => void) | undefined;
}

/** Settings of the edges lie in `meta` beside our own keys. */
const SETTING_PREFIX = "setting.";

interface StreamRecord {
  id: string;
  name: string;
  state: StreamState;
  created_at_ms: number;
  retention_ms: number;
  durability: string;
  settings: string;
}

interface AttributeRecord {
  stream_id: string;
  name: string;
  value: string;
}

interface ShardRecord {
  stream_id: string;
  shard_index: number;
  hash_start: string;
  hash_end: string;
  created_at_ms: number;
  closed_at_ms: number | null;
  parents: string;
}

export class Catalog {
  private readonly path: string;
  /** Id of this data folder, made once: 32 hex digits. */
  readonly clusterId: string;
  private readonly seal: CatalogSeal;

  private constructor(
    private readonly database: Database,
    private readonly sealFile: SealFile,
    private readonly options: CatalogOptions,
  ) {
    this.path = options.path;
    this.clusterId = readClusterId(database, options);
    this.seal = new CatalogSeal(database);
    sealFile.catchUp(this.seal.stored());
  }

  /**
   * Opens the catalog, making it in a new data folder. Throws VoikError storage_damaged when it is lost or broken,
   * unsupported when a newer voik wrote it, disk_full or storage_failed.
   */
  static open(options: CatalogOptions): Catalog {
    const { path, fileSystem } = options;
    if (!fileSystem.exists(path)) {
      if (options.streamsExist) throw damaged(path, "it is missing, and streams are in the folder");
      // Made here for its mode, 0600, which SQLite gives to the files beside it too.
      fileSystem.open(path, "create").close();
    }
    let database: Database | undefined;
    try {
      const sealFile = new SealFile(fileSystem, path);
      database = new Database(path, { readwrite: true, strict: true });
      checkContent(database, sealFile, options);
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("PRAGMA foreign_keys = ON");
      migrate(database, options);
      return new Catalog(database, sealFile, options);
    } catch (error) {
      database?.close();
      throw translate(error, path);
    }
  }

  /** All streams, in whatever state. Throws VoikError storage_damaged on rows that make no sense. */
  streams(): StreamRow[] {
    return this.guard(() => {
      const streams = this.database.query<StreamRecord, []>("SELECT * FROM streams ORDER BY name").all();
      const shards = this.database
        .query<ShardRecord, []>("SELECT * FROM shards ORDER BY stream_id, shard_index")
        .all();
      const attributes = this.database.query<AttributeRecord, []>("SELECT * FROM attributes").all();
      const shardsOf = Map.groupBy(shards, (shard) => shard.stream_id);
      const attributesOf = Map.groupBy(attributes, (attribute) => attribute.stream_id);
      return streams.map((stream) =>
        toStreamRow(stream, shardsOf.get(stream.id) ?? [], attributesOf.get(stream.id) ?? [], this.path),
      );
    });
  }

  /** What the edges keep with the broker, by name. */
  settings(): Map<string, string> {
    const query = this.database.query<{ key: string; value: string }, []>("SELECT key, value FROM meta");
    const rows = this.guard(() => query.all()).filter(({ key }) => key.startsWith(SETTING_PREFIX));
    return new Map(rows.map(({ key, value }) => [key.slice(SETTING_PREFIX.length), value]));
  }

  setSetting(name: string, value: string): void {
    this.change([], () =>
      this.database.query("REPLACE INTO meta VALUES (?, ?)").run(SETTING_PREFIX + name, value),
    );
  }

  /** Adds a stream with its shards and attributes. */
  addStream(stream: StreamRow): void {
    this.change([stream.id], () => {
      this.database
        .query(
          `INSERT INTO streams(id, name, state, created_at_ms, retention_ms, durability, settings)
            VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(stream.id, stream.name, stream.state, stream.createdAtMs, ...choices(stream));
      this.insertShards(stream.id, stream.shards);
      this.writeAttributes(stream.id, stream.attributes);
    });
  }

  /** Closes the parents and adds the children of a reshard, at once. */
  reshard(id: string, { closing, moved, added }: ReshardPlan): void {
    this.change([id], () => {
      const move = this.database.query(
        "UPDATE shards SET hash_start = ?, hash_end = ? WHERE stream_id = ? AND shard_index = ?",
      );
      for (const [index, { start, end }] of moved) move.run(start.toString(), end.toString(), id, index);
      const close = this.database.query(
        "UPDATE shards SET closed_at_ms = ? WHERE stream_id = ? AND shard_index = ? AND closed_at_ms IS NULL",
      );
      for (const [index, { closedAtMs }] of closing) {
        const { changes } = close.run(closedAtMs, id, index);
        assert(changes === 1, "a shard that closes is open");
      }
      this.insertShards(id, added);
    });
  }

  /** Forgets closed shards that retention has taken; their folders go after. */
  removeShards(id: string, indexes: readonly number[]): void {
    this.change([id], () => {
      const remove = this.database.query("DELETE FROM shards WHERE stream_id = ? AND shard_index = ?");
      for (const index of indexes) remove.run(id, index);
    });
  }

  /** Writes what a stream has chosen. */
  setChoices(id: string, chosen: StreamChoices): void {
    this.change([id], () =>
      this.database
        .query("UPDATE streams SET retention_ms = ?, durability = ?, settings = ? WHERE id = ?")
        .run(...choices(chosen), id),
    );
  }

  setAttributes(id: string, changes: AttributeChanges): void {
    this.change([id], () => this.writeAttributes(id, changes));
  }

  /** Moves a stream on to `state`. */
  setState(id: string, state: StreamState): void {
    this.change([id], () => this.database.query("UPDATE streams SET state = ? WHERE id = ?").run(state, id));
  }

  /** Forgets a stream whose folder is gone. */
  removeStream(id: string): void {
    this.change([], () => this.database.query("DELETE FROM streams WHERE id = ?").run(id));
  }

  /** Sets `count` producer ids aside, for ever; returns the first of them. */
  takeProducerIds(count: number): number {
    return this.change([], () => {
      const query = this.database.query<{ value: string }, [string, number]>(
        `INSERT INTO meta VALUES ('producer_ids', ?) ON CONFLICT DO UPDATE SET
          value = CAST(CAST(value AS INTEGER) + ? AS TEXT) RETURNING value`,
      );
      return Number(query.get(String(count), count)?.value) - count;
    });
  }

  close(): void {
    this.database.close();
    this.sealFile.close();
  }

  private insertShards(id: string, shards: readonly ShardRow[]): void {
    const insert = this.database.query("INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const { index, range, createdAtMs, closedAtMs, parents } of shards) {
      const start = range.start.toString();
      const end = range.end.toString();
      insert.run(id, index, start, end, createdAtMs, closedAtMs ?? null, parents.join(","));
    }
  }

  private writeAttributes(id: string, changes: AttributeChanges): void {
    const replace = this.database.query("REPLACE INTO attributes VALUES (?, ?, ?)");
    const remove = this.database.query("DELETE FROM attributes WHERE stream_id = ? AND name = ?");
    for (const [name, value] of changes) {
      if (value === undefined) remove.run(id, name);
      else replace.run(id, name, value);
    }
  }

  /** Runs `run`, which changes these streams, as one transaction: after a crash or an error, all of it or nothing. */
  private change<T>(streamIds: readonly string[], run: () => T): T {
    return this.guard(() => {
      const [result, seal] = this.database.transaction(() => [run(), this.seal.renew(streamIds)] as const)();
      this.sealFile.write(seal);
      return result;
    });
  }

  private guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      const translated = translate(error, this.path);
      if (translated instanceof VoikError && isDiskFailure(error)) this.options.onFailure?.(translated);
      throw translated;
    }
  }
}

/** Refuses a database that is damaged, not ours or from a newer voik, before anything is written to it. */
function checkContent(database: Database, sealFile: SealFile, options: CatalogOptions): void {
  const version = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const tables = database.query<{ n: number }, []>("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0;
  if (tables === 0) {
    if (options.streamsExist || sealFile.known)
      throw damaged(options.path, "it is empty, and streams were made in this folder");
    return;
  }
  if (application !== APPLICATION_ID) throw damaged(options.path, "it is not a voik database");
  if (version > SCHEMA_STEPS.length) {
    throw new VoikError(
      "unsupported",
      `${options.path} has format ${version}, this voik knows formats up to ${SCHEMA_STEPS.length}: start the newer voik that wrote it`,
    );
  }
  const check = database.query("PRAGMA integrity_check(1)").values()[0]?.[0];
  if (check !== "ok") throw damaged(options.path, String(check));
  if (version < SEALED_FROM_VERSION) return;
  const breach = new CatalogSeal(database).breach(sealFile);
  if (breach !== undefined) throw damaged(options.path, breach);
}

/** Brings the tables to this voik's format; makes them, and the cluster id, in a new database. */
function migrate(database: Database, options: CatalogOptions): void {
  const version = pragma(database, "user_version");
  if (version === SCHEMA_STEPS.length) return;
  database.transaction(() => {
    for (const step of SCHEMA_STEPS.slice(version)) database.run(step);
    database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.run(`PRAGMA user_version = ${SCHEMA_STEPS.length}`);
    if (version === 0) {
      database.query("INSERT INTO meta VALUES ('cluster_id', ?)").run(randomId(options.random));
    }
    new CatalogSeal(database).renewAll();
  })();
}

function readClusterId(database: Database, options: CatalogOptions): string {
  const query = database.query<{ value: string }, []>("SELECT value FROM meta WHERE key = 'cluster_id'");
  const clusterId = query.get()?.value;
  if (clusterId === undefined) throw damaged(options.path, "it has no cluster id");
  return clusterId;
}

function pragma(database: Database, name: "user_version" | "application_id"): number {
  return database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function toStreamRow(
  stream: StreamRecord,
  shards: readonly ShardRecord[],
  attributes: readonly AttributeRecord[],
  path: string,
): StreamRow {
  const rows = shards.map((shard) => toShardRow(shard, path));
  if (!tilesHashKeys(openShardsOf(rows).map((shard) => shard.range)))
    throw damaged(path, `stream ${stream.name} lacks shards`);
  const { durability, state } = stream;
  // A state that is not known must not be taken for one whose stream is to be removed.
  if (!STREAM_STATES.includes(state))
    throw damaged(path, `stream ${stream.name} has the unknown state ${state}`);
  if (!DURABILITIES.includes(durability as Durability)) {
    throw damaged(path, `stream ${stream.name} has the unknown durability ${durability}`);
  }
  const settings = parseSettings(stream.settings);
  if (settings === undefined) throw damaged(path, `stream ${stream.name} has settings that make no sense`);
  return {
    id: stream.id,
    name: stream.name,
    state,
    settings,
    createdAtMs: stream.created_at_ms,
    retentionMs: stream.retention_ms,
    durability: durability as Durability,
    attributes: new Map(attributes.map(({ name, value }) => [name, value])),
    shards: rows,
  };
}

function choices({ retentionMs, durability, settings }: StreamChoices): [number, string, string] {
  return [retentionMs, durability, JSON.stringify(settings)];
}

function toShardRow(shard: ShardRecord, path: string): ShardRow {
  return {
    index: shard.shard_index,
    range: { start: hashKeyOf(shard.hash_start, path), end: hashKeyOf(shard.hash_end, path) },
    createdAtMs: shard.created_at_ms,
    closedAtMs: shard.closed_at_ms ?? undefined,
    parents: shard.parents === "" ? [] : shard.parents.split(",").map(Number),
  };
}

function hashKeyOf(text: string, path: string): bigint {
  if (!/^\d{1,39}$/.test(text)) throw damaged(path, "a shard's hash range is no number");
  return BigInt(text);
}

function damaged(path: string, why: string): VoikError {
  return new VoikError("storage_damaged", `${path} can't be used: ${why}. Put it back from a backup`);
}

/** SQLite's failures as ours; anything else passes through. */
function translate(error: unknown, path: string): unknown {
  return error instanceof SQLiteError ? explainSqlite(error, path, (why) => damaged(path, why)) : error;
}
