/**
 * Every seed that ever failed, with what it found; they are run before all others. A change to the simulation gives
 * a seed another story, so a new one is added here rather than an old one looked after.
 */
export const REGRESSIONS: readonly { seed: number; found: string; transactions?: boolean }[] = [
  { seed: 10, found: "a folder made by a process that did not live to sync it was never synced" },
  { seed: 33, found: "the same, with the power cut after an acknowledgement" },
  { seed: 77, found: "an opening that failed left its files open" },
  { seed: 22, found: "a new segment that found the disk full left its file open" },
  { seed: 48, found: "an opening that could not make an index left its file open" },
  { seed: 91, found: "the newest record was forgotten when retention deleted an older one" },
  { seed: 129, found: "EIO while an index was rebuilt left the segment with a wrong end" },
  { seed: 150, found: "EIO while a failed append was cut off came out raw, and its bytes stayed" },
  { seed: 161, found: "two pending segments renamed by one recovery, the second rename alone survived" },
  { seed: 577, found: "the same, with a segment behind them" },
  { seed: 2601, found: "a rename that a failed recovery did not sync, followed by the next recovery's" },
  { seed: 1364, found: "a segment that could not be deleted was forgotten, the next one deleted: a gap" },
  { seed: 1466, found: "the same, seen as deleted records that came back" },
  {
    seed: 592,
    found: "a deletion whose folder sync failed did not end the process, and was undone by a crash",
  },
  { seed: 1908, found: "EIO while an index was replaced came out raw; a full disk kept a log from opening" },
  { seed: 18341, found: "an index rebuilt from a flipped header made its segment look older" },
  {
    seed: 23421,
    found: "a look-up by time walked past the durable end into pages that a failed sync had dropped",
  },
  { seed: 23563, found: "the same, after an index that was not there" },
  {
    seed: 2994,
    found: "nothing: the oracle took another log's failed sync for this one's, after a failed rename",
  },
  { seed: 44483, found: "a log that closed after a failed sync did not wait for another sync of its own" },
  { seed: 397, found: "EIO while producers were read back left half of them known", transactions: true },
  {
    seed: 89,
    found: "a pending segment survived a power cut without its .transactions file",
    transactions: true,
  },
  {
    seed: 158,
    found: "retention deleted the segment that alone knew what was open in the next",
    transactions: true,
  },
  {
    seed: 205,
    found: "EIO while transactions were read back had aborted ones noted twice",
    transactions: true,
  },
  {
    seed: 1582,
    found: "what a file said of its segment's end was of an end that a crash had taken",
    transactions: true,
  },
  {
    seed: 1787,
    found: "the same, in a log that was opened cleanly and appended to again",
    transactions: true,
  },
  {
    seed: 1097,
    found: "a .transactions file that a failed sync had lost was believed from the page cache",
    transactions: true,
  },
  {
    seed: 5720,
    found: "a stale file of a segment that never was counted as its successor's",
    transactions: true,
  },
  {
    seed: 2011148,
    found: "closing did not wait for a sync of a .transactions file (44483 in another story)",
  },
  { seed: 1469, found: "a bit flipped in memory on its way to the journal would have been acknowledged" },
  { seed: 1403, found: "after a failed sync a log gave bytes that only the journal still had" },
  { seed: 202211, found: "the durable end went back to a segment that the journal had passed" },
  {
    seed: 2554,
    found: "the .transactions file of a segment that never was came back and told of another past",
  },
  { seed: 7990, found: "the newest time was forgotten with a segment whose deletion a crash undid" },
];
