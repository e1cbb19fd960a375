/** The data folder as a whole: made durably, and held by one process at a time through flock(2) on voik.lock. */
import { dirname, join, resolve } from "node:path";
import { VoikError } from "./errors.ts";
import type { FileSystem, FolderLock } from "./file-system.ts";

/** What to do other than to stop the process that holds the folder, or to mend the folder. */
export interface LockHints {
  inUse: string;
  broken?: string;
}

/** Makes the folder and locks it. Throws VoikError folder_in_use, or storage_failed when it can't be used. */
export async function takeDataFolder(
  dataDir: string,
  fileSystem: FileSystem,
  hints: LockHints,
): Promise<FolderLock> {
  try {
    await makeDataFolder(dataDir, fileSystem);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  return lockDataFolder(dataDir, fileSystem, hints);
}

/** Makes the folder and its missing parents, names and all durable before anything is kept in it. */
async function makeDataFolder(dataDir: string, fileSystem: FileSystem): Promise<void> {
  if (fileSystem.exists(join(dataDir, "voik.db"))) return;
  const made = [resolve(dataDir)];
  for (let parent = dirname(made[0] as string); !fileSystem.exists(parent); parent = dirname(parent))
    made.push(parent);
  fileSystem.makeFolder(dataDir);
  for (const folder of made) await fileSystem.syncFolder(dirname(folder));
}

/** Locks a data folder that is there. Throws VoikError folder_in_use, or storage_failed when it can't be used. */
export function lockDataFolder(dataDir: string, fileSystem: FileSystem, hints: LockHints): FolderLock {
  const path = join(dataDir, "voik.lock");
  let lock: FolderLock | undefined;
  try {
    lock = fileSystem.lock(path);
  } catch (error) {
    throw unusable(dataDir, error, hints.broken);
  }
  if (lock) return lock;
  const holder = fileSystem.readText(path).trim();
  throw new VoikError(
    "folder_in_use",
    `data folder ${dataDir} is in use by process ${holder}: stop it, or ${hints.inUse}`,
  );
}

/** The failure of a folder that can't be made or locked. */
function unusable(dataDir: string, error: unknown, hint?: string): VoikError {
  const reason = error instanceof Error ? error.message : String(error);
  const behind = hint === undefined ? "" : ` (${hint})`;
  return new VoikError("storage_failed", `data folder ${dataDir} can't be used: ${reason}${behind}`, {
    cause: error,
  });
}
