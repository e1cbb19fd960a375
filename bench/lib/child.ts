/** Starts bench/server.ts in a role, in a folder of its own, and takes both away again. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface BenchServer {
  port: number;
  folder: string;
  pid: number;
  stop(): Promise<void>;
}

/** Where a server without syncs keeps its files: memory, where there is such a file system, so no disk has a say. */
function rootOf(role: string): string {
  return role.endsWith("no-sync") && existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

export async function startServer(
  role: string,
  folder = mkdtempSync(join(rootOf(role), "voik-bench-")),
): Promise<BenchServer> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../server.ts"), role, folder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  let line = "";
  for await (const piece of child.stdout) {
    line += Buffer.from(piece).toString();
    if (line.includes("\n")) break;
  }
  return {
    port: (JSON.parse(line) as { port: number }).port,
    folder,
    pid: child.pid,
    async stop() {
      await child.stdin.end();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The bare sendfile loop over a file of `bytes` bytes, in the page cache. */
export async function startFileServer(bytes: number): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const piece = Buffer.alloc(1 << 20, 1);
  const file = Bun.file(join(folder, "file")).writer();
  for (let at = 0; at < bytes; at += piece.length) file.write(piece.subarray(0, bytes - at));
  await file.end();
  return startServer("file", folder);
}
