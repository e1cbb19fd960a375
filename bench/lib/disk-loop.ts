/**
 * The disk's own ceiling: one file, written in blocks at its end, fdatasync after each. What a log that syncs before it
 * acknowledges can't pass, however fast it is, when no more than a block is on its way at once; and how late the disk
 * and the scheduler make what comes at a steady rate.
 */
import { closeSync, fdatasync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fallocate } from "../../src/base/libc.ts";

/** No write is longer than so many units. */
const BACKLOG_UNITS_MAX = 100;
/** At a time, as voik's large logs do. */
const RESERVED_BYTES = 4 << 20;

/** Writes and syncs blocks of `blockBytes` for about `forMs`; bytes a second. */
export function syncedBytesPerSecond(blockBytes: number, forMs: number): number {
  return withFile((fd) => {
    const block = Buffer.alloc(blockBytes, 1);
    const startMs = performance.now();
    let bytes = 0;
    let tookMs = 0;
    for (; tookMs < forMs; tookMs = performance.now() - startMs) {
      bytes += writeSync(fd, block, 0, blockBytes, bytes);
      fdatasyncSync(fd);
    }
    return (bytes / tookMs) * 1_000;
  });
}

/**
 * As above, but `chunkBytes` are written at a time while the last ones are synced, with space reserved ahead and at most
 * `unsyncedBytes` under way: what no log can pass that has so much in flight. Bytes synced a second.
 */
export async function overlappedBytesPerSecond(
  chunkBytes: number,
  unsyncedBytes: number,
  forMs: number,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const fd = openSync(join(folder, "file"), "w");
  const chunk = Buffer.alloc(chunkBytes, 1);
  let written = 0;
  let reserved = 0;
  const sync = () =>
    new Promise<void>((done, fail) => fdatasync(fd, (error) => (error ? fail(error) : done())));
  const fill = (to: number) => {
    for (; written + chunkBytes <= to; written += chunkBytes) {
      if (written + chunkBytes > reserved) {
        fallocate?.(fd, reserved, reserved + RESERVED_BYTES, folder);
        reserved += RESERVED_BYTES;
      }
      writeSync(fd, chunk, 0, chunkBytes, written);
    }
  };
  try {
    const startMs = performance.now();
    let synced = 0;
    let tookMs = 0;
    for (; tookMs < forMs; tookMs = performance.now() - startMs) {
      const end = written;
      const done = sync();
      fill(synced + unsyncedBytes);
      await done;
      synced = end;
    }
    return (synced / tookMs) * 1_000;
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * `unitBytes` are due every millisecond for `forMs`; all that is due is written and synced, then what came due meanwhile.
 * From each unit's time to the end of its sync, in milliseconds, sorted.
 */
export function pacedSyncDelaysMs(unitBytes: number, forMs: number): Float64Array {
  return withFile((fd) => {
    const block = Buffer.alloc(unitBytes * BACKLOG_UNITS_MAX, 1);
    const delaysMs = new Float64Array(forMs);
    const startMs = performance.now();
    for (let unit = 0; unit < forMs;) {
      const waitMs = startMs + unit - performance.now();
      if (waitMs > 0) Bun.sleepSync(waitMs);
      const due = Math.floor(performance.now() - startMs) + 1 - unit;
      if (due <= 0) continue; // woken early
      const units = Math.min(due, BACKLOG_UNITS_MAX, forMs - unit);
      writeSync(fd, block, 0, units * unitBytes, unit * unitBytes);
      fdatasyncSync(fd);
      const syncedMs = performance.now();
      for (const end = unit + units; unit < end; unit++) delaysMs[unit] = syncedMs - startMs - unit;
    }
    return delaysMs.sort();
  });
}

function withFile<T>(run: (fd: number) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const fd = openSync(join(folder, "file"), "w");
  try {
    return run(fd);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}
