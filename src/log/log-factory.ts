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

/** What a stream sets for its own logs. */
export interface LogOverrides {
  retentionMs: number;
}

/**
 * Opens the log in `folder`, recovering it. Makes a missing folder, its parents too, and resolves when they are
 * durable. Throws VoikError disk_full, storage_failed or storage_damaged.
 */
export type LogFactory = (folder: string, overrides: LogOverrides) => Promise<OpenLog>;
