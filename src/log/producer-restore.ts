/**
 * Reads what is known of producers back from the end of a log: the headers of about its last 16 MiB, oldest first. What
 * a producer may send again after a crash lies there: at most 8 MiB are written and not acknowledged.
 */
import type { Gaps } from "./gaps.ts";
import { nextOutsideGaps } from "./gap-scan.ts";
import { headerScan } from "./header-scan.ts";
import { ProducerStates } from "./producer-state.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";

const RESTORED_BYTES = 16 << 20;

/** The producers of a log; what the log ends with is read when it is first needed. */
export function producersOf(segments: SegmentList, gaps: Gaps): ProducerStates {
  const producers: ProducerStates = new ProducerStates(() => restore(segments, gaps, producers));
  return producers;
}

function restore(segments: SegmentList, gaps: Gaps, producers: ProducerStates): void {
  const tail: { segment: Segment; skipped: number }[] = [];
  let bytes = RESTORED_BYTES;
  for (const segment of [...segments].reverse()) {
    if (bytes <= 0) break;
    tail.unshift({ segment, skipped: Math.max(0, segment.bytes - bytes) });
    bytes -= segment.bytes;
  }
  for (const { segment, skipped } of tail) if (segment.bytes > 0) walk(segment, skipped, gaps, producers);
}

function walk(segment: Segment, skippedBytes: number, gaps: Gaps, producers: ProducerStates): void {
  const { file, bytes, baseOffset } = segment;
  const begin = { position: 0, offset: baseOffset };
  const end = { position: bytes, offset: segment.endOffset };
  const start = skippedBytes === 0 ? begin : segment.lastBoundary(begin, skippedBytes, end);
  headerScan.start(file, start.position, bytes, start.offset);
  for (;;) {
    const step = nextOutsideGaps(gaps, baseOffset, file, bytes);
    if (step === "end") return;
    if (step === "batch") producers.note(headerScan.window, headerScan.at);
    else producers.clear();
    if (step === "bad") return;
  }
}
