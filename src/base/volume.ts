/**
 * The file system under the data folder, synced as a whole by syncfs(2) in a thread of its own. The thread is started
 * when it is first wanted: a broker with few busy logs never has one.
 *
 * A failed write-back is reported once to every descriptor that was open when it happened, so one on the data folder
 * is opened before anything is written and kept for as long as voik runs. That holds on Linux from 5.8 on, and on file
 * systems that write back pages of their own: on an overlay, say, syncfs returns 0 for data that is lost.
 */
import { closeSync, constants, existsSync, openSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { assert } from "./assert.ts";
import type { Volume } from "./file-system.ts";
import { syncFileSystem } from "./libc.ts";
import type { SyncReply, SyncRequest } from "./volume-thread.ts";

/** statfs(2)'s numbers of the file systems whose syncfs reports what it could not write. */
const FILE_SYSTEMS = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0xf2f52010, "f2fs"],
  [0x01021994, "tmpfs"],
]);
const KERNEL_MIN: readonly [number, number] = [5, 8];

/** Why `folders` can't be synced by one trustworthy syncfs, as a clause; undefined when they can. */
export function whyNoVolume(folders: readonly string[]): string | undefined {
  if (syncFileSystem === undefined) return `${process.platform} has no syncfs`;
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major < KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor < KERNEL_MIN[1])) {
    return `syncfs of Linux ${major}.${minor} hides failed writes (5.8 and newer report them)`;
  }
  const there = folders.filter((folder) => existsSync(folder));
  for (const folder of there) {
    const type = statfsSync(folder).type >>> 0;
    if (!FILE_SYSTEMS.has(type)) {
      const known = [...FILE_SYSTEMS.values()].join(", ");
      return `the file system of ${folder} (type 0x${type.toString(16)}) is none of ${known}`;
    }
  }
  const devices = new Set(there.map((folder) => statSync(folder).dev));
  return devices.size > 1 ? `${there.join(" and ")} lie on several file systems` : undefined;
}

/**
 * The file system of `folder`, which exists and for which `whyNoVolume` had nothing to say. `onUnusable` is told once,
 * with the reason, when the thread can't be started or ends by itself.
 */
export function openVolume(folder: string, onUnusable: (reason: string) => void): Volume {
  return new ThreadedVolume(folder, onUnusable);
}

class ThreadedVolume implements Volume {
  private readonly fd: number;
  private thread: Worker | undefined;
  private state: "idle" | "starting" | "ready" | "unusable" = "idle";
  private readonly waiting: PromiseWithResolvers<void>[] = [];

  constructor(
    private readonly folder: string,
    private readonly onUnusable: (reason: string) => void,
  ) {
    this.fd = openSync(folder, constants.O_RDONLY);
  }

  prepare(): boolean {
    if (this.state === "idle") this.start();
    return this.state === "ready";
  }

  sync(): Promise<void> {
    assert(this.state === "ready" && this.thread !== undefined, "a volume is synced once it is prepared");
    const reply = Promise.withResolvers<void>();
    this.waiting.push(reply);
    const request: SyncRequest = { fd: this.fd, path: this.folder };
    this.thread.postMessage(request);
    return reply.promise;
  }

  close(): void {
    this.end("it was closed");
    closeSync(this.fd);
  }

  private start(): void {
    this.state = "starting";
    // The bundler puts every entry point beside the executable's own (deploy/build.ts), so the name is enough there.
    const thread = new Worker(new URL("./volume-thread.ts", import.meta.url), { name: "syncfs", smol: true });
    const lost = (reason: string) => {
      if (this.thread !== thread) return;
      this.end(reason);
      this.onUnusable(reason);
    };
    thread.onmessage = ({ data }: MessageEvent<"ready" | SyncReply>) => this.hear(data);
    thread.onerror = ({ message }) => lost(message);
    thread.addEventListener("close", () => lost("it has ended"));
    this.thread = thread;
  }

  private hear(message: "ready" | SyncReply): void {
    if (message === "ready") {
      this.state = "ready";
      return;
    }
    const reply = this.waiting.shift();
    if (message.failure) reply?.reject(Object.assign(new Error(message.failure.message), message.failure));
    else reply?.resolve();
  }

  /** No more syncs. What the thread was asked for may or may not have happened, so it has failed. */
  private end(reason: string): void {
    this.state = "unusable";
    this.thread?.terminate();
    this.thread = undefined;
    for (const reply of this.waiting.splice(0)) {
      reply.reject(Object.assign(new Error(`EIO: syncfs '${this.folder}': ${reason}`), { code: "EIO" }));
    }
  }
}
