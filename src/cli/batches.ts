/**
 * Gathers records into one batch per shard. A key decides the shard as Kafka's clients do it; records without a key
 * go to one shard until a batch goes out, then to the next.
 */
import { BatchBuilder } from "../log/batch-builder.ts";
import type { RecordHeader } from "../log/record.ts";
import { partitionOf } from "./partitioner.ts";
import { headerBytesOf } from "./record-headers.ts";

/** The header of a batch and the lengths of a record: with them a record fits below the limit of a batch. */
export const BATCH_OVERHEAD_BYTES = 128;

export class ShardBatches {
  private builders = new Map<number, BatchBuilder>();
  private next = 0;
  /** What a record takes beside its key and value. */
  private readonly recordBytes: number;
  /** Records gathered. */
  count = 0;

  /** `batchBytesMax`: a batch that would pass it makes the whole lot go out first. */
  constructor(
    private readonly shards: readonly number[],
    private readonly batchBytesMax: number,
    /** On every record. */
    private readonly headers: readonly RecordHeader[] = [],
  ) {
    this.recordBytes = headerBytesOf(headers) + BATCH_OVERHEAD_BYTES;
  }

  /** Adds a record, or returns false: take what is there first. The bytes are copied. */
  add(key: Buffer | null, value: Buffer, nowMs: number): boolean {
    const at = key === null ? this.next : partitionOf(key, this.shards.length);
    const shard = this.shards[at] as number;
    let builder = this.builders.get(shard);
    const bytes = (key?.length ?? 0) + value.length + this.recordBytes;
    if (builder && builder.size + bytes > this.batchBytesMax) return false;
    if (!builder) this.builders.set(shard, (builder = new BatchBuilder(64 * 1024)));
    builder.add(key, value, nowMs, this.headers);
    this.count++;
    return true;
  }

  /** The gathered batches by shard; gathering starts afresh. */
  take(): Map<number, Buffer> {
    const batches = new Map<number, Buffer>();
    for (const [shard, builder] of this.builders) batches.set(shard, builder.build());
    this.builders = new Map();
    this.next = (this.next + 1) % this.shards.length;
    this.count = 0;
    return batches;
  }
}
