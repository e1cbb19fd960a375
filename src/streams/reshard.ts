/**
 * Plans splits and merges: which shards close, and which take over their ranges of hash keys. Pure: a plan is made
 * from the shards as they are, and changes nothing.
 *
 *   split     [----- 0 -----]           merge     [- 1 -][- 2 -]
 *             [- 1 -][- 2 -]                      [----- 3 -----]
 *
 * Open shards tile 0..2^128-1 before and after. A child is created in a later second than its parents, so that its
 * sequence numbers are above theirs, and its parents close a millisecond before: at any one time the shards that are
 * open tile the keys as well. The time is moved ahead of the clock for that, by a second for each generation at most.
 */
import { VoikError } from "../base/errors.ts";
import type { ReshardRequest } from "./broker.ts";
import { type HashRange, uniformRanges } from "./hash-range.ts";

/** What a plan needs to know of a shard, and what the catalog keeps of one. */
export interface ShardPlan {
  index: number;
  range: HashRange;
  createdAtMs: number;
  closedAtMs: number | undefined;
  parents: readonly number[];
}

export interface ReshardPlan {
  /** Shards of before that close, by index. */
  readonly closing: ReadonlyMap<number, { closedAtMs: number }>;
  /** Open shards that stay, with another range: of a stream without records. */
  readonly moved: ReadonlyMap<number, HashRange>;
  /** New shards, ascending by index without a gap. Some are closed already: steps on the way of a scaling. */
  readonly added: readonly ShardPlan[];
}

/**
 * The plan for `request` over `shards`, all of a stream's by index, at `nowMs`. Throws VoikError shard_not_found, shard_closed,
 * argument_invalid (not adjacent, a key outside of the range) or shard_count_invalid.
 */
export function planReshard(
  shards: readonly Readonly<ShardPlan>[],
  request: ReshardRequest,
  nowMs: number,
): ReshardPlan {
  const planner = new Planner(shards, nowMs);
  switch (request.kind) {
    case "split":
      planner.split(planner.openShard(request.shard), request.at);
      break;
    case "merge":
      planner.merge(planner.openShard(request.first), planner.openShard(request.second));
      break;
    case "scale":
      planner.scale(request.shardCount);
      break;
    case "grow":
      planner.grow(request.shardCount);
      break;
  }
  return planner;
}

class Planner implements ReshardPlan {
  readonly closing = new Map<number, { closedAtMs: number }>();
  readonly moved = new Map<number, HashRange>();
  readonly added: ShardPlan[] = [];
  private readonly shards: Map<number, Readonly<ShardPlan>>;
  /** The open shards by the start of their ranges. */
  private readonly open: Readonly<ShardPlan>[];
  private readonly firstIndex: number;

  constructor(
    shards: readonly Readonly<ShardPlan>[],
    private readonly nowMs: number,
  ) {
    this.shards = new Map(shards.map((shard) => [shard.index, shard]));
    this.open = openShardsOf(shards);
    this.firstIndex = (shards.at(-1)?.index ?? -1) + 1;
  }

  openShard(index: number): Readonly<ShardPlan> {
    const shard = this.shards.get(index);
    if (shard === undefined) throw new VoikError("shard_not_found", `there is no shard ${index}`);
    if (this.open.includes(shard)) return shard;
    throw new VoikError("shard_closed", `shard ${index} was split or merged already`);
  }

  /** `at` becomes the first key of the second child. */
  split(shard: Readonly<ShardPlan>, at: bigint): void {
    const { start, end } = shard.range;
    if (at <= start || at > end) {
      throw new VoikError("argument_invalid", `shard ${shard.index} has no keys on both sides of ${at}`);
    }
    this.replace(
      [shard],
      [
        { start, end: at - 1n },
        { start: at, end },
      ],
    );
  }

  merge(first: Readonly<ShardPlan>, second: Readonly<ShardPlan>): void {
    if (first.range.end + 1n !== second.range.start) {
      throw new VoikError(
        "argument_invalid",
        `shard ${second.index} does not begin where ${first.index} ends`,
      );
    }
    this.replace([first, second], [{ start: first.range.start, end: second.range.end }]);
  }

