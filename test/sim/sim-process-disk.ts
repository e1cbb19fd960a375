/**
 * The simulated disk as one process sees it: the FileSystem that the code under test is given, and its open files. Each
 * call may be the one before which the process dies, or the one that fails.
 */
import { basename, dirname } from "node:path";
import type { FileSystem, FolderEntry, Mapping, OpenFile, OpenMode } from "../../src/base/file-system.ts";
import type { SimDisk } from "./sim-disk.ts";
import { systemError } from "./sim-faults.ts";
import { SimFolder } from "./sim-folder.ts";
import { SimInode } from "./sim-inode.ts";

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
export class ProcessDisk implements FileSystem {
  private readonly process: number;

  /** The disk as it is, for a new process; the one before it is dead. */
  constructor(private readonly disk: SimDisk) {
    this.process = disk.newProcess();
  }

  open(path: string, mode: OpenMode): OpenFile {
    this.enter(`open ${path} to ${mode}`);
    this.disk.failChange(path);
    if (mode !== "create") return this.file(path, this.disk.fileAt(path), mode);
    const folder = this.disk.folderAt(dirname(path));
    if (folder.entries.has(basename(path))) throw systemError("EEXIST", path);
    this.disk.failWhenFull(path, false);
    const inode = new SimInode();
    folder.make(basename(path), inode);
    return this.file(path, inode, mode);
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

  private file(path: string, inode: SimInode, mode: OpenMode): OpenFile {
    const fd = this.disk.opened(path, inode);
    return new SimFile(this.disk, this.process, path, fd, inode, mode !== "read");
  }

  private enter(call: string): void {
    this.disk.enter(this.process, call);
  }
}
