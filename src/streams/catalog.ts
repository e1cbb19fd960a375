/**
 * The catalog: which streams and shards exist, in the data folder's SQLite database, voik.db. A change has
 * happened when its call returns: write-ahead log, synchronous=full.
 *
 *   meta(key, value)                                             cluster_id
 *   streams(id, name, state, created_at_ms, retention_ms, durability)   state: creating -> active -> deleting
 *   shards(stream_id, shard_index, hash_start, hash_end, created_at_ms, closed_at_ms, parents)
 *
 * A stream's folder exists at most while its row does: the row is there (creating) before the folder, and goes
 * (deleting) after it, so a crash in between leaves a row that says what to clean up. Hash keys are decimal text.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import { type Random, randomId } from "../base/random.ts";
import { DURABILITIES, type Durability } from "../log/log-factory.ts";
import type { HashRange } from "./hash-range.ts";

export type StreamState = "creating" | "active" | "deleting";

export interface ShardRow {
  index: number;
  range: HashRange;
  createdAtMs: number;
  closedAtMs: number | undefined;
  parents: number[];
}

export interface StreamRow {
  id: string;
  name: string;
  state: StreamState;
  createdAtMs: number;
  retentionMs: number;
  durability: Durability;
  shards: ShardRow[];
}

export interface CatalogOptions {
  /** The database file; made when missing. */
  path: string;
  fileSystem: FileSystem;
  random: Random;
  /** Whether streams lie in the data folder already, so that a missing or empty catalog must be a lost one. */
  streamsExist: boolean;
}

const SCHEMA_VERSION = 2;
/** "voik", so that file(1) and we can tell the database from another. */
const APPLICATION_ID = 0x766f696b;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
  CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE streams(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    retention_ms INTEGER NOT NULL,
    durability TEXT NOT NULL DEFAULT 'sync'
  ) STRICT;
  CREATE UNIQUE INDEX streams_by_name ON streams(name) WHERE state <> 'deleting';
  CREATE TABLE shards(
    stream_id TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE,
    shard_index INTEGER NOT NULL,
    hash_start TEXT NOT NULL,
    hash_end TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER,
    parents TEXT NOT NULL,
    PRIMARY KEY (stream_id, shard_index)
  ) STRICT, WITHOUT ROWID;
