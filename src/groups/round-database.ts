/**
 * A small SQLite database of the data folder (base/database.ts) whose changes are written in rounds and synced off the
 * event loop.
 *
 *   change, change, change ->  end of tick: one transaction  ->  fdatasync of the -wal file, off the event loop
 *                                                              ->  all three are told
 *
 * SQLite runs with synchronous=normal, so a transaction writes the write-ahead log and waits for no disk; the log is
 * synced here, and whatever comes meanwhile shares the next round. (SQLite itself syncs when it moves the log into the
 * database, once in about 4 MiB.) A failed sync is never tried again.
 *
 * Rounds are numbered, and the last one that was synced is remembered in <database>-seal (base/seal-file.ts): a database
 * that lost rounds, because its write-ahead log was cut short or lost, is found out when it is opened (decision 0073).
 */
import type { Database } from "bun:sqlite";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { DatabaseFile, type DatabaseFormat } from "../base/database.ts";
import { VoikError } from "../base/errors.ts";
import type { FileSystem, OpenFile } from "../base/file-system.ts";
import { SealFile } from "../base/seal-file.ts";

/** Rows that one transaction writes at most, plus those of its last change: a few milliseconds. */
const ROUND_ROWS_MAX = 1000;

/** The step that has a format's rounds numbered. */
export const ROUNDS_TABLE = `
  CREATE TABLE rounds(id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL) STRICT;
  INSERT INTO rounds VALUES (0, 0);
`;

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
  private readonly seal: SealFile;
  private readonly number;
  /** Number of the last round that was written. */
  private round: number;

  private constructor(
    private readonly file: DatabaseFile,
    private readonly options: RoundDatabaseOptions,
  ) {
    const { path, fileSystem } = options;
    this.number = this.sqlite.query<void, [number]>("UPDATE rounds SET number = ?");
    this.round = this.sqlite.query<{ number: number }, []>("SELECT number FROM rounds").get()?.number ?? 0;
    this.seal = new SealFile(fileSystem, path);
    const breach = this.seal.breach(this.round === 0 ? undefined : this.lastRound);
    if (breach !== undefined) throw file.damage(breach);
    this.wal = fileSystem.open(`${path}-wal`, "read");
  }

  /** Opens the database, or makes it. Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
  static async open(format: DatabaseFormat, options: RoundDatabaseOptions): Promise<RoundDatabase> {
    const { path, fileSystem } = options;
    const file = DatabaseFile.open(path, fileSystem, format, { synchronous: "NORMAL" });
    try {
      const database = new RoundDatabase(file, options);
      await database.wal.sync();
      await fileSystem.syncFolder(dirname(path));
      database.seal.catchUp(database.round === 0 ? undefined : database.lastRound);
      return database;
    } catch (error) {
      file.close();
      throw file.explain(error);
    }
  }

  /** For reading at any time, and for writing inside of a change. */
  get sqlite(): Database {
    return this.file.database;
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
    this.seal.close();
    this.file.close();
  }

  private get lastRound() {
    return { change: this.round, crc: 0 };
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
        this.number.run(this.round + 1);
      })();
      this.round++;
    } catch (error) {
      this.onRollback();
      throw this.file.explain(error);
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
      this.closing = this.file.explain(error) as VoikError;
      for (const { reject } of this.changes.splice(0)) reject(this.closing);
      this.options.onSyncFailure(error);
      throw this.closing;
    }
    this.seal.write(this.lastRound);
  }
}
