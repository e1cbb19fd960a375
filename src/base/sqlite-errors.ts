/** What SQLite's failures (https://www.sqlite.org/rescode.html) and those of the disk beneath it are for voik. */
import { SQLiteError } from "bun:sqlite";
import { VoikError } from "./errors.ts";

/** `error` of the database at `path` as a VoikError; `damaged` says what to do about damage. A bug passes through. */
export function explainSqlite(error: unknown, path: string, damaged: (why: string) => VoikError): unknown {
  if (error instanceof VoikError) return error;
  const { code = "", message } = error as { code?: string; message: string };
  if (/^SQLITE_(CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(code)) return damaged(message);
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

/** Whether the device failed; not so for want of memory or of room for the shared index, when nothing was written. */
export function isDiskFailure(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_IOERR(?!_SHM|_NOMEM)/.test(error.code ?? "");
}
