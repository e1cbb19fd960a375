/**
 * Batches in a piece that was copied out of a log, held against what they should be before anybody believes a field of
 * them: the checksum covers all behind byte 21, the offset that the batch before ends with covers the base offset.
 *
 *   piece   | batch | batch | damaged | batch |
 *                           ^ at              ^ endOffset
 */
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  batchBytesOf,
  isIntactBatch,
  nextOffsetOf,
} from "./record-batch.ts";

/** The batch at `at`, which should start at `offset`; undefined when it is not as it was written. */
export function intactBatchAt(piece: Buffer, at: number, offset: number): Buffer | undefined {
  if (at < 0 || piece.length - at < BATCH_HEADER_BYTES) return undefined;
  const batch = piece.subarray(at, at + batchBytesOf(piece, at));
  return isIntactBatch(batch) && baseOffsetOf(batch) === offset ? batch : undefined;
}

/**
 * Where to read on behind the damaged batch at `at`, which should start at `offset`; at most `endOffset`, where the piece
 * ends. Of its header, what bears itself out is believed: one flipped bit spoils its length or its count, not both.
 */
export function offsetBehindDamage(piece: Buffer, at: number, offset: number, endOffset: number): number {
  if (piece.length - at < BATCH_HEADER_BYTES) return endOffset;
  const end = at + batchBytesOf(piece, at);
  if (end > at && end + BATCH_HEADER_BYTES <= piece.length) {
    const next = baseOffsetOf(piece, end);
    if (next > offset && next < endOffset && intactBatchAt(piece, end, next)) return next;
  }
  const counted = offset + nextOffsetOf(piece, at) - baseOffsetOf(piece, at);
  return end !== piece.length && counted > offset && counted < endOffset ? counted : endOffset;
}
