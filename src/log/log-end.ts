/** Where a log ends, or a part of it: what a segment, its walkers and the checkpoint tell each other. */

/** Where one batch ends and the next begins: the byte, and the offset there. */
export interface Boundary {
  position: number;
  offset: number;
}

/** The end of a log, or of the part of it that is on the disk. */
export interface LogEnd {
  /** Base offset of the segment that it lies in, and the byte behind the last batch. */
  segmentBase: number;
  position: number;
  /** The offset behind the last record. */
  endOffset: number;
  /** Where the segment's last batch starts; 0 while it is empty. */
  lastBatchPosition: number;
  /** Largest timestamp of the segment's records; -1 while it has none. */
  segmentNewestMs: number;
  /** Largest timestamp of the log, or one that it had earlier. */
  newestMs: number;
  /** Wall time at which the segment was started; 0 while nobody took note of it. */
  startedAtMs: number;
}
