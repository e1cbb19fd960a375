/**
 * SQLite files of a data folder: made 0600, told apart by an application id, brought up to date by schema steps, and
 * every failure a VoikError. user_version counts the steps that a file has seen; opening one runs the rest, in one
 * transaction. A step that was released never changes: the next one is added behind it. A format may have its content
 * sealed by a checksum.
 *
 * A change has happened when its call returns (write-ahead log, synchronous=full), unless whoever opens the file syncs the
 * write-ahead log by other means.
 */
import { Database } from "bun:sqlite";
import { VoikError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { DatabaseSeal } from "./database-seal.ts";
import { SealFile } from "./seal-file.ts";
import { explainSqlite, isDiskFailure } from "./sqlite-errors.ts";

export interface DatabaseFormat {
  /** Four letters, so that file(1) and we can tell the database from another. */
  readonly applicationId: number;
  readonly steps: readonly string[];
  /** How many steps give it a seal (database-seal.ts); it has none when left out, or when there are not so many steps. */
  readonly sealedFrom?: number;
  /** What it is, behind "it is not". */
  readonly what: string;
  /** What to do when it is damaged, a sentence. */
  readonly remedy: string;
}

export interface DatabaseOptions {
  /**
   * Hears when the disk failed under a change, which is then neither made nor not made: the process has to end.
   */
  readonly onFailure?: ((error: VoikError) => void) | undefined;
  /** NORMAL: a change is written and not synced. */
  readonly synchronous?: "FULL" | "NORMAL";
}

/** A database file and what its failures mean. */
export class DatabaseFile {
  private constructor(
    readonly database: Database,
    readonly path: string,
    private readonly format: DatabaseFormat,
    private readonly seal: DatabaseSeal | undefined,
    private readonly sealFile: SealFile | undefined,
    private readonly onFailure: DatabaseOptions["onFailure"],
  ) {}

  /**
   * Opens the database at `path`, making it when it is missing. The caller makes its name durable. Throws VoikError
   * storage_damaged, unsupported when a newer voik wrote it, disk_full or storage_failed.
   */
  static open(
    path: string,
    fileSystem: FileSystem,
    format: DatabaseFormat,
    { onFailure, synchronous = "FULL" }: DatabaseOptions = {},
  ): DatabaseFile {
    let database: Database | undefined;
    try {
      // Made here for its mode, 0600, which SQLite gives to the files beside it too.
      if (!fileSystem.exists(path)) fileSystem.open(path, "create").close();
      database = new Database(path, { readwrite: true, strict: true });
      const sealFile = isSealed(format) ? new SealFile(fileSystem, path) : undefined;
      checkIdentity(database, path, format);
      const seal = sealFile && new DatabaseSeal(database);
      if (seal) checkSeal(database, seal, sealFile, path, format);
      database.run("PRAGMA journal_mode = WAL");
      database.run(`PRAGMA synchronous = ${synchronous}`);
      database.run("PRAGMA foreign_keys = ON");
      migrate(database, format, seal);
      seal?.watch();
      sealFile?.catchUp(seal?.stored);
      return new DatabaseFile(database, path, format, seal, sealFile, onFailure);
    } catch (error) {
      database?.close();
      throw explainSqlite(error, path, (why) => damaged(path, why, format));
    }
  }

  /** Runs `work`, with SQLite's failures as ours. */
  run<T>(work: (database: Database) => T): T {
    try {
      return work(this.database);
    } catch (error) {
      const explained = this.explain(error);
      if (isDiskFailure(error)) this.onFailure?.(explained as VoikError);
      throw explained;
    }
  }

  /** A failure of this database as a VoikError; a bug passes through. */
  explain(error: unknown): unknown {
    return explainSqlite(error, this.path, (why) => this.damage(why));
  }

  /** The failure of a database that is not what was written. */
  damage(why: string): VoikError {
    return damaged(this.path, why, this.format);
  }

  /** Runs `work` in one transaction. */
  change<T>(work: (database: Database) => T): T {
    return this.run((database) => {
      const [result, seal] = database.transaction(() => [work(database), this.seal?.renew()] as const)();
      if (seal) this.sealFile?.write(seal);
      return result;
    });
  }

  close(): void {
    this.sealFile?.close();
    this.database.close();
  }
}

function checkIdentity(database: Database, path: string, format: DatabaseFormat): void {
  const version = pragma(database, "user_version");
  if (version === 0 && pragma(database, "schema_version") === 0) return;
  if (pragma(database, "application_id") !== format.applicationId)
    throw damaged(path, `it is not ${format.what}`, format);
  if (version > format.steps.length) {
    throw new VoikError(
      "unsupported",
      `${path} has format ${version}, this voik knows formats up to ${format.steps.length}: start the newer voik that wrote it`,
    );
  }
  // Only the longer one holds indexes against rows, and is for small ones.
  const [check] =
    database.query(`PRAGMA ${isSealed(format) ? "integrity" : "quick"}_check(1)`).values()[0] ?? [];
  if (check !== "ok") throw damaged(path, String(check), format);
}

function isSealed({ sealedFrom = Infinity, steps }: DatabaseFormat): boolean {
  return steps.length >= sealedFrom;
}

/** Throws VoikError storage_damaged when the content is not what was written, or not all of it. */
function checkSeal(
  database: Database,
  seal: DatabaseSeal,
  sealFile: SealFile,
  path: string,
  format: DatabaseFormat,
): void {
  const sealed = pragma(database, "user_version") >= (format.sealedFrom ?? Infinity);
  if (sealed && !seal.fits()) throw damaged(path, "what is in it does not fit its checksum", format);
  const breach = sealFile.breach(sealed ? seal.stored : undefined);
  if (breach !== undefined) throw damaged(path, breach, format);
}

function migrate(
  database: Database,
  { steps, applicationId }: DatabaseFormat,
  seal: DatabaseSeal | undefined,
): void {
  const version = pragma(database, "user_version");
  if (version === steps.length) return;
  database.transaction(() => {
    for (const step of steps.slice(version)) database.run(step);
    database.run(`PRAGMA application_id = ${applicationId}`);
    database.run(`PRAGMA user_version = ${steps.length}`);
    seal?.renewAll();
  })();
}

function pragma(database: Database, name: "user_version" | "application_id" | "schema_version"): number {
  return database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function damaged(path: string, why: string, { remedy }: DatabaseFormat): VoikError {
  return new VoikError("storage_damaged", `${path} can't be used: ${why}. ${remedy}`);
}
