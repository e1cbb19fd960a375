/** What a data folder's logs are synced with, as `--sync` says and the system allows. */
import type { Clock } from "../base/clock.ts";
import type { FileSystem, Volume } from "../base/file-system.ts";
import type { Logger } from "../base/logger.ts";
import { type GroupCommitOptions, TOGETHER_FROM } from "./group-commit.ts";
import { Journal } from "./journal.ts";
import { storageError } from "./log-file.ts";

export interface SyncPartsOptions {
  /** "file": each log's file; "filesystem": all of it, always; "auto": what is quicker, the journal too. */
  kind: "auto" | "file" | "filesystem";
  dataDir: string;
  /** Its file system, to be synced as a whole; undefined when it can't be. */
  volume: Volume | undefined;
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
}

export interface SyncParts {
  /** For the sync scheduler. */
  sync: Pick<GroupCommitOptions, "volume" | "journal" | "togetherFrom">;
  /** With what an earlier process left in it, whatever `kind` is. */
  journal: Journal;
}

/** Throws VoikError storage_failed when the journal can't be read. */
export function openSyncParts(options: SyncPartsOptions): SyncParts {
  const { kind, dataDir, volume, fileSystem, clock, logger } = options;
  let journal: Journal;
  try {
    const onUnusable = (reason: string) =>
      logger.warn("busy logs are synced without the journal", { reason });
    journal = Journal.open({ fileSystem, clock, root: dataDir, onUnusable });
  } catch (error) {
    throw storageError(error, "reading the journal");
  }
  return {
    sync: {
      volume,
      journal: kind === "auto" ? journal : undefined,
      togetherFrom: kind === "filesystem" ? 1 : TOGETHER_FROM,
    },
    journal,
  };
}
