/**
 * Bun's thread pool, in which files are synced: as many threads as there are processors, at least two, unless the
 * environment says how many. A thread in fdatasync does nothing but wait, so that is too few on a small machine: of four
 * busy logs two wait for the others' syncs while the disk has room.
 */
import { setEnvironment } from "./libc.ts";

/** As many as libuv has (https://docs.libuv.org/en/stable/threadpool.html); decision 0093 has the figures. */
const THREADS_MIN = 4;
/** What Bun reads, and in this order (https://github.com/oven-sh/bun/pull/14401). */
const VARIABLES = ["UV_THREADPOOL_SIZE", "GOMAXPROCS"] as const;

/** Has the pool made with enough threads to sync files. Only before its first use: its size is fixed then. */
export function widenThreadPool(): void {
  const chosen = VARIABLES.some((name) => process.env[name] !== undefined);
  if (chosen || navigator.hardwareConcurrency >= THREADS_MIN) return;
  setEnvironment(VARIABLES[0], String(THREADS_MIN));
}
