/**
 * How many descriptors this process may have open: RLIMIT_NOFILE as it holds now. Bun raises the soft limit to the hard
 * one when it starts, so the shell's `ulimit -n` is not the answer.
 */
import { readFileSync } from "node:fs";

/** What is reckoned with where the system does not say (macOS): its usual soft limit. */
const UNKNOWN_LIMIT = 256;

/** The soft limit; Infinity when there is none. Linux says it in /proc; elsewhere it is `unknown`, a small number. */
export function descriptorLimit(unknown = UNKNOWN_LIMIT): number {
  try {
    return limitIn(readFileSync("/proc/self/limits", "utf8")) ?? unknown;
  } catch {
    return unknown;
  }
}

/** The soft limit in the text of /proc/self/limits; undefined when it is not there. */
export function limitIn(limits: string): number | undefined {
  const soft = /^Max open files +(\d+|unlimited) /m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Infinity : Number(soft);
}
