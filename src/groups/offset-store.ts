/**
 * Committed offsets in a SQLite database of their own, groups.db, beside the catalog.
 *
 *   groups(group_id, empty_since_ms)     null while the group has members
 *   offsets(group_id, stream_id, shard, offset, leader_epoch, metadata)
 *
 *   commit, commit, commit ->  end of tick: one transaction  ->  fdatasync of the -wal file, off the event loop
 *                                                                ->  all three are told
 *
 * SQLite runs with synchronous=normal, so a transaction writes the write-ahead log and waits for no disk; the log is
 * synced here, and whatever comes meanwhile shares the next round. (SQLite itself syncs when it moves the log into the
 * database, once in about 4 MiB.) A commit is acknowledged after that sync. A failed sync is never tried again.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import type { CommittedOffset, OffsetKey } from "./groups.ts";

const SCHEMA_VERSION = 1;
/** "vkgr", so that file(1) and we can tell the database from another. */
const APPLICATION_ID = 0x766b6772;
/** Rows that one transaction writes at most, plus those of its last change: a few milliseconds. */
const ROUND_ROWS_MAX = 1000;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
  CREATE TABLE groups(group_id TEXT PRIMARY KEY, empty_since_ms INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE offsets(
    group_id TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    shard INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (group_id, stream_id, shard)
  ) STRICT, WITHOUT ROWID;
`;

export interface OffsetStoreOptions {
  /** The database file; made when missing. */
  path: string;
  fileSystem: FileSystem;
  clock: Clock;
  /** A sync failed: nothing can be acknowledged any more, and the process has to end. */
  onSyncFailure(error: unknown): void;
}

interface OffsetRow {
  stream_id: string;
  shard: number;
  offset: number;
  leader_epoch: number;
  metadata: string;
}

/** Something to write, and who is told. */
interface Change {
  readonly rows: number;
  write(): void;
  resolve(): void;
  reject(error: unknown): void;
}

export class OffsetStore {
  /** Since when each stored group has no members; undefined while it has some. Wall time, milliseconds. */
  readonly groups = new Map<string, number | undefined>();
  private readonly changes: Change[] = [];
  private working = false;
  private refusal: VoikError | undefined;
  private readonly wal: OpenFile;
  private readonly upsert;
  private readonly readOne;

  private constructor(
    private readonly database: Database,
    private readonly options: OffsetStoreOptions,
  ) {
    this.upsert = database.query<void, [string, string, number, number, number, string]>(
      `INSERT INTO offsets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        offset = excluded.offset, leader_epoch = excluded.leader_epoch, metadata = excluded.metadata`,
    );
    this.readOne = database.query<OffsetRow, [string, string, number]>(
      "SELECT * FROM offsets WHERE group_id = ? AND stream_id = ? AND shard = ?",
    );
    // Whoever was a member when voik ended is not one now.
    this.loadGroups(options.clock.nowMs());
    this.wal = options.fileSystem.open(`${options.path}-wal`, "read");
  }

  /** Opens the database. Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
  static async open(options: OffsetStoreOptions): Promise<OffsetStore> {
    const { path, fileSystem } = options;
    let database: Database | undefined;
    try {
      // Made here for its mode, 0600, which SQLite gives to the files beside it too.
      if (!fileSystem.exists(path)) fileSystem.open(path, "create").close();
      database = new Database(path, { readwrite: true, strict: true });
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = NORMAL");
      prepare(database, path);
      const store = new OffsetStore(database, options);
      await store.wal.sync();
      await fileSystem.syncFolder(dirname(path));
      return store;
    } catch (error) {
      database?.close();
      throw translate(error, path);
    }
  }

  /** Stores offsets of a group; resolves when they survive a crash. `emptySinceMs`: undefined while it has members. */
  commit(
    groupId: string,
    offsets: readonly CommittedOffset[],
    emptySinceMs: number | undefined,
  ): Promise<void> {
    return this.change(offsets.length + 1, () => {
      this.writeGroup(groupId, emptySinceMs);
      for (const { streamId, shard, offset, leaderEpoch, metadata } of offsets) {
        this.upsert.run(groupId, streamId, shard, offset, leaderEpoch, metadata);
      }
    });
  }

  /** Notes since when a stored group has no members; a group that is not stored is not made. */
  setEmptySince(groupId: string, emptySinceMs: number | undefined): Promise<void> {
    return this.change(1, () => {
      if (this.groups.has(groupId)) this.writeGroup(groupId, emptySinceMs);
    });
  }

  /** Forgets offsets of a group. */
  forget(groupId: string, keys: readonly OffsetKey[]): Promise<void> {
    const remove = this.database.query<void, [string, string, number]>(
      "DELETE FROM offsets WHERE group_id = ? AND stream_id = ? AND shard = ?",
    );
    return this.change(keys.length, () => {
      for (const { streamId, shard } of keys) remove.run(groupId, streamId, shard);
    });
  }

  /** Forgets a group and its offsets. */
  deleteGroup(groupId: string): Promise<void> {
    return this.change(1, () => {
      this.database.query("DELETE FROM offsets WHERE group_id = ?").run(groupId);
      this.database.query("DELETE FROM groups WHERE group_id = ?").run(groupId);
      this.groups.delete(groupId);
    });
  }

  /** Forgets all offsets of streams that `exists` does not know. */
  forgetStreams(exists: (streamId: string) => boolean): Promise<void> {
    const ids = this.database
      .query<{ stream_id: string }, []>("SELECT DISTINCT stream_id FROM offsets")
      .all();
    const gone = ids.map(({ stream_id }) => stream_id).filter((id) => !exists(id));
    if (gone.length === 0) return Promise.resolve();
    const remove = this.database.query("DELETE FROM offsets WHERE stream_id = ?");
    return this.change(gone.length, () => {
      for (const id of gone) remove.run(id);
    });
  }

  /** What a group has committed for `keys`, or all of it with null; waits until what it returns survives a crash. */
  async read(groupId: string, keys: readonly OffsetKey[] | null): Promise<CommittedOffset[]> {
    await this.settled();
    if (this.refusal) throw this.refusal;
    if (!this.groups.has(groupId)) return [];
    if (keys === null) {
      const all = this.database.query<OffsetRow, [string]>("SELECT * FROM offsets WHERE group_id = ?");
      return all.all(groupId).map(toCommitted);
    }
    const found: CommittedOffset[] = [];
    for (const { streamId, shard } of keys) {
      const row = this.readOne.get(groupId, streamId, shard);
      if (row) found.push(toCommitted(row));
    }
    return found;
  }

  /** Writes what is waiting, syncs, and closes. Changes then reject with shutting_down. */
  async close(): Promise<void> {
    const settled = this.settled();
    this.refusal ??= new VoikError("shutting_down", "voik is stopping: try again when it is back");
    await settled;
    this.wal.close();
    this.database.close();
  }

  private change(rows: number, write: () => void): Promise<void> {
    if (this.refusal) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => {
      this.changes.push({ rows, write, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  /** Resolves when everything that was asked for so far has been written and synced, or refused. */
  private settled(): Promise<void> {
    return this.working ? this.change(0, () => {}).catch(() => {}) : Promise.resolve();
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.changes.length > 0) {
      await new Promise<void>((resolve) => this.options.clock.defer(resolve));
      const changes = this.take();
      try {
        this.write(changes);
        await this.sync();
        for (const { resolve } of changes) resolve();
      } catch (error) {
        for (const { reject } of changes) reject(error);
      }
    }
    this.working = false;
  }

  private write(changes: readonly Change[]): void {
    try {
      this.database.transaction(() => {
        for (const { write } of changes) write();
      })();
    } catch (error) {
      this.loadGroups();
      throw translate(error, this.options.path);
    }
  }

  private loadGroups(emptySinceMs?: number): void {
    this.groups.clear();
    const rows = this.database.query<{ group_id: string; empty_since_ms: number | null }, []>(
      "SELECT * FROM groups",
    );
    for (const row of rows.all()) this.groups.set(row.group_id, row.empty_since_ms ?? emptySinceMs);
  }

  private take(): Change[] {
    let rows = 0;
    let count = 0;
    while (count < this.changes.length && rows < ROUND_ROWS_MAX)
      rows += (this.changes[count++] as Change).rows;
    return this.changes.splice(0, count);
  }

  private async sync(): Promise<void> {
    try {
      await this.wal.sync();
    } catch (error) {
      this.refusal = translate(error, this.options.path) as VoikError;
      for (const { reject } of this.changes.splice(0)) reject(this.refusal);
      this.options.onSyncFailure(error);
      throw this.refusal;
    }
  }

  private writeGroup(groupId: string, emptySinceMs: number | undefined): void {
    if (this.groups.has(groupId) && this.groups.get(groupId) === emptySinceMs) return;
    const upsert = this.database.query<void, [string, number | null]>("REPLACE INTO groups VALUES (?, ?)");
    upsert.run(groupId, emptySinceMs ?? null);
    this.groups.set(groupId, emptySinceMs);
  }
}

/** Makes the tables of a new database; refuses one that is not ours, damaged, or from a newer voik. */
function prepare(database: Database, path: string): void {
  const pragma = (name: string): unknown =>
    Object.values(database.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get() ?? {})[0];
  const version = Number(pragma("user_version"));
  if (version === 0 && pragma("schema_version") === 0) {
    database.transaction(() => database.run(SCHEMA))();
    return;
  }
  if (pragma("application_id") !== APPLICATION_ID) throw damaged(path, "it is not voik's groups database");
  if (version > SCHEMA_VERSION) {
    throw new VoikError(
      "unsupported",
      `${path} has format ${version}, this voik knows formats up to ${SCHEMA_VERSION}: start the newer voik that wrote it`,
    );
  }
  const check = pragma("quick_check(1)");
  if (check !== "ok") throw damaged(path, String(check));
}

function toCommitted(row: OffsetRow): CommittedOffset {
  const { stream_id: streamId, shard, offset, leader_epoch: leaderEpoch, metadata } = row;
  return { streamId, shard, offset, leaderEpoch, metadata };
}

function damaged(path: string, why: string): VoikError {
  return new VoikError(
    "storage_damaged",
    `${path} can't be used: ${why}. Put it back from a backup, or remove it: groups then start anew`,
  );
}

/** The failures of SQLite and of the disk as ours (https://www.sqlite.org/rescode.html); a bug passes through. */
function translate(error: unknown, path: string): unknown {
  if (error instanceof VoikError) return error;
  const { code = "", message } = error as { code?: string; message: string };
  if (/^SQLITE_(CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(code)) return damaged(path, message);
  if (code.startsWith("SQLITE_FULL") || code === "ENOSPC") {
    return new VoikError("disk_full", `disk full: ${path} can't be written. Free some space`, {
      cause: error,
    });
  }
  if (error instanceof SQLiteError || /^E[A-Z]+$/.test(code)) {
    return new VoikError("storage_failed", `${path}: ${message} (${code})`, { cause: error });
  }
  return error;
}
