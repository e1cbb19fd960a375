/**
 * A disk in memory behind the FileSystem seam, with everything that a disk may do to a process: lose what was not
 * synced, fill up, answer EIO, flip bits. Also where a process dies: before any call, or in the middle of a write.
 *
 * A process reaches it through its FileSystem (sim-process-disk.ts); when it is dead each of its calls throws Killed.
 * Syncs are answered when the scheduler says so.
 */
import { basename, dirname } from "node:path";
import type { FolderEntry } from "../../src/base/file-system.ts";
import { type Faults, NO_FAULTS, systemError } from "./sim-faults.ts";
import { SimFolder } from "./sim-folder.ts";
import type { SimNode } from "./sim-folder.ts";
import { SimInode } from "./sim-inode.ts";
import type { CrashMode } from "./sim-inode.ts";
import type { SimRandom } from "./sim-random.ts";
import type { SimScheduler } from "./sim-scheduler.ts";

/** Thrown by every call of a process that is dead. */
export class Killed extends Error {
  override name = "Killed";
}

export class SimDisk {
  faults: Faults = { ...NO_FAULTS };
  /** Faults that were answered so far, by kind. */
  readonly fired = { full: 0, read: 0, sync: 0, change: 0, flip: 0 };
  /** Paths of files that the living process holds open, by descriptor. */
  readonly open = new Map<number, { path: string; inode: SimInode }>();
  /** Calls until the process dies; undefined: it lives on. */
  callsToLive: number | undefined;
  /** Calls until one fails; 0 when it has. */
  failCallIn: number | undefined;
  private root = new SimFolder();
  private folders = new Map<string, SimFolder>();
  private process = 0;
  private nextFd = 1000;

  constructor(
    private readonly random: SimRandom,
    private readonly scheduler: SimScheduler,
    private readonly trace: (line: string) => void,
  ) {}

  get dead(): boolean {
    return this.callsToLive === 0;
  }

  /** Another process has the disk as it is: the one before it is dead. Returns its number. */
  newProcess(): number {
    this.callsToLive = undefined;
    return ++this.process;
  }

  /** kill -9: the page cache stays. */
  kill(): void {
    this.callsToLive = 0;
    this.scheduler.clear();
    this.open.clear();
    this.root.unmap();
  }

  /** The power goes: only what reached the device stays. */
  powerCut(): void {
    this.kill();
    const mode: CrashMode = this.random.pick(["all", "none", "moment", "mixed", "mixed"]);
    this.trace(`power cut, unsynced changes: ${mode}`);
    this.folders.clear();
    this.root.powerCut(this.random, mode);
  }

  /** Makes a folder, and those above it, that survive everything. */
  makeDurable(path: string): void {
    let folder = this.root;
    for (const name of path.split("/").filter(Boolean)) {
      const below = new SimFolder();
      folder.make(name, below);
      folder.endSync(folder.beginSync());
      folder = below;
    }
  }

  /** Whether `bytes` at `position` of an open file would be there, in a log, after any power cut. */
  holdsDurably(fd: number, bytes: Buffer, position: number): boolean {
    const file = this.open.get(fd);
    if (!file?.inode.holdsDurably(bytes, position)) return false;
    return this.durableEntries(dirname(file.path)).some(
      ([name, node]) => node === file.inode && /\.log(\.pending)?$/.test(name),
    );
  }

  /** The files of a folder that would be there after any power cut. */
  durableFiles(folder: string): SimInode[] {
    return this.durableEntries(folder)
      .map(([, node]) => node)
      .filter((node) => node instanceof SimInode);
  }

  private durableEntries(path: string): [string, SimNode][] {
    let node: SimNode | undefined = this.root;
    for (const name of path.split("/").filter(Boolean))
      node = node instanceof SimFolder ? node.durableEntries().get(name) : undefined;
    return node instanceof SimFolder ? [...node.durableEntries()] : [];
  }

