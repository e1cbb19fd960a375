/** Randomness, behind a seam: ids and secrets from the system, repeatable sequences for tests and simulation. */
import { randomFillSync } from "node:crypto";

export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Buffer;
  /** A uniform integer in 0..2^32-1. */
  uint32(): number;
}

/** The system's cryptographic generator. */
export const systemRandom: Random = {
  bytes: (count) => randomFillSync(Buffer.alloc(count)),
  uint32: () => randomFillSync(Buffer.alloc(4)).readUInt32LE(0),
};

/** A repeatable generator (mulberry32) for tests, benches and the simulator; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  };
  return {
    uint32,
    bytes(count) {
      const out = Buffer.alloc(count);
      for (let i = 0; i < count; i++) out[i] = uint32() & 0xff;
      return out;
    },
  };
}

/** A uniform integer in 0..bound-1 (bias below 2^-20 for bounds under 4096). */
export function randomBelow(random: Random, bound: number): number {
  return random.uint32() % bound;
}

/** A random UUID (version 4) as 32 lower-case hex digits. */
export function randomId(random: Random): string {
  const id = random.bytes(16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id.toString("hex");
}
