/**
 * Reads what strace wrote of a server and keeps the books that a disk without mercy keeps: which bytes and which names
 * are not durable yet. At each answer to a client nothing may be left on them.
 *
 *   openat O_CREAT, mkdir, rename, unlink   a name in a folder is open    until fsync(folder) that began after it
 *   write, pwrite64, ftruncate, …           a file's bytes are open       until fdatasync(file) that began after it
 *   syncfs                                  closes everything that was open when it began
 *   sendto, write to a socket               an answer: a breach for each thing that is open
 *
 * ext4 and XFS forgive a missing folder sync most of the time; the books don't. Only good for one client that sends
 * one request at a time: with more, an answer may rightly go out while another request's bytes are open.
 */
import { dirname } from "node:path";
import { momentsIn, pathsIn, resultOf, targetOf, type TracedCall } from "./strace-log.ts";

/** What to trace: strace -f -yy -e trace=… */
export const LEDGER_CALLS = [
  ...["openat", "open", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2"],
  ...["unlink", "unlinkat", "rmdir"],
  ...["write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate"],
  ...["fsync", "fdatasync", "syncfs", "sendto", "sendmsg"],
];

export class SyncLedger {
  /** One sentence for each thing that was open at an answer. */
  readonly breaches = new Set<string>();
  answers = 0;
  /** What is not durable yet, by its name, with its place in the order in which things were opened. */
  private readonly open = new Map<string, { path: string; bytes: boolean; order: number }>();
  private order = 0;
  private readonly known = new Set<string>();
  /** How many things had been opened when a call began. */
  private readonly startedAt = new WeakMap<TracedCall, number>();

  /** `isHint` says of which files neither bytes nor names matter. */
  constructor(
    private readonly folder: string,
    private readonly isHint: (path: string) => boolean,
  ) {}

  read(log: string): void {
    for (const { call, kind } of momentsIn(log)) {
      if (kind === "begins") this.begin(call);
      else this.finish(call);
    }
  }

  /** What counts from the first moment on: bytes are open, an answer may be under way to the client. */
  private begin(call: TracedCall): void {
    const { name } = call;
    this.startedAt.set(call, this.order);
    const target = targetOf(call);
    if (/^(write|writev|sendto|sendmsg)$/.test(name) && /^(TCP|socket)/.test(target)) {
      this.answers++;
      for (const thing of this.open.keys())
        this.breaches.add(`${thing} was not durable when a client was answered`);
    }
    if (/^(p?write|ftruncate|fallocate)/.test(name)) this.add(target, true);
  }

  private finish(call: TracedCall): void {
    if (resultOf(call) < 0) return;
    const { name, args } = call;
    const startedAt = this.startedAt.get(call) ?? 0;
    const target = targetOf(call);
    const [path = "", to = ""] = pathsIn(call);
    if (name === "syncfs") this.close(startedAt, () => true);
    if (name === "fdatasync" || name === "fsync")
      this.close(startedAt, (path, bytes) => (bytes ? path : dirname(path)) === target);
    if (name.startsWith("open") && args.includes("O_CREAT") && !this.known.has(path)) this.add(path, false);
    if (name.startsWith("mkdir")) this.add(path, false);
    if (name.startsWith("unlink") || name === "rmdir") this.remove(path);
    if (name.startsWith("rename")) this.rename(path, to);
  }

  private add(path: string, bytes: boolean): void {
    const inside = path === this.folder || path.startsWith(`${this.folder}/`);
    if (!inside || this.isHint(path)) return;
    this.known.add(path);
    this.open.set(nameOf(path, bytes), { path, bytes, order: ++this.order });
  }

  /** What is gone has no bytes to lose, nor, if it was a folder, names. */
  private remove(path: string): void {
    for (const [name, thing] of this.open)
      if (thing.path === path || thing.path.startsWith(`${path}/`)) this.open.delete(name);
    this.known.delete(path);
    this.add(path, false);
  }

  private rename(from: string, to: string): void {
    if (this.open.delete(nameOf(from, true))) this.add(to, true);
    this.add(from, false);
    this.add(to, false);
  }

  /** A sync that began at `startedAt` has ended; it covers a file's bytes, a folder's names, or everything. */
  private close(startedAt: number, covers: (path: string, bytes: boolean) => boolean): void {
    for (const [name, { path, bytes, order }] of this.open)
      if (order <= startedAt && covers(path, bytes)) this.open.delete(name);
  }
}

function nameOf(path: string, bytes: boolean): string {
  return `${bytes ? "the bytes of" : "the name of"} ${path}`;
}
