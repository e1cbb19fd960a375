/** Finds a record inside one batch: the only place where a look-up opens records. */
import { VoikError } from "../base/errors.ts";
import { isControl } from "./control-batch.ts";
import { RecordReader } from "./record.ts";
import { baseOffsetOf, maxTimestampOf } from "./record-batch.ts";
import type { TimestampPosition } from "./shard-log.ts";

/** The first record of `batch` from offset `from` on that is at least as new as `timestampMs`. */
export function firstRecordAt(
  batch: Buffer,
  timestampMs: number,
  from: number,
): TimestampPosition | undefined {
  // A marker has no record that the reader would give, and its time counts all the same.
  if (isControl(batch)) return { offset: baseOffsetOf(batch), timestampMs: maxTimestampOf(batch) };
  try {
    const records = new RecordReader(batch);
    while (records.next()) {
      if (records.timestampMs >= timestampMs && records.offset >= from)
        return { offset: records.offset, timestampMs: records.timestampMs };
    }
    return undefined;
  } catch (error) {
    // Records that can't be opened: the header has to do.
    if (error instanceof VoikError)
      return { offset: Math.max(from, baseOffsetOf(batch)), timestampMs: maxTimestampOf(batch) };
    throw error;
  }
}
