/**
 * Appends the records of one request to the shards that their keys hash to. Each shard gets its records as one
 * batch (more when they pass BATCH_BYTES_TARGET), in the order of the request. One object waits for all of them:
 * nothing is allocated per record but its outcome.
 */
import { release } from "../base/bytes.ts";
import { VoikError } from "../base/errors.ts";
import { BatchBuilder } from "../log/batch-builder.ts";
import { BATCH_HEADER_BYTES } from "../log/record-batch.ts";
import type { DurableWaiter, ShardLog } from "../log/shard-log.ts";
import type { AppendOutcome, RecordToAppend, Shard, Stream } from "./broker.ts";
import { hashKeyFor } from "./hash-range.ts";

/** Batches end at the first record that takes them past this, so that a reader opens little more than it asked for. */
export const BATCH_BYTES_TARGET = 1 << 20;

/** A batch is written to its log before the next one is built, so they are all built in the same memory. */
let workspace = Buffer.allocUnsafeSlow(64 * 1024);

function workspaceOf(bytes: number): Buffer {
  if (workspace.length < bytes) {
    release(workspace);
    workspace = Buffer.allocUnsafeSlow(bytes);
  }
  return workspace;
}

/**
 * Appends `records`, all with the time `nowMs`; resolves when every one is durable or has failed, with an outcome
 * for each in their order. Never rejects with a VoikError: a shard's failure is the outcome of its own records.
 */
export function appendRecords(
  stream: Stream,
  records: readonly RecordToAppend[],
  nowMs: number,
): Promise<AppendOutcome[]> {
  return new Promise((resolve, reject) => {
    try {
      new AppendRequest(records, resolve).run(stream, nowMs);
    } catch (error) {
      reject(error);
    }
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

  constructor(readonly shard: Shard) {}
}

class AppendRequest implements DurableWaiter {
  private readonly parts = new Map<ShardLog, ShardPart>();
  private readonly outcomes: AppendOutcome[];

  constructor(
    private readonly records: readonly RecordToAppend[],
    private readonly resolve: (outcomes: AppendOutcome[]) => void,
  ) {
    this.outcomes = new Array<AppendOutcome>(records.length);
  }

  run(stream: Stream, nowMs: number): void {
    this.records.forEach((record, place) => {
      const shard = stream.shardForHash(hashKeyFor(record));
      let part = this.parts.get(shard.log);
      if (part === undefined) this.parts.set(shard.log, (part = new ShardPart(shard)));
      part.places.push(place);
    });
    for (const part of this.parts.values()) this.appendPart(part, nowMs);
    for (const log of this.parts.keys()) this.onDurable(log);
    if (this.records.length === 0) this.resolve(this.outcomes);
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
      const outcome = this.outcomes[place];
      const durable = outcome !== undefined && "offset" in outcome && outcome.offset < log.durableEnd;
      if (!durable) this.outcomes[place] = { error };
    }
    this.finish(log);
  }

  private finish(log: ShardLog): void {
    this.parts.delete(log);
    if (this.parts.size === 0) this.resolve(this.outcomes);
  }

  private appendPart(part: ShardPart, nowMs: number): void {
    let next = 0;
    try {
      while (next < part.places.length) next = this.appendBatch(part, next, nowMs);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      for (let i = next; i < part.places.length; i++) this.outcomes[part.places[i] as number] = { error };
    }
    part.appended = true;
  }

  /** Appends one batch of the part's records from `first` on; returns the first one that is left. */
  private appendBatch(part: ShardPart, first: number, nowMs: number): number {
    const { places, shard } = part;
    let bytes = 0;
    let end = first;
    while (end < places.length && (end === first || bytes < BATCH_BYTES_TARGET)) {
      const record = this.records[places[end] as number] as RecordToAppend;
      // A UTF-16 unit is at most three bytes; 32 hold the lengths and deltas of a record.
      bytes += record.data.length + (record.partitionKey?.length ?? 0) * 3 + 32;
      end++;
    }
    const builder = new BatchBuilder(workspaceOf(bytes + BATCH_HEADER_BYTES));
    for (let i = first; i < end; i++) {
      const { partitionKey, data } = this.records[places[i] as number] as RecordToAppend;
      builder.add(partitionKey === undefined ? null : Buffer.from(partitionKey, "utf8"), data, nowMs);
    }
    const baseOffset = shard.log.append(builder.build(), this);
    for (let i = first; i < end; i++) {
      this.outcomes[places[i] as number] = { shard, offset: baseOffset + i - first };
    }
    part.endOffset = baseOffset + builder.count;
    return end;
  }
}
