/** Seeded records for tests of real clients: empty, text, every byte value, line ends and NULs, and one of 900 KB. */
import { type Random, seededRandom } from "../../src/base/random.ts";

export interface TestRecord {
  key: string;
  data: Buffer;
}

const LARGE_BYTES = 900 * 1024;
const ODD: readonly Buffer[] = [
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  Buffer.from("line\nline\r\n\ttab\0nul"),
  Buffer.from("żółw 🐢 ✓"),
  Buffer.alloc(4096),
];

/** `count` records over `keys` partition keys. The seed is part of what they are: print it. */
export function testRecords(
  seed: number,
  count: number,
  { keys = 40, empty = true, large = true }: { keys?: number; empty?: boolean; large?: boolean } = {},
): TestRecord[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    key: `key-${random.uint32() % keys}`,
    data: dataOf(random, i, empty, large),
  }));
}

function dataOf(random: Random, i: number, empty: boolean, large: boolean): Buffer {
  if (i === 7 && large) return random.bytes(LARGE_BYTES);
  if (i % 11 === 3 && empty) return Buffer.alloc(0);
  if (i % 5 === 1) return ODD[((i / 5) % ODD.length) | 0] as Buffer;
  return random.bytes(1 + (random.uint32() % 900));
}

/** The records key by key, in order: what must be equal on both sides whatever the shards are. */
export function byKey(records: Iterable<TestRecord>): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { key, data } of records)
    (found[key] ??= []).push(`${data.length}:${Bun.hash(data).toString(16)}`);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
