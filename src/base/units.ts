/** Sizes and durations as people write them: 64MiB, 1GB, 512; 7d, 12h, 500ms. Used by config/ and cli/. */

const SIZES: Record<string, number> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const DURATIONS_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Bytes in a text such as "64MiB" or "1048576"; undefined when it is not a size. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, SIZES);
}

/** Milliseconds in a text such as "7d" or "500ms"; undefined when it is not a duration (the unit is required). */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, DURATIONS_MS);
}

/** "64 MiB", "1.5 GiB", "512 B". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${Number(bytes.toFixed(bytes < 10 ? 2 : 1))} ${units[unit]}`;
}

/** "7d", "12h", "90s", "1500ms": in the largest unit that divides it. */
export function formatDurationMs(durationMs: number): string {
  const units = Object.entries(DURATIONS_MS).reverse();
  const [unit, unitMs] = units.find(([, ms]) => durationMs % ms === 0) ?? ["ms", 1];
  return `${durationMs / unitMs}${unit}`;
}

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*$/.exec(text);
  const unit = match ? units[(match[2] ?? "").toLowerCase()] : undefined;
  if (!match || unit === undefined) return undefined;
  const value = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(value) ? value : undefined;
}
