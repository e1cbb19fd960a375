/**
 * A disk in memory behind the FileSystem seam, with everything that a disk may do to a process: lose what was not
 * synced, fill up, answer EIO, flip bits. Also where a process dies: before any call, or in the middle of a write.
 *
 * `boot` gives a FileSystem to a new process; the one before it is dead and each of its calls throws Killed.
 * Syncs are answered when the scheduler says so.
 */
import { basename, dirname } from "node:path";
import type { FileSystem, FolderEntry, Mapping, OpenFile, OpenMode } from "../../src/base/file-system.ts";
import { type Faults, NO_FAULTS } from "./sim-faults.ts";
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

  /** A new process with the disk as it is. */
  boot(): FileSystem {
    this.process++;
    this.callsToLive = undefined;
    return new ProcessDisk(this, this.process);
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

  /** Makes a folder that survives everything. */
  makeDurable(path: string): void {
    this.boot().makeFolder(path);
    for (let at = path; ; at = dirname(at)) {
      const folder = this.folderAt(at);
      folder.endSync(folder.beginSync());
      if (at === "/") return;
    }
  }

  /** Whether `bytes` at `position` of an open file would be there, in a log, after any power cut. */
  holdsDurably(fd: number, bytes: Buffer, position: number): boolean {
    const file = this.open.get(fd);
    if (!file?.inode.holdsDurably(bytes, position)) return false;
    let folder: SimNode | undefined = this.root;
    for (const name of dirname(file.path).split("/").filter(Boolean)) {
      folder = folder instanceof SimFolder ? folder.durableEntries().get(name) : undefined;
    }
    const names = folder instanceof SimFolder ? [...folder.durableEntries()] : [];
    return names.some(([name, node]) => node === file.inode && /\.log(\.pending)?$/.test(name));
  }

  /** The files of a folder that would be there after any power cut. */
  durableFiles(folder: string): SimInode[] {
    let node: SimNode | undefined = this.root;
    for (const name of folder.split("/").filter(Boolean))
      node = node instanceof SimFolder ? node.durableEntries().get(name) : undefined;
    const entries = node instanceof SimFolder ? [...node.durableEntries().values()] : [];
    return entries.filter((file) => file instanceof SimInode);
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

  openFile(process: number, path: string, inode: SimInode, mode: OpenMode): OpenFile {
    const fd = this.nextFd++;
    this.open.set(fd, { path, inode });
    return new SimFile(this, process, path, fd, inode, mode !== "read");
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

class SimFile implements OpenFile {
  constructor(
    private readonly disk: SimDisk,
    private readonly process: number,
    readonly path: string,
    readonly fd: number,
    private readonly inode: SimInode,
    private readonly writable: boolean,
  ) {}

  size(): number {
    this.enter("fstat");
    return this.inode.size;
  }

  read(into: Uint8Array, position: number): number {
    this.enter("read");
    return this.disk.read(this.inode, into, position, this.path);
  }

  write(bytes: Uint8Array, position: number): number {
    this.checkWritable();
    return this.disk.write(this.process, this.inode, bytes, position, this.path);
  }

  sync(): Promise<void> {
    this.enter("fdatasync");
    return this.disk.sync(this.process, this.inode, this.path);
  }

  truncate(bytes: number): void {
    this.enter("ftruncate");
    this.checkWritable();
    this.disk.failChange(this.path);
    this.inode.resize(bytes);
  }

  allocate(bytes: number): void {
    this.enter("fallocate");
    this.checkWritable();
    if (bytes <= this.inode.size) return;
    this.disk.failWhenFull(this.path, true);
    this.inode.resize(bytes);
  }

  map(bytes: number): Mapping {
    this.enter("mmap");
    this.checkWritable();
    this.disk.failChange(this.path);
    return { bytes: this.inode.map().subarray(0, bytes), unmap: () => this.inode.unmap() };
  }

  dropCache(): void {
    this.enter("fadvise");
    this.inode.dropCache();
  }

  close(): void {
    this.enter("close");
    if (!this.disk.open.delete(this.fd)) throw systemError("EBADF", this.path);
  }

  private enter(call: string): void {
    this.disk.enter(this.process, `${call} ${this.path}`);
    if (!this.disk.open.has(this.fd)) throw systemError("EBADF", this.path);
  }

  private checkWritable(): void {
    if (!this.writable) throw systemError("EBADF", this.path);
  }
}

/** The disk, as one process sees it. */
class ProcessDisk implements FileSystem {
  constructor(
    private readonly disk: SimDisk,
    private readonly process: number,
  ) {}

  open(path: string, mode: OpenMode): OpenFile {
    this.enter(`open ${path} to ${mode}`);
    this.disk.failChange(path);
    if (mode !== "create") return this.disk.openFile(this.process, path, this.disk.fileAt(path), mode);
    const folder = this.disk.folderAt(dirname(path));
    if (folder.entries.has(basename(path))) throw systemError("EEXIST", path);
    this.disk.failWhenFull(path, false);
    const inode = new SimInode();
    folder.make(basename(path), inode);
    return this.disk.openFile(this.process, path, inode, mode);
  }

  exists(path: string): boolean {
    this.enter(`exists ${path}`);
    try {
      return path === "/" || this.disk.folderAt(dirname(path)).entries.has(basename(path));
    } catch {
      return false;
    }
  }

  size(path: string): number {
    this.enter(`stat ${path}`);
    return this.disk.fileAt(path).size;
  }

  list(folder: string): FolderEntry[] {
    this.enter(`list ${folder}`);
    return this.disk.entries(folder);
  }

  makeFolder(path: string): void {
    this.enter(`mkdir ${path}`);
    if (path === "/" || this.exists(path)) return;
    this.makeFolder(dirname(path));
    this.disk.failChange(path);
    this.disk.failWhenFull(path, false);
    this.disk.folderAt(dirname(path)).make(basename(path), new SimFolder());
  }

  rename(from: string, to: string): void {
    this.enter(`rename ${from} to ${to}`);
    if (dirname(from) !== dirname(to)) throw new Error("the simulator renames within a folder");
    this.disk.failChange(from);
    const folder = this.disk.folderAt(dirname(from));
    const node = folder.entries.get(basename(from));
    if (!node) throw systemError("ENOENT", from);
    folder.rename(node, basename(from), basename(to));
  }

  remove(path: string): void {
    this.enter(`unlink ${path}`);
    this.disk.failChange(path);
    this.disk.folderAt(dirname(path)).remove(this.disk.fileAt(path), basename(path));
  }

  removeFolder(path: string): void {
    this.enter(`remove folder ${path}`);
    this.disk.folderAt(dirname(path)).remove(this.disk.folderAt(path), basename(path));
    this.disk.forgetFolders();
  }

  syncFolder(path: string): Promise<void> {
    this.enter(`fsync ${path}`);
    return this.disk.sync(this.process, this.disk.folderAt(path), path);
  }

  readonly mappingRisk = () => undefined;

  lock(): { release(): void } {
    return { release: () => {} };
  }

  readText(path: string): string {
    this.enter(`read ${path}`);
    return this.disk.fileAt(path).content().toString("utf8");
  }

  private enter(call: string): void {
    this.disk.enter(this.process, call);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
