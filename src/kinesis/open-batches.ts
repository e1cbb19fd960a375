/**
 * Compressed batches that a read ended in the middle of, kept open for the read that goes on there: a consumer
 * with a small Limit would otherwise have the same megabytes decompressed again on each call. A handful is kept, the
 * oldest go first; a read that finds none opens its batch anew, so nothing but time depends on them.
 */
import type { RecordReader } from "../log/record.ts";
import type { ShardLog } from "../log/shard-log.ts";

/** A batch being read: `reader` stands on a record that was not given yet. */
export interface OpenBatch {
  readonly reader: RecordReader;
  /** The offset behind the batch's last record. */
  readonly endOffset: number;
  readonly compressed: boolean;
}

interface ParkedBatch extends OpenBatch {
  readonly log: ShardLog;
  readonly offset: number;
}

const PARKED_BYTES_MAX = 64 * 1024 * 1024;

export class OpenBatches {
  private readonly parked: ParkedBatch[] = [];
  private bytes = 0;

  /** Keeps `batch` for a read of `log` from `offset` on. */
  park(log: ShardLog, offset: number, batch: OpenBatch): void {
    this.parked.push({ ...batch, log, offset });
    this.bytes += batch.reader.bytes.length;
    while (this.bytes > PARKED_BYTES_MAX) this.remove(0);
  }

  /** The batch parked for exactly this read, which now owns it. */
  take(log: ShardLog, offset: number): OpenBatch | undefined {
    const place = this.parked.findIndex((batch) => batch.offset === offset && batch.log === log);
    return place < 0 ? undefined : this.remove(place);
  }

  private remove(place: number): OpenBatch | undefined {
    const [batch] = this.parked.splice(place, 1);
    if (batch !== undefined) this.bytes -= batch.reader.bytes.length;
    return batch;
  }
}