  /**
   * To `shardCount` open shards as AWS's UNIFORM_SCALING does it: going up, every shard is halved; then neighbours
   * are merged, the two that are smallest together first, until the count is right.
   */
  scale(shardCount: number): void {
    if (!Number.isSafeInteger(shardCount) || shardCount < 1 || shardCount > this.open.length * 2) {
      throw new VoikError(
        "shard_count_invalid",
        `${this.open.length} shards can become 1 to ${this.open.length * 2}, not ${shardCount}`,
      );
    }
    if (shardCount > this.open.length) {
      for (const shard of [...this.open]) {
        const { start, end } = shard.range;
        this.split(shard, start + (end - start + 1n) / 2n);
      }
    }
    // As floating-point numbers: near enough to choose by, and thousands of shards are scaled in no time.
    const widths = this.open.map(({ range }) => Number(range.end - range.start + 1n));
    while (this.open.length > shardCount) {
      const first = smallestPair(widths);
      widths.splice(first, 2, (widths[first] as number) + (widths[first + 1] as number));
      this.merge(this.open[first] as ShardPlan, this.open[first + 1] as ShardPlan);
    }
  }

  /** More shards beside those there are; each range is given anew, in the order of the indexes. */
  grow(shardCount: number): void {
    if (!Number.isSafeInteger(shardCount) || shardCount <= this.shards.size) {
      throw new VoikError("shard_count_invalid", `${this.shards.size} shards can't grow to ${shardCount}`);
    }
    if (this.open.length < this.shards.size) throw cannotGrow("its shards were split or merged");
    const indexes = [...this.shards.keys()];
    for (const [place, range] of uniformRanges(shardCount).entries()) {
      const index = indexes[place];
      if (index !== undefined) this.moved.set(index, range);
      else this.added.push(this.newShard(range));
    }
  }

  private newShard(range: HashRange): ShardPlan {
    const index = this.firstIndex + this.added.length;
    return { index, range, createdAtMs: this.nowMs, closedAtMs: undefined, parents: [] };
  }

  private replace(parents: readonly Readonly<ShardPlan>[], ranges: readonly HashRange[]): void {
    const createdAtMs = Math.max(this.nowMs, ...parents.map((parent) => secondAfter(parent.createdAtMs)));
    const children = ranges.map((range, i) => ({
      index: this.firstIndex + this.added.length + i,
      range,
      createdAtMs,
      closedAtMs: undefined,
      parents: parents.map((parent) => parent.index),
    }));
    const place = this.open.indexOf(parents[0] as ShardPlan);
    this.open.splice(place, parents.length, ...children);
    for (const parent of parents) this.close(parent.index, createdAtMs - 1);
    this.added.push(...children);
  }

  private close(index: number, closedAtMs: number): void {
    const step = this.added[index - this.firstIndex];
    if (step === undefined) this.closing.set(index, { closedAtMs });
    else step.closedAtMs = closedAtMs;
  }
}

/** Shards can't be added beside those of a stream: `why`. */
export function cannotGrow(why: string): VoikError {
  return new VoikError(
    "shard_count_invalid",
    `partitions can't be added beside the others, because ${why}: every key belongs to one open shard. ` +
      "Split shards through Kinesis (UpdateShardCount, SplitShard): the old partitions can then be read to their end",
  );
}

/** Place of the first of the two neighbours that are smallest together; the lowest of equal ones. */
function smallestPair(widths: readonly number[]): number {
  let smallest = 0;
  let smallestWidth = Infinity;
  for (let i = 0; i + 1 < widths.length; i++) {
    const width = (widths[i] as number) + (widths[i + 1] as number);
    if (width >= smallestWidth) continue;
    smallest = i;
    smallestWidth = width;
  }
  return smallest;
}

interface RangedShard {
  readonly range: HashRange;
  readonly closedAtMs: number | undefined;
}

/** The open ones of `shards`, by their ranges, which tile 0..2^128-1. */
export function openShardsOf<S extends RangedShard>(shards: readonly S[]): S[] {
  const open = shards.filter((shard) => shard.closedAtMs === undefined);
  open.sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
  return open;
}

function secondAfter(ms: number): number {
  return (Math.floor(ms / 1000) + 1) * 1000;
}