`;

/** What leads from each older format to the next one. */
const STEPS: Record<number, string> = {
  1: "ALTER TABLE streams ADD COLUMN durability TEXT NOT NULL DEFAULT 'sync'",
};

interface StreamRecord {
  id: string;
  name: string;
  state: StreamState;
  created_at_ms: number;
  retention_ms: number;
  durability: string;
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
  private constructor(
    private readonly database: Database,
    private readonly path: string,
    /** Id of this data folder, made once: 32 hex digits. */
    readonly clusterId: string,
  ) {}

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
      database = new Database(path, { readwrite: true, strict: true });
      checkIdentity(database, options);
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("PRAGMA foreign_keys = ON");
      return new Catalog(database, path, readClusterId(database, options));
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
      const byStream = Map.groupBy(shards, (shard) => shard.stream_id);
      return streams.map((stream) => toStreamRow(stream, byStream.get(stream.id) ?? [], this.path));
    });
  }

  /** Adds a stream and its shards. */
  addStream(stream: StreamRow): void {
    this.guard(() =>
      this.database.transaction(() => {
        this.database
          .query("INSERT INTO streams VALUES (?, ?, ?, ?, ?, ?)")
          .run(
            stream.id,
            stream.name,
            stream.state,
            stream.createdAtMs,
            stream.retentionMs,
            stream.durability,
          );
        const insert = this.database.query("INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?, ?)");
        for (const { index, range, createdAtMs, closedAtMs, parents } of stream.shards) {
          const start = range.start.toString();
          const end = range.end.toString();
          insert.run(stream.id, index, start, end, createdAtMs, closedAtMs ?? null, parents.join(","));
        }
      })(),
    );
  }

  /** Moves a stream on to `state`. */
  setState(id: string, state: StreamState): void {
    this.guard(() => this.database.query("UPDATE streams SET state = ? WHERE id = ?").run(state, id));
  }

  /** Forgets a stream whose folder is gone. */
  removeStream(id: string): void {
    this.guard(() => this.database.query("DELETE FROM streams WHERE id = ?").run(id));
  }

  close(): void {
    this.database.close();
  }

  private guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw translate(error, this.path);
    }
  }
}

/** Refuses a database that is damaged, not ours or from a newer voik, before anything is written to it. */
function checkIdentity(database: Database, options: CatalogOptions): void {
  const version = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const tables = database.query<{ n: number }, []>("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0;
  if (tables === 0) {
    if (options.streamsExist) throw damaged(options.path, "it is empty, and streams are in the folder");
    return;
  }
  if (application !== APPLICATION_ID) throw damaged(options.path, "it is not a voik database");
  if (version > SCHEMA_VERSION) {
    throw new VoikError(
      "unsupported",
      `${options.path} has format ${version}, this voik knows formats up to ${SCHEMA_VERSION}: start the newer voik that wrote it`,
    );
  }
  const check = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (check !== "ok") throw damaged(options.path, String(check));
}

/** Brings a database of an older voik to this format, one step after the other. */
function migrate(database: Database): void {
  for (let version = pragma(database, "user_version"); version < SCHEMA_VERSION; version++) {
    database.transaction(() => {
      database.run(STEPS[version] as string);
      database.run(`PRAGMA user_version = ${version + 1}`);
    })();
  }
}

/** Reads the cluster id, first making tables and id in a new database. */
function readClusterId(database: Database, options: CatalogOptions): string {
  if (pragma(database, "user_version") === 0) {
    database.transaction(() => {
      database.run(SCHEMA);
      database.query("INSERT INTO meta VALUES ('cluster_id', ?)").run(randomId(options.random));
    })();
  }
  migrate(database);
  const query = database.query<{ value: string }, []>("SELECT value FROM meta WHERE key = 'cluster_id'");
  const clusterId = query.get()?.value;
  if (clusterId === undefined) throw damaged(options.path, "it has no cluster id");
  return clusterId;
}

function pragma(database: Database, name: "user_version" | "application_id"): number {
  return database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function toStreamRow(stream: StreamRecord, shards: readonly ShardRecord[], path: string): StreamRow {
  if (shards.length === 0 || shards.some((shard, i) => shard.shard_index !== i)) {
    throw damaged(path, `stream ${stream.name} lacks shards`);
  }
  const { durability } = stream;
  if (!DURABILITIES.includes(durability as Durability)) {
    throw damaged(path, `stream ${stream.name} has the unknown durability ${durability}`);
  }
  return {
    id: stream.id,
    name: stream.name,
    state: stream.state,
    createdAtMs: stream.created_at_ms,
    retentionMs: stream.retention_ms,
    durability: durability as Durability,
    shards: shards.map((shard) => ({
      index: shard.shard_index,
      range: { start: hashKeyOf(shard.hash_start, path), end: hashKeyOf(shard.hash_end, path) },
      createdAtMs: shard.created_at_ms,
      closedAtMs: shard.closed_at_ms ?? undefined,
      parents: shard.parents === "" ? [] : shard.parents.split(",").map(Number),
    })),
  };
}

function hashKeyOf(text: string, path: string): bigint {
  if (!/^\d{1,39}$/.test(text)) throw damaged(path, "a shard's hash range is no number");
  return BigInt(text);
}

function damaged(path: string, why: string): VoikError {
  return new VoikError("storage_damaged", `${path} can't be used: ${why}. Put it back from a backup`);
}

/** SQLite's failures as ours (https://www.sqlite.org/rescode.html); anything else is a bug and passes through. */
function translate(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = error.code ?? "";
  if (/^SQLITE_(CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(code)) return damaged(path, error.message);
  if (code.startsWith("SQLITE_FULL")) {
    return new VoikError("disk_full", `disk full: ${path} can't be written. Free some space`, {
      cause: error,
    });
  }
  return new VoikError("storage_failed", `${path}: ${error.message} (${code})`, { cause: error });
}
