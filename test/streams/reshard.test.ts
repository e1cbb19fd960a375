/** Plans of splits and merges: what closes, what opens, and that hash keys and times always tile. */
import { describe, expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { ReshardRequest } from "../../src/streams/broker.ts";
import { HASH_KEY_MAX, tilesHashKeys, uniformRanges } from "../../src/streams/hash-range.ts";
import { openShardsOf, planReshard, type ShardPlan } from "../../src/streams/reshard.ts";
import { endingSequenceNumber, sequenceNumber } from "../../src/streams/sequence-number.ts";

const CREATED_MS = 1_700_000_000_123;

function shards(count: number): ShardPlan[] {
  return uniformRanges(count).map((range, index) => ({
    index,
    range,
    createdAtMs: CREATED_MS,
    closedAtMs: undefined,
    parents: [],
  }));
}

function apply(before: readonly ShardPlan[], request: ReshardRequest, nowMs = CREATED_MS): ShardPlan[] {
  const { closing, added } = planReshard(before, request, nowMs);
  return [
    ...before.map((shard) => ({
      ...shard,
      closedAtMs: shard.closedAtMs ?? closing.get(shard.index)?.closedAtMs,
    })),
    ...added,
  ];
}

function refusal(before: readonly ShardPlan[], request: ReshardRequest): string {
  try {
    planReshard(before, request, CREATED_MS);
  } catch (error) {
    if (error instanceof VoikError) return error.code;
    throw error;
  }
  return "none";
}

const summary = (all: readonly ShardPlan[]) =>
  all.map(({ index, range, closedAtMs, parents }) => [
    index,
    range.start,
    range.end,
    closedAtMs === undefined ? "open" : "closed",
    [...parents],
  ]);

describe("splits and merges", () => {
  test("a split closes one shard and opens two on its keys", () => {
    expect(summary(apply(shards(1), { kind: "split", shard: 0, at: 10n }))).toEqual([
      [0, 0n, HASH_KEY_MAX, "closed", []],
      [1, 0n, 9n, "open", [0]],
      [2, 10n, HASH_KEY_MAX, "open", [0]],
    ]);
  });

  test("a merge closes two neighbours and opens one on the keys of both", () => {
    const all = apply(shards(2), { kind: "merge", first: 0, second: 1 });
    expect(summary(all).at(-1)).toEqual([2, 0n, HASH_KEY_MAX, "open", [0, 1]]);
    expect(all.map((shard) => shard.closedAtMs === undefined)).toEqual([false, false, true]);
  });

  test("what can't be split or merged is refused by its reason", () => {
    const four = shards(4);
    expect(refusal(four, { kind: "split", shard: 4, at: 5n })).toBe("shard_not_found");
    expect(refusal(four, { kind: "split", shard: 1, at: four[1]?.range.start as bigint })).toBe(
      "argument_invalid",
    );
    expect(refusal(four, { kind: "split", shard: 0, at: four[1]?.range.start as bigint })).toBe(
      "argument_invalid",
    );
    expect(refusal(four, { kind: "merge", first: 1, second: 0 })).toBe("argument_invalid");
    expect(refusal(four, { kind: "merge", first: 0, second: 2 })).toBe("argument_invalid");
    const split = apply(four, { kind: "split", shard: 0, at: 5n });
    expect(refusal(split, { kind: "split", shard: 0, at: 5n })).toBe("shard_closed");
    expect(refusal(split, { kind: "merge", first: 0, second: 1 })).toBe("shard_closed");
    for (const shardCount of [0, 9, 1.5]) {
      expect(refusal(four, { kind: "scale", shardCount })).toBe("shard_count_invalid");
    }
  });
});

describe("scaling", () => {
  test.each([
    [2, 4, 6],
    [4, 5, 15],
    [10, 13, 37],
    [4, 2, 6],
    [5, 3, 7],
    [3, 3, 3],
    [8, 16, 24],
  ])("from %i to %i shards makes %i in all, as AWS does", (from, to, total) => {
    const all = apply(shards(from), { kind: "scale", shardCount: to });
    expect(all).toHaveLength(total);
    expect(openShardsOf(all)).toHaveLength(to);
  });

  test("doubling and halving give equal ranges", () => {
    const doubled = openShardsOf(apply(shards(4), { kind: "scale", shardCount: 8 }));
    expect(doubled.map((shard) => shard.range)).toEqual(uniformRanges(8));
    const halved = openShardsOf(apply(shards(4), { kind: "scale", shardCount: 2 }));
    expect(halved.map((shard) => shard.range)).toEqual(uniformRanges(2));
  });

  test("ten thousand shards are planned in no time", () => {
    const startMs = performance.now();
    expect(openShardsOf(apply(shards(5000), { kind: "scale", shardCount: 7500 }))).toHaveLength(7500);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});

test("after any sequence of reshards the keys tile at every time, and children's numbers are above their parents'", () => {
  const seed = 20261123;
  const random = seededRandom(seed);
  const pick = (count: number) => random.bytes(4).readUInt32LE() % count;
  let all = shards(3);
  let nowMs = CREATED_MS;
  for (let round = 0; round < 60; round++) {
    // Mostly faster than the clock's seconds, and now and then the clock goes back.
    nowMs += pick(1500) - 200;
    const open = openShardsOf(all);
    const shard = open[pick(open.length)] as ShardPlan;
    const next = open[open.indexOf(shard) + 1];
    const kind = pick(10);
    let request: ReshardRequest = {
      kind: "split",
      shard: shard.index,
      at: (shard.range.start + shard.range.end) / 2n,
    };
    if (kind < 5 && next) request = { kind: "merge", first: shard.index, second: next.index };
    if (kind === 9) request = { kind: "scale", shardCount: Math.max(1, pick(open.length * 2)) };
    all = apply(all, request, nowMs);
  }
  expect([seed, tilesHashKeys(openShardsOf(all).map((shard) => shard.range))]).toEqual([seed, true]);
  const times = new Set(all.flatMap((shard) => [shard.createdAtMs, shard.closedAtMs ?? nowMs]));
  for (const atMs of times) {
    const then = all.filter((shard) => shard.createdAtMs <= atMs && (shard.closedAtMs ?? Infinity) >= atMs);
    const ranges = then.map((shard) => shard.range).sort((a, b) => (a.start < b.start ? -1 : 1));
    expect([seed, atMs, tilesHashKeys(ranges)]).toEqual([seed, atMs, true]);
  }
  for (const child of all) {
    for (const parent of child.parents) {
      const last = BigInt(endingSequenceNumber(all[parent] as ShardPlan));
      expect(BigInt(sequenceNumber(child, 0)) > last).toBe(true);
    }
  }
});
