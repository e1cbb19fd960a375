/**
 * Appends the records of one request to the shards that their keys hash to. Each shard gets its records as one
 * batch (more when they pass BATCH_BYTES_TARGET), in the order of the request. One object waits for all of them:
 * nothing is allocated per record.
 */
import { VoikError } from "../base/errors.ts";
import type { DurableWaiter, ShardLog } from "../log/shard-log.ts";
import { FilledOutcomes } from "./append-outcomes.ts";
import { appendOne } from "./append-one.ts";
import type { Admission, AppendOutcomes, Shard, Stream } from "./broker.ts";
import { buildBatch, recordBytesMax } from "./put-batch.ts";
import type { RecordTable } from "./record-table.ts";

/** Batches end at the first record that takes them past this, so that a reader opens little more than it asked for. */
export const BATCH_BYTES_TARGET = 1 << 20;

/**
 * Appends `records`, all with the time `nowMs`, but for those that `admit` gives an error for; resolves when every one
 * is durable or has failed. Never rejects with a VoikError: a shard's failure is the outcome of its own records. The
 * table is not looked at any more once this has returned.
 */
export function appendRecords(
  stream: Stream,
  records: RecordTable,
  nowMs: number,
  admit?: Admission,
): Promise<AppendOutcomes> {
  if (records.count === 1) return appendOne(stream, records, nowMs, admit);
  return new Promise((resolve) => {
    new AppendRequest(records.count, resolve).run(stream, records, nowMs, admit);
  });
}

/** The part of a request that goes to one shard. */
class ShardPart {
  /** Places in the request of this shard's records, ascending. */
  readonly places: number[] = [];
  /** Behind the last record appended. */
  endOffset = 0;
  /** True once every batch was handed to the log: only then is its answer about all of them. */
  appended = false;

  constructor(
    readonly shard: Shard,
    /** Of the shard in the outcomes. */
    readonly number: number,
  ) {}
}

class AppendRequest implements DurableWaiter {
  private readonly parts = new Map<ShardLog, ShardPart>();
  private readonly outcomes: FilledOutcomes;

  constructor(
    count: number,
    private readonly resolve: (outcomes: AppendOutcomes) => void,
  ) {
    this.outcomes = new FilledOutcomes(count);
  }

  run(stream: Stream, records: RecordTable, nowMs: number, admit: Admission | undefined): void {
    for (let place = 0; place < records.count; place++) {
      const shard = stream.shardForHash(records.hashKeys, place);
      const refused = admit?.(shard, records.dataBytes(place) + records.keyBytes(place));
      if (refused !== undefined) this.outcomes.fail(place, refused);
      else this.partOf(shard).places.push(place);
    }
    for (const part of this.parts.values()) this.appendPart(part, records, nowMs);
    if (this.parts.size === 0) this.resolve(this.outcomes);
    for (const log of this.parts.keys()) this.onDurable(log);
  }

  onDurable(log: ShardLog): void {
    const part = this.parts.get(log);
    // A log that needed two rounds of syncing for this part says so twice.
    if (part?.appended && log.durableEnd >= part.endOffset) this.finish(log);
  }

  onAppendFailed(log: ShardLog, error: VoikError): void {
    const part = this.parts.get(log);
    if (part === undefined) return;
    for (const place of part.places) {
      const offset = this.outcomes.offsetOf(place);
      const durable = offset >= 0 && offset < log.durableEnd;
      if (!durable) this.outcomes.fail(place, error);
    }
    this.finish(log);
  }

  private partOf(shard: Shard): ShardPart {
    let part = this.parts.get(shard.log);
    if (part === undefined) {
      part = new ShardPart(shard, this.outcomes.addShard(shard));
      this.parts.set(shard.log, part);
    }
    return part;
  }

  private finish(log: ShardLog): void {
    this.parts.delete(log);
    if (this.parts.size === 0) this.resolve(this.outcomes);
  }

  private appendPart(part: ShardPart, records: RecordTable, nowMs: number): void {
    let next = 0;
    try {
      while (next < part.places.length) next = this.appendBatch(part, records, next, nowMs);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      for (let i = next; i < part.places.length; i++) this.outcomes.fail(part.places[i] as number, error);
    }
    part.appended = true;
  }

  /** Appends one batch of the part's records from `first` on; returns the first one that is left. */
  private appendBatch(part: ShardPart, records: RecordTable, first: number, nowMs: number): number {
    const { places, shard } = part;
    let bytes = 0;
    let end = first;
    while (end < places.length && (end === first || bytes < BATCH_BYTES_TARGET))
      bytes += recordBytesMax(records, places[end++] as number);
    const baseOffset = shard.log.append(buildBatch(records, places, first, end, nowMs), this);
    for (let i = first; i < end; i++)
      this.outcomes.appended(places[i] as number, part.number, baseOffset + i - first);
    part.endOffset = baseOffset + end - first;
    return end;
  }
}
