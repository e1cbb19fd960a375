/** Starts bench/server.ts in a role, in a folder of its own, and takes away again what it made. */
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

/** In the folder `given`, which is left there, or in one of its own. */
export async function startServer(role: string, given?: string): Promise<BenchServer> {
  const folder = given ?? mkdtempSync(join(rootOf(role), "voik-bench-"));
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
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
