/**
 * What a topic's settings do to a batch before it is appended: its size, the time that its records bear, and its
 * compression. With the settings left alone, which is the hot path, this is a few comparisons.
 */
import { VoikError } from "../base/errors.ts";
import { RecordReader } from "../log/record.ts";
import {
  Attribute,
  attributesOf,
  baseTimestampOf,
  maxTimestampOf,
  stampArrival,
  validateBatch,
} from "../log/record-batch.ts";
import { recompress } from "../log/recompress.ts";
import type { StreamSettings } from "../streams/stream-settings.ts";

/**
 * The batch to append for `batch`, which may be changed in place. Throws VoikError batch_corrupt, batch_invalid,
 * batch_too_large, compression_unsupported, timestamp_invalid or decompression_failed.
 *
 * `arrivalMs` is the broker's time; it becomes the records' own when the topic wants that.
 */
export function acceptBatch(
  batch: Buffer,
  settings: StreamSettings,
  bytesMax: number,
  arrivalMs: number,
): Buffer {
  validateBatch(batch, settings.batchBytesMax ?? bytesMax);
  const { timestamps, compression } = settings;
  const accepted = compression === undefined ? batch : recompress(batch, compression);
  if (timestamps === "arrival") {
    stampArrival(accepted, arrivalMs);
  } else {
    checkTimes(batch, settings, arrivalMs);
  }
  return accepted;
}

function checkTimes(batch: Buffer, settings: StreamSettings, nowMs: number): void {
  if (attributesOf(batch) & Attribute.logAppendTime) {
    throw new VoikError("timestamp_invalid", "a producer may not claim the broker's time (LogAppendTime)");
  }
  const { timestampBeforeMsMax: before, timestampAfterMsMax: after } = settings;
  if (after !== undefined && maxTimestampOf(batch) > nowMs + after) {
    throw outside(maxTimestampOf(batch), after, "after");
  }
  if (before === undefined) return;
  const oldestMs = oldestTimestampOf(batch);
  if (oldestMs < nowMs - before) throw outside(oldestMs, before, "before");
}

/** The header tells the first record's time and the largest: the smallest is found by opening the batch. */
function oldestTimestampOf(batch: Buffer): number {
  let oldestMs = baseTimestampOf(batch);
  const reader = new RecordReader(batch);
  while (reader.next()) oldestMs = Math.min(oldestMs, reader.timestampMs);
  return oldestMs;
}

function outside(timestampMs: number, boundMs: number, side: "before" | "after"): VoikError {
  return new VoikError(
    "timestamp_invalid",
    `a record's time ${timestampMs} lies more than ${boundMs} ms ${side} the broker's (message.timestamp.${side}.max.ms)`,
  );
}
