/**
 * The disk that a traced process wrote to, without mercy: fed with the system calls of a trace it knows at each moment
 * what a power cut may leave, by the rules of the simulated disk (test/sim): sectors of unsynced writes each kept, lost
 * or torn on their own, names that no sync of their folder covers kept or lost, each on its own. A real file system
 * leaves a few of these states only.
 *
 *   const disk = TracedDisk.of(folder, { before });        `before`: what was in it when the process began, all durable
 *   for (const moment of momentsIn(log)) disk.take(moment);
 *   disk.writeTo(other, random, "mixed");                  one of the states that a cut may leave now
 *
 * Stores to mapped files are no system calls and are not seen: what is mapped (SQLite's -shm) is left out, and logs have
 * to be written by --log-io=file.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { batchBytesOf } from "../../src/log/record-batch.ts";
import { SimFolder, type SimNode } from "../sim/sim-folder.ts";
import { type CrashMode, SimInode } from "../sim/sim-inode.ts";
import type { SimRandom } from "../sim/sim-random.ts";
import {
  bytesOf,
  type Moment,
  numbersIn,
  pathsIn,
  resultOf,
  targetOf,
  type TracedCall,
} from "./strace-log.ts";

/** What to trace, besides what the test itself wants to see. */
export const DISK_CALLS = [
  ...["openat", "open", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2"],
  ...["unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat"],
  ...["write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range"],
  ...["ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "syncfs"],
];

/** Shared memory of SQLite is made anew by the first who opens a database; the lock and the socket are a process's. */
const LEFT_OUT = /(-shm|voik\.lock|\.sock)$/;
/** Of a file of zeros, such as the journal's, so many bytes are kept in memory behind the last one that is not. */
const ZEROS_KEPT_BYTES = 8 << 20;

/** Calls that have no effect although they were answered: a broken disk, to be found out. */
export interface Lies {
  /** Syncs of this file or folder, alone or with the whole file system. */
  sync?(path: string): boolean;
  write?(call: TracedCall): boolean;
}

export class TracedDisk {
  private readonly root = new SimFolder();
  /** Sizes of files that end in many zeros, of which some are not kept in memory. */
  private readonly padded = new Map<SimInode, number>();
  /** What the syncs that are under way will have covered. */
  private readonly syncs = new Map<TracedCall, [SimNode, number][]>();

  private constructor(
    private readonly folder: string,
    private readonly lies: Lies,
  ) {}

  /** `folder` is what the process called it, `before` a copy from before it began. */
  static of(folder: string, { before, lies = {} }: { before: string; lies?: Lies }): TracedDisk {
    const disk = new TracedDisk(folder, lies);
    disk.load(disk.root, before);
    return disk;
  }

  take({ call, kind }: Moment): void {
    if (this.lies.write?.(call)) return;
    if (kind === "begins") {
      const nodes = this.nodesSyncedBy(call);
      if (nodes.length > 0) this.syncs.set(call, nodes);
    } else if (resultOf(call) >= 0) {
      for (const [node, moment] of this.syncs.get(call) ?? []) node.endSync(moment);
      this.syncs.delete(call);
      if (/^(open|creat)/.test(call.name)) this.open(call);
      else if (/^p?write/.test(call.name)) this.write(call);
      else if (call.name === "ftruncate") this.fileOf(call)?.resize(numbersIn(call)[0] as number);
      else if (call.name === "fallocate") this.allocate(call);
      else this.changeNames(call);
    }
  }

  /** Makes `target` what a power cut may leave now. */
  writeTo(target: string, random: SimRandom, mode: CrashMode): void {
    const write = (folder: SimFolder, path: string) => {
      mkdirSync(path, { mode: 0o700 });
      for (const [name, node] of folder.leftByPowerCut(random, mode)) {
        if (node instanceof SimFolder) write(node, join(path, name));
        else this.writeFile(join(path, name), node, node.leftByPowerCut(random, mode));
      }
    };
    write(this.root, target);
  }

  /** Whether the batches in `bytes` bytes of a log outlive any power cut: there, by that name, or in the journal. */
  isDurable(path: string, position: number, bytes: number): boolean {
    const inode = this.nodeAt(path);
    if (!(inode instanceof SimInode)) return false;
    const sent = inode.content().subarray(position, position + bytes);
    const named = this.durableNode(path) === inode;
    const journal = [0, 1].map((number) => this.durableNode(join(this.folder, "journal", String(number))));
    for (let at = 0; at < sent.length; at += batchBytesOf(sent, at)) {
      const batch = sent.subarray(at, at + batchBytesOf(sent, at));
      if (named && inode.holdsDurably(batch, position + at)) continue;
      if (!journal.some((file) => file instanceof SimInode && file.durablyIncludes(batch))) return false;
    }
    return sent.length === bytes;
  }

  /** What a path means after any power cut. */
  private durableNode(path: string): SimNode | undefined {
    let node: SimNode | undefined = this.root;
    for (const name of relative(this.folder, path).split("/"))
      node = node instanceof SimFolder ? node.durableEntries().get(name) : undefined;
    return node;
  }

  private load(folder: SimFolder, path: string): void {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const from = join(path, entry.name);
      if (LEFT_OUT.test(entry.name)) continue;
      const node = entry.isDirectory() ? new SimFolder() : new SimInode();
      folder.make(entry.name, node);
      if (node instanceof SimFolder) this.load(node, from);
      else this.fill(node, readFileSync(from));
    }
    folder.endSync(folder.beginSync());
  }

  private fill(inode: SimInode, bytes: Buffer): void {
    const kept = Math.min(bytes.length, endOfContent(bytes) + ZEROS_KEPT_BYTES);
    if (kept < bytes.length) this.padded.set(inode, bytes.length);
    inode.write(bytes.subarray(0, kept), 0);
    inode.endSync(inode.beginSync());
  }

  private writeFile(path: string, inode: SimInode, bytes: Buffer): void {
    const fd = openSync(path, "wx", 0o600);
    writeSync(fd, bytes, 0, endOfContent(bytes), 0);
    ftruncateSync(fd, this.padded.get(inode) ?? bytes.length);
    closeSync(fd);
  }

  /** What a call syncs, and up to which change. */
  private nodesSyncedBy(call: TracedCall): [SimNode, number][] {
    const target = targetOf(call);
    const node = this.nodeAt(target);
    let covered: Iterable<[string, SimNode]> = [];
    if (call.name === "syncfs") covered = everythingIn(this.folder, this.root);
    else if (/^(fsync|fdatasync)$/.test(call.name) && node) covered = [[target, node]];
    return [...covered]
      .filter(([path]) => !this.lies.sync?.(path))
      .map(([, node]) => [node, node.beginSync()]);
  }

  private open(call: TracedCall): void {
    const [path = ""] = pathsIn(call);
    const folder = this.folderOf(path);
    if (!folder) return;
    if (call.args.includes("O_CREAT") && !folder.entries.has(basename(path)))
      folder.make(basename(path), new SimInode());
    const node = folder.entries.get(basename(path));
    if (call.args.includes("O_TRUNC") && node instanceof SimInode) node.resize(0);
  }

  private write(call: TracedCall): void {
    const inode = this.fileOf(call);
    if (!inode) return;
    if (!/^pwrite/.test(call.name)) throw new Error(`${targetOf(call)} is written by ${call.name}: where?`);
    const position = numbersIn(call).at(-1) as number;
    const bytes = bytesOf(call).subarray(0, resultOf(call));
    if (this.padded.has(inode) && position + bytes.length > inode.size)
      throw new Error(`${targetOf(call)} was filled further than is kept of its zeros`);
    inode.write(bytes, position);
  }

  private allocate(call: TracedCall): void {
    const inode = this.fileOf(call);
    const [mode, offset = 0, bytes = 0] = numbersIn(call);
    if (!inode) return;
    if (mode !== 0) throw new Error(`fallocate with mode ${mode}`);
    if (offset + bytes > inode.size) inode.resize(offset + bytes);
  }

  private changeNames(call: TracedCall): void {
    const [path = "", to = ""] = pathsIn(call);
    const folder = this.folderOf(path);
    if (!folder || /sync/.test(call.name)) return;
    const node = folder.entries.get(basename(path));
    if (call.name.startsWith("mkdir")) return folder.make(basename(path), new SimFolder());
    if (!node) throw new Error(`${call.name}: the trace does not say where ${path} came from`);
    if (/^(unlink|rmdir)/.test(call.name)) return folder.remove(node, basename(path));
    if (!call.name.startsWith("rename") || dirname(to) !== dirname(path))
      throw new Error(`${call.name} is not known here: ${call.args}`);
    folder.rename(node, basename(path), basename(to));
  }

  private fileOf(call: TracedCall): SimInode | undefined {
    const node = this.nodeAt(targetOf(call));
    return node instanceof SimInode ? node : undefined;
  }

  private nodeAt(path: string): SimNode | undefined {
    if (path === this.folder) return this.root;
    return this.folderOf(path)?.entries.get(basename(path));
  }

  /** The folder that `path` lies in; undefined outside of ours, and for what is left out. */
  private folderOf(path: string): SimFolder | undefined {
    if (!path.startsWith(`${this.folder}/`) || LEFT_OUT.test(path)) return undefined;
    const folder = this.nodeAt(dirname(path));
    return folder instanceof SimFolder ? folder : undefined;
  }
}

/** A folder and what is in it, by path. */
function* everythingIn(path: string, folder: SimFolder): Iterable<[string, SimNode]> {
  yield [path, folder];
  for (const [name, node] of folder.entries) {
    if (node instanceof SimFolder) yield* everythingIn(join(path, name), node);
    else yield [join(path, name), node];
  }
}

const ZEROS = Buffer.alloc(64 << 10);

/** Where the zeros begin that `bytes` end with. */
function endOfContent(bytes: Buffer): number {
  let end = bytes.length;
  while (end >= ZEROS.length && bytes.subarray(end - ZEROS.length, end).equals(ZEROS)) end -= ZEROS.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
