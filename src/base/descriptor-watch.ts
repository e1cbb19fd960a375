/**
 * Keeps descriptors for files while connections want them all. A process that has none left can begin no segment and
 * take no connection.
 *
 *   0 … files, connections … | reserve: files, and connections that nobody could refuse | limit
 *                            ^ Kafka connections are refused from this descriptor on: a new one always gets the
 *                              lowest number that is free, so its number says how many are taken
 *
 * Of HTTP connections Bun tells nobody. So ten times a second a descriptor is opened and closed, and when its number
 * says that half of the reserve is gone, the HTTP servers are asked to close what is idle, and connections that have
 * not sent a byte, which those servers do not count as idle, are ended here.
 */
import { closeSync, openSync, readdirSync } from "node:fs";
import type { Clock, Timer } from "./clock.ts";
import { endUnusedConnection } from "./libc.ts";
import type { Logger } from "./logger.ts";
import { isExhaustion, withSpares } from "./spare-descriptors.ts";

const RESERVE_MAX = 64;
/** Of the descriptors there are, where these are few. */
const RESERVE_SHARE = 4;
const INTERVAL_MS = 100;
const WARN_INTERVAL_MS = 60_000;

/** The first descriptor that a connection may not have, where a process may have `limit`; Infinity for no limit. */
export function connectionDescriptorsMax(limit: number): number {
  return limit - reserveOf(limit);
}

export interface DescriptorWatchOptions {
  /** How many descriptors the process may have. */
  limit: number;
  clock: Clock;
  logger: Logger;
  servers: readonly HttpServer[];
}

/** What is asked of a server whose connections nobody could refuse. */
export interface HttpServer {
  readonly port: number;
  /** Closes the connections that have no request in work; returns how many. */
  closeIdle(): number;
}

export class DescriptorWatch {
  private timer: Timer;
  private warnedMs = -Infinity;

  constructor(private readonly options: DescriptorWatchOptions) {
    this.timer = this.next();
  }

  stop(): void {
    this.timer.cancel();
  }

  private next(): Timer {
    return this.options.clock.after(INTERVAL_MS, () => {
      this.look();
      this.timer = this.next();
    });
  }

  private look(): void {
    const { limit, clock, logger, servers } = this.options;
    if (nextDescriptor() < limit - reserveOf(limit) / 2) return;
    const closed = servers.reduce((sum, server) => sum + server.closeIdle() + endUnused(server.port), 0);
    const nowMs = clock.monotonicMs();
    if (nowMs - this.warnedMs < WARN_INTERVAL_MS) return;
    this.warnedMs = nowMs;
    logger.warn("few descriptors are left: idle HTTP connections are closed. Raise ulimit -n", {
      limit,
      closed,
    });
  }
}

/** Ends connections to `port` that have not been used yet; returns how many. */
function endUnused(port: number): number {
  return openDescriptors().filter((fd) => endUnusedConnection(fd, port)).length;
}

/** All descriptors of this process; none where the system does not list them, or not even a spare is left. */
function openDescriptors(): number[] {
  try {
    return withSpares(() => readdirSync("/proc/self/fd")).map(Number);
  } catch {
    return [];
  }
}

function reserveOf(limit: number): number {
  return Math.min(RESERVE_MAX, Math.floor(limit / RESERVE_SHARE));
}

/** The number that the next file or connection gets; Infinity when there is none, 0 where the system has no `path`. */
export function nextDescriptor(path = "/dev/null"): number {
  try {
    const fd = openSync(path, "r");
    closeSync(fd);
    return fd;
  } catch (error) {
    return isExhaustion(error) ? Infinity : 0;
  }
}
