/** How many shards all streams may have together: those there are, and those that changes under way are to add. */
import { VoikError } from "../base/errors.ts";

export class ShardBudget {
  /** Shards that changes under way are to add, by whatever stands for the change. */
  private readonly promised = new Map<unknown, number>();

  constructor(
    private readonly most: number,
    /** Shards of all streams now. */
    private readonly used: () => number,
  ) {}

  /**
   * Sets `count` shards aside for `change`, until `release`. Throws VoikError shard_count_invalid or limit_exceeded.
   */
  promise(change: unknown, count: number): void {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new VoikError("shard_count_invalid", `a stream has at least 1 shard, not ${count}`);
    }
    let used = this.used();
    for (const promised of this.promised.values()) used += promised;
    if (used + count > this.most) {
      throw new VoikError(
        "limit_exceeded",
        `${count} more shards would make ${used + count}, at most ${this.most} are allowed: delete streams or raise --shard-count-max`,
      );
    }
    this.promised.set(change, count);
  }

  /** The change is over: its shards are there, or will not be. */
  release(change: unknown): void {
    this.promised.delete(change);
  }

  /** Whether shards are set aside for `change`. */
  holds(change: unknown): boolean {
    return this.promised.has(change);
  }
}
