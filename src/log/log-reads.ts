/** Look-ups in the readable part of a log: which bytes hold an offset, and which record a time. */
import { VoikError } from "../base/errors.ts";
import type { DurableEnd } from "./durable-end.ts";
import type { Gaps } from "./gaps.ts";
import { LogFileRange } from "./log-range.ts";
import type { SegmentList } from "./segment-list.ts";
import type { LogRange, TimestampPosition } from "./shard-log.ts";

export class LogReads {
  constructor(
    private readonly segments: SegmentList,
    private readonly gaps: Gaps,
    private readonly readable: DurableEnd,
  ) {}

  /** Throws VoikError offset_out_of_range when the log, which begins at `startOffset`, has no place for a reader there. */
  checkHas(offset: number, startOffset: number): void {
    const end = this.readable.offset;
    if (offset >= startOffset && offset <= end) return;
    throw new VoikError(
      "offset_out_of_range",
      `offset ${offset} is outside ${startOffset}..${end}, which this shard holds`,
    );
  }

  /** ShardLog.locate, for an offset that is in the log. */
  locate(asked: number, maxBytes: number, until: number): LogRange | undefined {
    const { gaps } = this;
    const offset = gaps.count === 0 ? asked : gaps.readableFrom(asked);
    if (offset >= Math.min(until, this.readable.offset)) return undefined;
    const segment = this.segments.holding(offset);
    const end = this.readable.endIn(segment, until);
    const { position, bytes, baseOffset, nextOffset } = segment.find(offset, end.position);
    const first = { position: position + bytes, offset: nextOffset };
    let stop = bytes >= maxBytes ? first : segment.lastBoundary(first, position + maxBytes, end);
    if (gaps.count > 0) stop = gaps.clip(segment.baseOffset, position, stop);
    return new LogFileRange(segment, position, stop.position - position, baseOffset, stop.offset);
  }

  /** The first record from `startOffset` on that is at least as new as `timestampMs`. */
  atTimestamp(timestampMs: number, startOffset: number): TimestampPosition | undefined {
    const { readable } = this;
    for (const segment of this.segments.fromTimestamp(timestampMs)) {
      if (segment.baseOffset >= readable.offset) return undefined;
      if (segment.endOffset <= startOffset || segment.maxTimestampMs < timestampMs) continue;
      const endOffset = Math.min(segment.endOffset, readable.offset);
      const found = segment.findTimestamp(timestampMs, startOffset, readable.bytesOf(segment), endOffset);
      if (found) return found;
    }
    return undefined;
  }

  /** The record with the largest timestamp, of those from `startOffset` on. */
  newest(startOffset: number): TimestampPosition | undefined {
    const { readable } = this;
    if (readable.offset === startOffset) return undefined;
    return (
      this.atTimestamp(readable.likelyNewestMs, startOffset) ??
      this.atTimestamp(readable.findNewest(), startOffset)
    );
  }
}
