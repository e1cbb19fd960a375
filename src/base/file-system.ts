/**
 * The seam to the disk. Everything voik keeps in its data folder goes through a FileSystem, so that tests can put
 * a seeded simulator with torn writes, lost folders and full disks behind it. disk.ts is the real one.
 *
 * Calls on the page cache (read, write, open) are synchronous and short. Everything that waits for the device
 * is a promise and runs off the event loop: `sync`, `syncFolder`. A failing call throws the system's error with
 * its `code` ("ENOSPC", "EIO", …); turning it into a VoikError is the caller's job.
 */

/** One open file. Positions and lengths are bytes. */
export interface OpenFile {
  readonly path: string;
  /** The descriptor, for sendfile(2); -1 where there is none (a simulated disk). */
  readonly fd: number;
  size(): number;
  /** Reads into the whole of `into` from `position`; returns the bytes read, short at the end of the file. */
  read(into: Uint8Array, position: number): number;
  /** Writes the whole of `bytes` at `position`; returns the bytes written, short when the disk is full. */
  write(bytes: Uint8Array, position: number): number;
  /** fdatasync(2), off the event loop. A rejection means that unsynced bytes may be gone for good. */
  sync(): Promise<void>;
  truncate(bytes: number): void;
  /**
   * Reserves blocks so that `bytes` can be written without ENOSPC, growing the file (fallocate, mode 0). The caller knows
   * that there are blocks up to `from`: tmpfs, for one, looks at every page again.
   */
  allocate(bytes: number, from?: number): void;
  /**
   * Maps the first `bytes` bytes, shared and writable: stores reach the file, and `sync` makes them durable. Touching
   * a mapped byte that the file does not have, or that the disk can't give, kills the process: allocate first, don't
   * truncate while mapped, ask `mappingRisk`. The file has to be open for writing.
   */
  map(bytes: number): Mapping;
  /** Drops clean cached pages, so that the next read comes from the device (posix_fadvise DONTNEED). */
  dropCache(): void;
  close(): void;
}

/** Bytes of a file in memory. */
export interface Mapping {
  readonly bytes: Buffer;
  /** Takes the mapping away, once. `bytes` and every view of it are empty from then on. */
  unmap(): void;
}

export type OpenMode = "create" | "write" | "read";

export interface FolderEntry {
  name: string;
  kind: "file" | "folder" | "other";
}

/** An exclusive hold on a folder, freed by `release` or by the end of the process. */
export interface FolderLock {
  release(): void;
}

export interface FileSystem {
  /** "create" makes a new file (an existing one is an error), "write" and "read" open one that exists. */
  open(path: string, mode: OpenMode): OpenFile;
  exists(path: string): boolean;
  size(path: string): number;
  list(folder: string): FolderEntry[];
  /** Makes the folder and its missing parents, mode 0700. */
  makeFolder(folder: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  removeFolder(folder: string): void;
  /** Makes the folder's entries durable (fsync on the folder), off the event loop. */
  syncFolder(folder: string): Promise<void>;
  /**
   * Why a store to a mapped file in `folder` could fail although its blocks were allocated; undefined when it can't.
   * A phrase that follows "because".
   */
  mappingRisk(folder: string): string | undefined;
  /** Takes an exclusive lock (flock) on a file, which then names this process; undefined when it is held. */
  lock(path: string): FolderLock | undefined;
  readText(path: string): string;
}

/** The file system that a data folder lies on, synced as a whole. */
export interface Volume {
  /**
   * Whether `sync` may be called. The first asking starts what it takes (a thread); until that runs, and for ever if
   * it can't, the answer is false.
   */
  prepare(): boolean;
  /**
   * Everything written to the file system by now is on its device when this resolves (syncfs(2)), off the event loop.
   * A rejection means that some of it may be gone for good.
   */
  sync(): Promise<void>;
  close(): void;
}
