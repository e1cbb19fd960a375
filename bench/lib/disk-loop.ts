/**
 * The disk's own ceiling: one file, written in blocks at its end, fdatasync after each. What a log that syncs before it
 * acknowledges can't pass, however fast it is, when no more than a block is on its way at once.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes and syncs blocks of `blockBytes` for about `forMs`; bytes a second. */
export function syncedBytesPerSecond(blockBytes: number, forMs: number): number {
  const folder = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const fd = openSync(join(folder, "file"), "w");
  try {
    const block = Buffer.alloc(blockBytes, 1);
    const startMs = performance.now();
    let bytes = 0;
    let tookMs = 0;
    for (; tookMs < forMs; tookMs = performance.now() - startMs) {
      bytes += writeSync(fd, block, 0, blockBytes, bytes);
      fdatasyncSync(fd);
    }
    return (bytes / tookMs) * 1_000;
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}
