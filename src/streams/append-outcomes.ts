/** What became of the records of one put, filled as it goes on. */
import { assert } from "../base/assert.ts";
import type { VoikError } from "../base/errors.ts";
import type { AppendOutcomes, Shard } from "./broker.ts";

export class FilledOutcomes implements AppendOutcomes {
  private readonly shards: Shard[] = [];
  private readonly shardPlaces: Uint16Array;
  /** -1 for none. */
  private readonly offsets: Float64Array;
  private readonly errors = new Map<number, VoikError>();

  constructor(readonly count: number) {
    this.shardPlaces = new Uint16Array(count);
    this.offsets = new Float64Array(count).fill(-1);
  }

  get failed(): number {
    return this.errors.size;
  }

  errorOf(place: number): VoikError | undefined {
    return this.errors.get(place);
  }

  shardOf(place: number): Shard {
    return this.shards[this.shardPlaces[place] as number] as Shard;
  }

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
