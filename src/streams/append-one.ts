/** Appends a put of one record, as many puts are: the request is its own waiter and its own outcome. */
import { VoikError } from "../base/errors.ts";
import type { DurableWaiter, ShardLog } from "../log/shard-log.ts";
import type { Admission, AppendOutcomes, Shard, Stream } from "./broker.ts";
import { buildBatch } from "./put-batch.ts";
import type { RecordTable } from "./record-table.ts";

const THE_ONLY = [0];

/** As appendRecords, of a table that has but one record. */
export function appendOne(
  stream: Stream,
  records: RecordTable,
  nowMs: number,
  admit?: Admission,
): Promise<AppendOutcomes> {
  return new Promise((resolve) => {
    const shard = stream.shardForHash(records.hashKeys, 0);
    const append = new OneAppend(shard, resolve);
    const refused = admit?.(shard, records.dataBytes(0) + records.keyBytes(0));
    if (refused === undefined) append.run(records, nowMs);
    else append.onAppendFailed(shard.log, refused);
  });
}

class OneAppend implements DurableWaiter, AppendOutcomes {
  readonly count = 1;
  private offset = -1;
  private error: VoikError | undefined;

  constructor(
    private readonly shard: Shard,
    private readonly resolve: (outcomes: AppendOutcomes) => void,
  ) {}

  run(records: RecordTable, nowMs: number): void {
    const { log } = this.shard;
    try {
      this.offset = log.append(buildBatch(records, THE_ONLY, 0, 1, nowMs), this);
    } catch (error) {
      if (!(error instanceof VoikError)) throw error;
      return this.onAppendFailed(log, error);
    }
    this.onDurable(log);
  }

  onDurable(log: ShardLog): void {
    if (this.offset >= 0 && log.durableEnd > this.offset) this.resolve(this);
  }

  onAppendFailed(log: ShardLog, error: VoikError): void {
    // What is durable was written, whatever happened since.
    if (this.offset < 0 || this.offset >= log.durableEnd) this.error = error;
    this.resolve(this);
  }

  get failed(): number {
    return this.error === undefined ? 0 : 1;
  }

  errorOf(): VoikError | undefined {
    return this.error;
  }

  shardOf(): Shard {
    return this.shard;
  }

  offsetOf(): number {
    return this.offset;
  }
}
