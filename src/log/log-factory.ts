/**
 * How a shard's log is opened and closed: the seam through which voik.ts hands the real commit log to streams/,
 * and tests hand in another.
 */
import type { ShardLog } from "./shard-log.ts";

/** A log with its life in the holder's hands. */
export interface OpenLog extends ShardLog {
  /** Syncs what was accepted, tells the waiters, frees the files. Appends then throw shutting_down. May be called again. */
  close(): Promise<void>;
}

/**
 * When an append is acknowledged, and can be read: once it is on the disk, or once the operating system has it. The
 * latter is synced in the background, at the latest after a second or 4 MiB; a crash of voik loses nothing of it, a
 * crash of the machine may.
 */
export const DURABILITIES = ["sync", "os"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Bounds of a log that a stream may choose for itself; those of the log store hold for what it leaves out. */
export interface LogSettings {
  /** Segments past this size may be deleted, oldest first. */
  readonly retentionBytes?: number;
  /** A segment takes no batch past this size. */
  readonly segmentBytes?: number;
  /** A segment older than this is followed by a new one. */
  readonly segmentAgeMs?: number;
}

/** What a stream sets for its own logs. Read at each use: a change holds from then on. */
export interface LogOverrides {
  readonly retentionMs: number;
  /** Default "sync". */
  readonly durability?: Durability;
  readonly settings?: LogSettings;
}

/**
 * Opens the log in `folder`, recovering it. Makes a missing folder, its parents too, and resolves when they are
 * durable. Throws VoikError disk_full, storage_failed or storage_damaged.
 */
export type LogFactory = (folder: string, overrides: LogOverrides) => Promise<OpenLog>;
