/** What became of the records of one put, by their places in it: nothing is allocated per record. */
import { assert } from "../base/assert.ts";
import type { VoikError } from "../base/errors.ts";
import type { Shard } from "./broker.ts";

export class AppendOutcomes {
  private readonly shards: Shard[] = [];
  private readonly shardPlaces: Uint16Array;
  /** -1 for none. */
  private readonly offsets: Float64Array;
  private readonly errors = new Map<number, VoikError>();

  constructor(readonly count: number) {
    this.shardPlaces = new Uint16Array(count);
    this.offsets = new Float64Array(count).fill(-1);
  }

  /** How many records failed. */
  get failed(): number {
    return this.errors.size;
  }

  /** Why a record failed; undefined when it was written. */
  errorOf(place: number): VoikError | undefined {
    return this.errors.get(place);
  }

  /** The shard of a record that was written. */
  shardOf(place: number): Shard {
    return this.shards[this.shardPlaces[place] as number] as Shard;
  }

  /** The offset of a record; -1 when it was never appended. */
  offsetOf(place: number): number {
    return this.offsets[place] as number;
  }

  /** Notes `shard`, which records are about to be appended to; `appended` takes the number that this gives. */
  addShard(shard: Shard): number {
    assert(this.shards.length <= 0xffff, "a put goes to fewer shards than it has records");
    return this.shards.push(shard) - 1;
  }

  appended(place: number, shardNumber: number, offset: number): void {
    this.shardPlaces[place] = shardNumber;
    this.offsets[place] = offset;
  }

  fail(place: number, error: VoikError): void {
    this.errors.set(place, error);
  }
}
