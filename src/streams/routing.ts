/**
 * Which of a stream's open shards a hash key goes to. It never changes: a reshard makes the stream another one. So one
 * that another thread has is good as long as its id is the stream's.
 */
import { HASH_KEY_WORDS, hashKeysOf, isBelow } from "./hash-keys.ts";
import type { HashRange } from "./hash-range.ts";

let lastId = 0;

export class Routing {
  /** `starts`: the first hash key of each open shard, ascending (hash-keys.ts). `id`: no other one of the process has it. */
  constructor(
    readonly starts: Uint32Array,
    readonly id: number,
  ) {}

  /** For shards with `ranges`, which tile 0..2^128-1. */
  static of(ranges: readonly HashRange[]): Routing {
    return new Routing(hashKeysOf(ranges.map((range) => range.start)), ++lastId);
  }

  /** Which of the shards has the hash key at `place` of `hashKeys`. */
  routeOf(hashKeys: Uint32Array, place: number): number {
    let low = 0;
    let high = this.starts.length / HASH_KEY_WORDS - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (isBelow(hashKeys, place, this.starts, middle)) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}
