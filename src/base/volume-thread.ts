/**
 * The thread that calls syncfs(2), which blocks whoever calls it; volume.ts starts it and talks to it by messages.
 * An entry point of its own, in the executable too (deploy/build.ts). It shares nothing but the descriptor's number.
 *
 *   volume.ts  -- { fd, path } ---------> volume-thread.ts     once for each sync
 *              <- "ready" ---------------                      once, when it runs
 *              <- { failure?: { code, message } } --           once for each sync, in order
 */
import { syncFileSystem } from "./libc.ts";

declare const self: Worker;

export interface SyncRequest {
  fd: number;
  path: string;
}

export interface SyncReply {
  failure?: { code: string; message: string };
}

self.onmessage = ({ data }: MessageEvent<SyncRequest>) => self.postMessage(sync(data));
self.postMessage("ready");

function sync({ fd, path }: SyncRequest): SyncReply {
  try {
    syncFileSystem?.(fd, path);
    return {};
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { failure: { code, message } };
  }
}
