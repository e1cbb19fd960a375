/**
 * Holds the sealed indexes of a segment against its batches as they pass by. A wrong index costs no record: look-ups
 * check what it says, and it is rebuilt.
 */
import type { FileSystem } from "../base/file-system.ts";
import type { Note } from "./damage.ts";
import {
  type IndexContent,
  OFFSET_ENTRY_BYTES,
  offsetEntry,
  readIndex,
  TIME_ENTRY_BYTES,
  timeEntry,
} from "./index-content.ts";
import type { SegmentPaths } from "./layout.ts";

export class IndexCheck {
  private readonly offsets: IndexContent | undefined;
  private readonly times: IndexContent | undefined;
  private next = 0;
  private lies = 0;

  constructor(
    fileSystem: FileSystem,
    private readonly paths: SegmentPaths,
    private readonly baseOffset: number,
  ) {
    this.offsets = readIndex(fileSystem, paths.offsetIndex, OFFSET_ENTRY_BYTES, baseOffset);
    this.times = readIndex(fileSystem, paths.timeIndex, TIME_ENTRY_BYTES, baseOffset);
  }

  /** A good batch at `position` has base offset `offset`; batches come in order. */
  batch(position: number, offset: number): void {
    const { offsets } = this;
    while (offsets?.sealed && this.next < offsets.count) {
      const entry = offsetEntry(offsets, this.next, this.baseOffset);
      if (entry.position > position) return;
      if (entry.position < position || entry.offset !== offset) this.lies++;
      this.next++;
    }
  }

  /** What is wrong with the indexes of a segment that ends at `endOffset`. */
  finish(endOffset: number, maxTimestampMs: number): Note[] {
    const { offsets, times, paths } = this;
    const lies = this.lies + (offsets?.sealed ? offsets.count - this.next : 0);
    const notes: Note[] = [];
    const wrong = (path: string, what: string) =>
      notes.push({ path, message: `${what}: it will be rebuilt` });
    if (offsets === undefined) wrong(paths.offsetIndex, "the index is missing");
    else if (!offsets.sealed) wrong(paths.offsetIndex, "the index is cut off, changed or of another segment");
    else if (lies > 0) wrong(paths.offsetIndex, `${lies} entries of the index lead to no batch`);
    if (times === undefined) wrong(paths.timeIndex, "the index is missing");
    else if (!times.sealed) wrong(paths.timeIndex, "the index is cut off, changed or of another segment");
    else {
      const last = times.count === 0 ? undefined : timeEntry(times, times.count - 1, this.baseOffset);
      if (last?.beforeOffset !== endOffset || last.timestampMs < maxTimestampMs)
        wrong(paths.timeIndex, "the index does not reach the end of its segment");
    }
    return notes;
  }
}
