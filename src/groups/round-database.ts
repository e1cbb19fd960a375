/**
 * A small SQLite database of the data folder whose changes are written in rounds and synced off the event loop.
 *
 *   change, change, change ->  end of tick: one transaction  ->  fdatasync of the -wal file, off the event loop
 *                                                              ->  all three are told
 *
 * SQLite runs with synchronous=normal, so a transaction writes the write-ahead log and waits for no disk; the log is
 * synced here, and whatever comes meanwhile shares the next round. (SQLite itself syncs when it moves the log into the
 * database, once in about 4 MiB.) A failed sync is never tried again.
 */
import { Database } from "bun:sqlite";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { explainSqlite } from "../base/sqlite-errors.ts";

/** Rows that one transaction writes at most, plus those of its last change: a few milliseconds. */
const ROUND_ROWS_MAX = 1000;

/** What a database is for, and what is in it. */
export interface DatabaseKind {
  /** What it holds, for messages: "groups". */
  readonly name: string;
  /** Four letters, so that file(1) and we can tell it from another. */
  readonly applicationId: number;
  /**
   * What takes a database from each version to the next, the first from an empty one. Versions count from 1, and what
   * has been released is never changed.
   */
  readonly versions: readonly string[];
}

export interface RoundDatabaseOptions {
  /** The database file; made when missing. */
  path: string;
  fileSystem: FileSystem;
  clock: Clock;
  /** A sync failed: nothing can be acknowledged any more, and the process has to end. */
  onSyncFailure(error: unknown): void;
}

/** Something to write, and who is told. */
interface Change {
  readonly rows: number;
  write(): void;
  resolve(): void;
  reject(error: unknown): void;
}

export class RoundDatabase {
  /** Called when a round could not be written: what memory knows of it has to be read again. */
  onRollback: () => void = () => {};
  private readonly changes: Change[] = [];
  private working = false;
  private closing: VoikError | undefined;
  private readonly wal: OpenFile;

  private constructor(
    /** For reading at any time, and for writing inside of a change. */
    readonly sqlite: Database,
    private readonly kind: DatabaseKind,
    private readonly options: RoundDatabaseOptions,
  ) {
    this.wal = options.fileSystem.open(`${options.path}-wal`, "read");
  }

  /** Opens the database, or makes it. Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
  static async open(kind: DatabaseKind, options: RoundDatabaseOptions): Promise<RoundDatabase> {
    const { path, fileSystem } = options;
    let sqlite: Database | undefined;
    try {
      // Made here for its mode, 0600, which SQLite gives to the files beside it too.
      if (!fileSystem.exists(path)) fileSystem.open(path, "create").close();
      sqlite = new Database(path, { readwrite: true, strict: true });
      sqlite.run("PRAGMA journal_mode = WAL");
      sqlite.run("PRAGMA synchronous = NORMAL");
      prepare(sqlite, kind, path);
      const database = new RoundDatabase(sqlite, kind, options);
      await database.wal.sync();
      await fileSystem.syncFolder(dirname(path));
      return database;
    } catch (error) {
      sqlite?.close();
      throw translate(error, kind, path);
    }
  }

  /** Why it takes no more changes, once that is so. */
  get refusal(): VoikError | undefined {
    return this.closing;
  }

  /**
   * Writes about `rows` rows with `write`, in a transaction with other changes; resolves when they survive a crash.
   * Rejects with VoikError disk_full, storage_failed, storage_damaged or shutting_down; then nothing was written.
   */
  change(rows: number, write: () => void): Promise<void> {
    if (this.closing) return Promise.reject(this.closing);
    return new Promise((resolve, reject) => {
      this.changes.push({ rows, write, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  /** Resolves when everything that was asked for so far has been written and synced, or refused. */
  settled(): Promise<void> {
    return this.working ? this.change(0, () => {}).catch(() => {}) : Promise.resolve();
  }

  /** Writes what is waiting, syncs, and closes. Changes then reject with shutting_down. */
  async close(): Promise<void> {
    const settled = this.settled();
    this.closing ??= new VoikError("shutting_down", "voik is stopping: try again when it is back");
    await settled;
    this.wal.close();
    this.sqlite.close();
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
      this.sqlite.transaction(() => {
        for (const { write } of changes) write();
      })();
    } catch (error) {
      this.onRollback();
      throw translate(error, this.kind, this.options.path);
    }
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
      this.closing = translate(error, this.kind, this.options.path) as VoikError;
      for (const { reject } of this.changes.splice(0)) reject(this.closing);
      this.options.onSyncFailure(error);
      throw this.closing;
    }
  }
}

/** Brings a database to our version; refuses one that is not ours, damaged, or from a newer voik. */
function prepare(sqlite: Database, kind: DatabaseKind, path: string): void {
  const pragma = (name: string): unknown =>
    Object.values(sqlite.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get() ?? {})[0];
  const version = Number(pragma("user_version"));
  const newest = kind.versions.length;
  const isNew = version === 0 && pragma("schema_version") === 0;
  if (!isNew) {
    if (pragma("application_id") !== kind.applicationId || version < 1)
      throw damaged(kind, path, `it is not voik's ${kind.name} database`);
    if (version > newest) {
      throw new VoikError(
        "unsupported",
        `${path} has format ${version}, this voik knows formats up to ${newest}: start the newer voik that wrote it`,
      );
    }
    const check = pragma("quick_check(1)");
    if (check !== "ok") throw damaged(kind, path, String(check));
  }
  if (version === newest) return;
  sqlite.transaction(() => {
    for (const step of kind.versions.slice(version)) sqlite.run(step);
    sqlite.run(`PRAGMA application_id = ${kind.applicationId}`);
    sqlite.run(`PRAGMA user_version = ${newest}`);
  })();
}

function damaged({ name }: DatabaseKind, path: string, why: string): VoikError {
  return new VoikError(
    "storage_damaged",
    `${path} can't be used: ${why}. Put it back from a backup, or remove it: ${name} then start anew`,
  );
}

function translate(error: unknown, kind: DatabaseKind, path: string): unknown {
  return explainSqlite(error, path, (why) => damaged(kind, path, why));
}
