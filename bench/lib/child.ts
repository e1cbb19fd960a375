/**
 * Processes that a benchmark starts: its own program again as another part, compiled if it is compiled itself. A server is
 * started in a role (bench/server.ts), in a folder of its own, and what it made is taken away again.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = Bun.isStandaloneExecutable ? [] : [join(import.meta.dir, "../main.ts")];

/** The command line of the part of bench/main.ts that has this name. */
export function commandOf(part: "server" | "growth-probe", ...args: readonly string[]): string[] {
  return [process.execPath, ...PROGRAM, part, ...args];
}

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
  const child = Bun.spawn(commandOf("server", role, folder), {
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
