/**
 * Walks a whole segment by its batch headers, so that its indexes can be made anew. Where a header is bad, it looks for
 * the next batch that belongs there, checksum and all, and what lies between is a gap.
 *
 *   | batch | batch | bad bytes | batch | batch |       every batch is noted, the gap too
 */
import { BatchScan } from "./batch-scan.ts";
import type { Gap, Gaps } from "./gaps.ts";
import { headerScan } from "./header-scan.ts";
import type { LogFile } from "./log-file.ts";
import { isIntactBatch } from "./record-batch.ts";

/** What takes note of the batches of a segment, and of the gaps between them. */
interface Notes {
  readonly baseOffset: number;
  /** The offset behind the last one that was noted. */
  endOffset: number;
  noteBatch(
    position: number,
    bytes: number,
    baseOffset: number,
    endOffset: number,
    maxTimestampMs: number,
  ): void;
  noteGap(position: number, endOffset: number): void;
}

/** The log's damage: what is known of it, and who is told of more. */
interface Damage {
  readonly gaps: Gaps;
  onDamage(gap: Gap): void;
}

/** Where the segment's batches end, or ended when it was written. */
interface Extent {
  bytes: number;
  endOffset: number;
}

/** Notes every batch of `file` in `segment`, which has forgotten what it knew; damage that is new goes to `onDamage`. */
export function noteBatches(segment: Notes, file: LogFile, damage: Damage, extent: Extent): void {
  let position = 0;
  let seenTwice = -1;
  let last: { position: number; bytes: number; baseOffset: number } | undefined;
  for (;;) {
    headerScan.start(file, position, extent.bytes, segment.endOffset);
    let step = headerScan.next();
    for (; step === "batch"; step = headerScan.next()) {
      const { position: at, bytes, baseOffset, nextOffset, maxTimestampMs } = headerScan;
      segment.noteBatch(at, bytes, baseOffset, nextOffset, maxTimestampMs);
      last = { position: at, bytes, baseOffset };
    }
    position = headerScan.position;
    if (step === "end" && segment.endOffset === extent.endOffset) return;
    if (position !== seenTwice) {
      // Before it counts as damage, the device is asked again.
      seenTwice = position;
      file.dropCache();
      continue;
    }
    if (last && last.position + last.bytes === position && !isWhole(file, last)) {
      // The header before led here, and it is the one that can't be believed.
      position = last.position;
      segment.endOffset = last.baseOffset;
    }
    const gap = gapAt(segment, file, damage, position, extent);
    if (gap.end >= extent.bytes) return;
    position = gap.end;
    segment.noteGap(position, gap.to);
  }
}

/** Whether the bytes that a header claims are its batch, by their checksum. */
function isWhole(file: LogFile, { position, bytes }: { position: number; bytes: number }): boolean {
  const batch = Buffer.allocUnsafe(bytes);
  return file.read(batch, position) === bytes && isIntactBatch(batch);
}

/** The gap at `position`, as it was noted or as it is found now. */
function gapAt(segment: Notes, file: LogFile, damage: Damage, position: number, extent: Extent): Gap {
  const { baseOffset: segmentBase, endOffset: from } = segment;
  const known = damage.gaps.at(segmentBase, position);
  if (known) return known;
  const behind = new BatchScan(file, extent.bytes).behind(position, from, extent.endOffset);
  const gap = { segmentBase, position, end: behind.position, from, to: behind.offset, setAside: false };
  damage.onDamage(gap);
  return gap;
}
