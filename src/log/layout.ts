/**
 * Names in a shard's folder. A segment is named by the base offset of its first record, 20 digits, so that names
 * sort as offsets do.
 *
 *   00000000000000000000.log             record batches, nothing else
 *   00000000000000000000.index           offset index   (a hint, rebuilt at will)
 *   00000000000000000000.timeindex       time index     (a hint, rebuilt at will)
 *   00000000000000000000.transactions    what transactions are open and aborted, where there are any
 *   00000000000000123456.log.pending     a new segment, until everything before it is on the disk
 *   00000000000000000000.log.deleted     on its way out
 *   00000000000000123456.8192.torn       a torn tail that recovery cut off at byte 8192, kept for people to look at
 *   00000000000000123456.8192.bad        a copy of damaged bytes, from byte 8192 on, made by `voik log repair`
 *   checkpoint                           how far the log is known to be on the disk   (checkpoint.ts)
 *   start                                the first offset, once a trim has set it     (log-start.ts)
 *   gaps                                 damage, and what was set aside               (gaps.ts)
 */

const DIGITS = 20;

/** The names of one segment's files, with their folder. */
export interface SegmentPaths {
  log: string;
  pendingLog: string;
  offsetIndex: string;
  timeIndex: string;
  transactions: string;
  torn(position: number): string;
  bad(position: number): string;
}

export function segmentPaths(folder: string, baseOffset: number): SegmentPaths {
  const stem = `${folder}/${String(baseOffset).padStart(DIGITS, "0")}`;
  return {
    log: `${stem}.log`,
    pendingLog: `${stem}.log.pending`,
    offsetIndex: `${stem}.index`,
    timeIndex: `${stem}.timeindex`,
    transactions: `${stem}.transactions`,
    torn: (position) => `${stem}.${position}.torn`,
    bad: (position) => `${stem}.${position}.bad`,
  };
}

/** The base offset in a segment's file name that ends with `suffix`; undefined for any other name. */
export function baseOffsetInName(
  name: string,
  suffix: ".log" | ".log.pending" | ".transactions",
): number | undefined {
  const stem = name.slice(0, DIGITS);
  if (name !== stem + suffix || !/^\d{20}$/.test(stem)) return undefined;
  const baseOffset = Number(stem);
  return Number.isSafeInteger(baseOffset) ? baseOffset : undefined;
}

export const DELETED_SUFFIX = ".deleted";
export const CHECKPOINT_NAME = "checkpoint";
export const START_NAME = "start";
export const GAPS_NAME = "gaps";

/** Whether a file of this name belongs to a log, besides its .log files. */
export function isPartOfLog(name: string): boolean {
  return (
    name === CHECKPOINT_NAME ||
    name === START_NAME ||
    name === GAPS_NAME ||
    /^\d{20}\.(index|timeindex|transactions|\d+\.(torn|bad))$/.test(name)
  );
}
