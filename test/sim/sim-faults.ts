/** The faults of the simulated disk: which there are, and how often each one strikes. */

/** What the disk does wrong at the moment; a "one in" of 0 is never. */
export interface Faults {
  full: boolean;
  /** While full: bytes that still fit. */
  roomBytes: number;
  readErrorOneIn: number;
  syncErrorOneIn: number;
  /** EIO on making, opening, mapping, renaming, removing, cutting. */
  changeErrorOneIn: number;
  flipOneIn: number;
}

export const NO_FAULTS: Faults = {
  full: false,
  roomBytes: 0,
  readErrorOneIn: 0,
  syncErrorOneIn: 0,
  changeErrorOneIn: 0,
  flipOneIn: 0,
};

/** Faults that were answered, by kind. */
export type FaultCounts = Record<"full" | "read" | "sync" | "change" | "flip", number>;

export function firedSince(before: FaultCounts, now: FaultCounts): (keyof FaultCounts)[] {
  return (Object.keys(now) as (keyof FaultCounts)[]).filter((kind) => now[kind] > before[kind]);
}

/** What the system answers, as node:fs throws it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
