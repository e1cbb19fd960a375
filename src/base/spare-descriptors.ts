/**
 * A few descriptors held open on /dev/null, given up when the process has no others left: so a segment can be begun,
 * or a folder synced, while connections have taken all the rest. Whoever closes a file refills them first.
 */
import { closeSync, constants, openSync } from "node:fs";

/** A roll has three files open at a time, and a folder to sync; two rolls fit. */
const SPARES = 8;

const spares: number[] = [];
let held = false;

/** Opens the spares that are missing, as far as there are descriptors. */
export function refillSpares(): void {
  held = true;
  try {
    while (spares.length < SPARES) spares.push(openSync("/dev/null", constants.O_RDONLY));
  } catch {
    // None left: the next file that is closed makes room for one.
  }
}

/** Whether `error` says that there is no descriptor left. */
export function isExhaustion(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "EMFILE" || code === "ENFILE";
}

/** Does `open`, which opens a file; when it fails for want of descriptors, again, with one more each time. */
export function withSpares<T>(open: () => T): T {
  if (!held) refillSpares();
  for (;;) {
    try {
      return open();
    } catch (error) {
      const spare = isExhaustion(error) ? spares.pop() : undefined;
      if (spare === undefined) throw error;
      closeSync(spare);
    }
  }
}

/** Closes `fd`, which `withSpares` has opened. */
export function closeAndRefill(fd: number): void {
  closeSync(fd);
  if (spares.length < SPARES) refillSpares();
}
