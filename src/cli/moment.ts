/**
 * Moments as people write them on the command line: a time that begins with its date (2026-11-23, 2026-11-23T08:00:00Z), or
 * how long ago (15m).
 */
import { parseDurationMs } from "../base/units.ts";

/** The moment in `text`, in milliseconds since 1970; undefined when it is none. */
export function parseMomentMs(text: string): number | undefined {
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return Date.now() - agoMs;
  // Date.parse alone finds a time in "-5" and "shard 7", too.
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
