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
import type { BuiltBatches } from "./built-batches.ts";
import { lastOffsetDeltaOf } from "../log/record-batch.ts";
import { BATCH_BYTES_TARGET, buildBatch, recordBytesMax } from "./put-batch.ts";
import type { RecordTable } from "./record-table.ts";

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
  /** How many of them were appended. */
  appendedCount = 0;
  /** Their batches, when these were built before. */
  readonly built: Buffer[] = [];
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
    const { built } = records;
    if (admit === undefined && built?.routingId === stream.routing.id)
      this.shareBuilt(stream, records, built);
    else this.share(stream, records, admit);
    for (const part of this.parts.values()) this.appendPart(part, records, nowMs);
    if (this.parts.size === 0) this.resolve(this.outcomes);
    for (const log of this.parts.keys()) this.onDurable(log);
  }

  private share(stream: Stream, records: RecordTable, admit: Admission | undefined): void {
    for (let place = 0; place < records.count; place++) {
      const shard = stream.shardForHash(records.hashKeys, place);
      const refused = admit?.(shard, records.dataBytes(place) + records.keyBytes(place));
      if (refused !== undefined) this.outcomes.fail(place, refused);
      else this.partOf(shard).places.push(place);
    }
  }

  private shareBuilt(stream: Stream, records: RecordTable, built: BuiltBatches): void {
    const parts: ShardPart[] = [];
    for (let batch = 0; batch < built.count; batch++) {
      const part = this.partOf(stream.routes[built.routeOf(batch)] as Shard);
      part.built.push(built.bytesOf(batch));
      parts.push(part);
    }
    for (let place = 0; place < records.count; place++)
      (parts[built.batchOf(place)] as ShardPart).places.push(place);
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
    const { places, built } = part;
    try {
      for (let number = 0; part.appendedCount < places.length; number++)
        this.appendBatch(part, built[number] ?? nextBatch(part, records, nowMs));
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      for (let i = part.appendedCount; i < places.length; i++) this.outcomes.fail(places[i] as number, error);
    }
    part.appended = true;
  }

  private appendBatch(part: ShardPart, batch: Buffer): void {
    const { places, number, appendedCount: first } = part;
    const end = first + lastOffsetDeltaOf(batch) + 1;
    const baseOffset = part.shard.log.append(batch, this);
    for (let i = first; i < end; i++)
      this.outcomes.appended(places[i] as number, number, baseOffset + i - first);
    part.endOffset = baseOffset + end - first;
    part.appendedCount = end;
  }
}

/** A batch of the part's records that were not appended yet, or of the first of them. */
function nextBatch({ places, appendedCount: first }: ShardPart, records: RecordTable, nowMs: number): Buffer {
  let bytes = 0;
  let end = first;
  while (end < places.length && (end === first || bytes < BATCH_BYTES_TARGET))
    bytes += recordBytesMax(records, places[end++] as number);
  return buildBatch(records, places, first, end, nowMs);
}