  /** Names and contents of a folder's files, as processes see them. */
  snapshot(path: string, names: RegExp): Map<string, string> {
    const files = [...this.folderAt(path).entries].filter(([name]) => names.test(name));
    return new Map(
      files
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, node]) => [name, node instanceof SimInode ? node.content().toString("base64") : ""]),
    );
  }

  /** Counts one call of the process numbered `process`; throws Killed when it is dead or dies now. */
  enter(process: number, call: string): void {
    if (process !== this.process || this.dead) throw new Killed("the process is dead");
    if (this.callsToLive !== undefined && --this.callsToLive === 0) {
      this.trace(`killed before ${call}`);
      throw new Killed("the process dies");
    }
    this.trace(`  ${call}`);
  }

  folderAt(path: string): SimFolder {
    const known = this.folders.get(path);
    if (known) return known;
    if (path === "/") return this.root;
    const node = this.folderAt(dirname(path)).entries.get(basename(path));
    if (!(node instanceof SimFolder)) throw systemError("ENOENT", path);
    this.folders.set(path, node);
    return node;
  }

  fileAt(path: string): SimInode {
    const node = this.folderAt(dirname(path)).entries.get(basename(path));
    if (!(node instanceof SimInode)) throw systemError("ENOENT", path);
    return node;
  }

  /** Notes that the living process opens `inode`; returns the descriptor. */
  opened(path: string, inode: SimInode): number {
    this.open.set(this.nextFd, { path, inode });
    return this.nextFd++;
  }

  failChange(path: string): void {
    if (!this.strikes(this.faults.changeErrorOneIn)) return;
    this.fired.change++;
    throw systemError("EIO", path);
  }

  failWhenFull(path: string, always: boolean): void {
    if (!this.faults.full || (!always && this.random.oneIn(2))) return;
    this.fired.full++;
    throw systemError("ENOSPC", path);
  }

  read(inode: SimInode, into: Uint8Array, position: number, path: string): number {
    if (this.strikes(this.faults.readErrorOneIn)) {
      this.fired.read++;
      throw systemError("EIO", path);
    }
    const count = inode.read(into, position);
    if (count > 0 && this.chance(this.faults.flipOneIn)) {
      this.fired.flip++;
      const at = this.random.below(count);
      into[at] = (into[at] as number) ^ (1 << this.random.below(8));
    }
    return count;
  }

  /** A full disk takes what fits, then answers ENOSPC; a process that dies has written a part. */
  write(process: number, inode: SimInode, bytes: Uint8Array, position: number, path: string): number {
    try {
      this.enter(process, `write ${path} ${bytes.length} bytes at ${position}`);
    } catch (error) {
      if (process === this.process && this.random.oneIn(2)) {
        inode.write(bytes.subarray(0, this.random.below(bytes.length + 1)), position);
      }
      throw error;
    }
    let count = bytes.length;
    const growth = Math.max(0, position + count - inode.size);
    if (this.faults.full && growth > 0) {
      const fits = Math.min(growth, this.faults.roomBytes);
      this.faults.roomBytes -= fits;
      count -= growth - fits;
      if (fits < growth) this.fired.full++;
      if (count <= 0) throw systemError("ENOSPC", path);
    }
    inode.write(bytes.subarray(0, count), position);
    return count;
  }

  /** Answers a sync of `node` later. */
  sync(process: number, node: SimNode, path: string): Promise<void> {
    const moment = node.beginSync();
    return new Promise((resolve, reject) => {
      this.scheduler.later(`sync ${path}`, () => {
        if (process !== this.process || this.dead) return;
        if (!this.strikes(this.faults.syncErrorOneIn)) {
          node.endSync(moment);
          return resolve();
        }
        this.fired.sync++;
        if (node instanceof SimInode) node.failSync(moment, this.random, this.random.oneIn(2));
        reject(systemError("EIO", path));
      });
    });
  }

  /** In an order of its own: folders are not sorted. */
  entries(path: string): FolderEntry[] {
    const entries = [...this.folderAt(path).entries].map(([name, node]): FolderEntry => ({
      name,
      kind: node instanceof SimInode ? "file" : "folder",
    }));
    const turn = this.random.below(entries.length + 1);
    return [...entries.slice(turn), ...entries.slice(0, turn)];
  }

  forgetFolders(): void {
    this.folders.clear();
  }

  private strikes(oneIn: number): boolean {
    if (this.failCallIn && --this.failCallIn === 0) return true;
    return this.chance(oneIn);
  }

  private chance(oneIn: number): boolean {
    return oneIn > 0 && this.random.oneIn(oneIn);
  }
}
