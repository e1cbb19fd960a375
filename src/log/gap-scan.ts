/**
 * Walks batch headers and steps over known damage. What stands where a gap begins is not believed, however much it looks
 * like a header: with a length that went bad it leads into the middle of something.
 */
import type { Gaps } from "./gaps.ts";
import { headerScan } from "./header-scan.ts";

/** A file as a walk needs it. */
type Readable = Parameters<typeof headerScan.start>[0];

/**
 * The next step of headerScan's walk to `end` (bytes) of the file of `segmentBase`: "batch", "end", "bad" where neither a
 * batch nor a known gap begins, or "gap" when it has stepped over one.
 */
export function nextOutsideGaps(
  gaps: Gaps,
  segmentBase: number,
  file: Readable,
  end: number,
): "batch" | "end" | "bad" | "gap" {
  const step = headerScan.next();
  const gap = step === "end" || gaps.count === 0 ? undefined : gaps.at(segmentBase, headerScan.position);
  if (gap === undefined) return step;
  headerScan.start(file, gap.end, end, gap.to);
  return "gap";
}
