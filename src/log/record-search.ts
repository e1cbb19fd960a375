/** Finds the first record that is new enough: the only place where a look-up opens records. */
import { VoikError } from "../base/errors.ts";
import { isControl } from "./control-batch.ts";
import type { Gaps } from "./gaps.ts";
import { nextOutsideGaps } from "./gap-scan.ts";
import { headerScan } from "./header-scan.ts";
import type { LogFile } from "./log-file.ts";
import { RecordReader } from "./record.ts";
import { baseOffsetOf, maxTimestampOf } from "./record-batch.ts";
import type { TimestampPosition } from "./shard-log.ts";

/** Batches of a segment's log file: from `position` on, where the one with `baseOffset` starts, to byte `end`. */
interface BatchRun {
  file: LogFile;
  segmentBase: number;
  position: number;
  baseOffset: number;
  end: number;
}

/**
 * The first record of `run` from offset `from` on that is at least as new as `timestampMs`; undefined when there is none.
 * It steps over `gaps`, and throws storage_damaged at a byte that is neither batch nor gap.
 */
export function firstRecordIn(
  { file, segmentBase, position, baseOffset, end }: BatchRun,
  gaps: Gaps,
  timestampMs: number,
  from: number,
): TimestampPosition | undefined {
  headerScan.start(file, position, end, baseOffset);
  for (;;) {
    const step = nextOutsideGaps(gaps, segmentBase, file, end);
    if (step === "end") return undefined;
    if (step === "bad") throw gaps.errorAt(segmentBase, headerScan.position);
    if (step === "gap" || headerScan.maxTimestampMs < timestampMs) continue;
    const batch = Buffer.allocUnsafe(headerScan.bytes);
    file.read(batch, headerScan.position);
    const found = firstRecordAt(batch, timestampMs, from);
    if (found) return found;
  }
}

/** The first record of `batch` from offset `from` on that is at least as new as `timestampMs`. */
function firstRecordAt(batch: Buffer, timestampMs: number, from: number): TimestampPosition | undefined {
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
