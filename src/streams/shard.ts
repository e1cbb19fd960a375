/** A shard with its open log: what the catalog says of it, and where its records are. */
import type { OpenLog } from "../log/log-factory.ts";
import type { Shard, Stream } from "./broker.ts";
import type { ShardRow } from "./catalog.ts";
import type { HashRange } from "./hash-range.ts";

export class LoggedShard implements Shard {
  readonly index: number;
  /** Another one only while the stream has no records (reshard.ts, grow). */
  range: HashRange;
  readonly createdAtMs: number;
  /** Set once, by the stream, when the catalog says so. */
  closedAtMs: number | undefined;
  readonly parents: readonly number[];

  constructor(
    readonly stream: Stream,
    row: ShardRow,
    readonly log: OpenLog,
  ) {
    this.index = row.index;
    this.range = row.range;
    this.createdAtMs = row.createdAtMs;
    this.closedAtMs = row.closedAtMs;
    this.parents = row.parents;
  }
}
