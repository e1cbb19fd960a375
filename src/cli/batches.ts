/**
 * Gathers records into one batch per shard. A key decides the shard as Kafka's clients do it; records without a key
 * go to one shard until a batch goes out, then to the next. Shards that were split or merged take no records: a key
 * that belongs to one is spread once more, over the open ones, and the other keys stay where they are.
 *
 * Batches bear a producer's id and sequence numbers (KIP-98), so that one which is sent again is stored once.
 */
import { BatchBuilder } from "../log/batch-builder.ts";
import type { RecordHeader } from "../log/record.ts";
import { recordCountOf, stampProducer } from "../log/record-batch.ts";
import { CliError, EXIT } from "./exit.ts";
import { partitionOf } from "./partitioner.ts";
import { headerBytesOf } from "./record-headers.ts";

/** The header of a batch and the lengths of a record: with them a record fits below the limit of a batch. */
export const BATCH_OVERHEAD_BYTES = 128;

const PRODUCER_EPOCH = 0;
/** Sequences count to 2^31 - 1 and go on at 0. */
const SEQUENCES = 2 ** 31;

export class ShardBatches {
  private builders = new Map<number, BatchBuilder>();
  /** Shard to the sequence of its next batch. */
  private readonly sequences = new Map<number, number>();
  private next = 0;
  private readonly closed = new Set<number>();
  private open: readonly number[];
  /** What a record takes beside its key and value. */
  private readonly recordBytes: number;
  /** Records gathered. */
  count = 0;

  /** `batchBytesMax`: a batch that would pass it makes the whole lot go out first. */
  constructor(
    private shards: readonly number[],
    private readonly producerId: number,
    private readonly batchBytesMax: number,
    /** On every record. */
    private readonly headers: readonly RecordHeader[] = [],
  ) {
    this.open = shards;
    this.recordBytes = headerBytesOf(headers) + BATCH_OVERHEAD_BYTES;
  }

  /** The stream has these shards now, and those of `closed` are not written to any more. Throws CliError. */
  reshard(shards: readonly number[], closed: Iterable<number>): void {
    for (const shard of closed) this.closed.add(shard);
    this.shards = shards;
    this.open = shards.filter((shard) => !this.closed.has(shard));
    this.next = 0;
    if (this.open.length === 0) throw new CliError(EXIT.failed, "every shard of the stream is closed");
  }

  /** Adds a record, or returns false: take what is there first. The bytes are copied. */
  add(key: Buffer | null, value: Buffer | null, nowMs: number): boolean {
    const shard = key === null ? (this.open[this.next] as number) : this.shardOf(key);
    let builder = this.builders.get(shard);
    const bytes = (key?.length ?? 0) + (value?.length ?? 0) + this.recordBytes;
    if (builder && builder.size + bytes > this.batchBytesMax) return false;
    if (!builder) this.builders.set(shard, (builder = new BatchBuilder(64 * 1024)));
    builder.add(key, value, nowMs, this.headers);
    this.count++;
    return true;
  }

  /** The gathered batches by shard; gathering starts afresh. */
  take(): Map<number, Buffer> {
    const batches = new Map<number, Buffer>();
    for (const [shard, builder] of this.builders) batches.set(shard, this.stamped(shard, builder.build()));
    this.builders = new Map();
    this.next = (this.next + 1) % this.open.length;
    this.count = 0;
    return batches;
  }

  private stamped(shard: number, batch: Buffer): Buffer {
    const sequence = this.sequences.get(shard) ?? 0;
    stampProducer(batch, this.producerId, PRODUCER_EPOCH, sequence);
    this.sequences.set(shard, (sequence + recordCountOf(batch)) % SEQUENCES);
    return batch;
  }

  private shardOf(key: Buffer): number {
    const shard = this.shards[partitionOf(key, this.shards.length)] as number;
    return this.closed.has(shard) ? (this.open[partitionOf(key, this.open.length)] as number) : shard;
  }
}
