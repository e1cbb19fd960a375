/** How busy a process is (Linux). */
import { readFileSync } from "node:fs";

/** sysconf(_SC_CLK_TCK) is 100 on every Linux that we know. */
const TICK_MS = 10;

/** Time on a core that a process has had since its start, user and system time together. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** How much of one core a process takes over `forMs`, user and system time together; 1 is a whole core. */
export async function cpuShare(pid: number, forMs: number): Promise<number> {
  const before = cpuMs(pid);
  await Bun.sleep(forMs); // the measurement itself
  return (cpuMs(pid) - before) / forMs;
}
