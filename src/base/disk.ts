/** The real disk behind the FileSystem seam: node:fs for the calls it has, libc.ts for fallocate, fadvise and flock. */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { FileSystem, FolderEntry, FolderLock, Mapping, OpenFile, OpenMode } from "./file-system.ts";
import { dropCachedPages, fallocate, mmap, tryLock } from "./libc.ts";
import { closeAndRefill, withSpares } from "./spare-descriptors.ts";

const OPEN_FLAGS: Record<OpenMode, number> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
  write: constants.O_RDWR | constants.O_NOFOLLOW,
  read: constants.O_RDONLY | constants.O_NOFOLLOW,
};

/**
 * File systems (statfs f_type) that write reserved blocks where they are. Those that copy on write, compress, or live
 * elsewhere (btrfs, ZFS, overlay, network) may need new space for a store to a mapped page, and then have none.
 */
const OVERWRITES_IN_PLACE = new Set([
  0xef53, // ext4
  0x58465342, // XFS
  0x01021994, // tmpfs
]);

class DiskFile implements OpenFile {
  constructor(
    readonly path: string,
    readonly fd: number,
  ) {}

  size(): number {
    return fstatSync(this.fd).size;
  }

  read(into: Uint8Array, position: number): number {
    let done = 0;
    while (done < into.length) {
      const count = readSync(this.fd, into, done, into.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(bytes: Uint8Array, position: number): number {
    let done = 0;
    while (done < bytes.length) {
      // A full disk shows first as a short write, then as ENOSPC: the caller sees the short count and decides.
      try {
        const count = writeSync(this.fd, bytes, done, bytes.length - done, position + done);
        if (count === 0) break;
        done += count;
      } catch (error) {
        if (done > 0) break;
        throw error;
      }
    }
    return done;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  truncate(bytes: number): void {
    ftruncateSync(this.fd, bytes);
  }

  allocate(bytes: number, from = 0): void {
    if (fallocate) fallocate(this.fd, from, bytes, this.path);
    else if (this.size() < bytes) ftruncateSync(this.fd, bytes);
  }

  map(bytes: number): Mapping {
    if (!mmap) throw new Error(`files can't be mapped on ${process.platform}`);
    return mmap(this.fd, bytes, this.path);
  }

  dropCache(): void {
    dropCachedPages(this.fd);
  }

  close(): void {
    closeAndRefill(this.fd);
  }
}

/** Bytes that this process can still write to the file system of `folder`. */
export function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Size of the file system that `folder` lies on, and what of it can be used. */
export function volumeSizesOf(folder: string): { totalBytes: number; usableBytes: number } {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
}

/** The machine's own disk. */
export const disk: FileSystem = {
  open: (path, mode) =>
    new DiskFile(
      path,
      withSpares(() => openSync(path, OPEN_FLAGS[mode], 0o600)),
    ),
  exists: (path) => existsSync(path),
  size: (path) => statSync(path).size,
  list: (folder) =>
    withSpares(() => readdirSync(folder, { withFileTypes: true })).map((entry): FolderEntry => ({
      name: entry.name,
      kind: entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other",
    })),
  makeFolder: (folder) => void mkdirSync(folder, { recursive: true, mode: 0o700 }),
  rename: renameSync,
  remove: unlinkSync,
  removeFolder: (folder) => rmSync(folder, { recursive: true, force: true }),
  syncFolder(folder) {
    return new Promise((resolve, reject) => {
      const fd = withSpares(() => openSync(folder, constants.O_RDONLY));
      fsync(fd, (error) => {
        closeAndRefill(fd);
        if (error) reject(error);
        else resolve();
      });
    });
  },
  mappingRisk(folder) {
    if (!mmap) return `voik maps files on Linux only, and this is ${process.platform}`;
    const type = statfsSync(folder).type >>> 0;
    if (OVERWRITES_IN_PLACE.has(type)) return undefined;
    return `a file system of type 0x${type.toString(16)} can run out of space where space was reserved`;
  },
  lock(path): FolderLock | undefined {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (!tryLock(fd)) {
      closeSync(fd);
      return undefined;
    }
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid}\n`, 0);
    return { release: () => closeSync(fd) };
  },
  readText: (path) => readFileSync(path, "utf8"),
};
