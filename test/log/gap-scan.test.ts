/** A batch whose length went bad costs that batch alone, though its header still looks like one and leads elsewhere. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { disk } from "../../src/base/disk.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { segmentPaths } from "../../src/log/layout.ts";
import { baseOffsetOf } from "../../src/log/record-batch.ts";
import { makeTransactionsFile } from "../../src/log/transactions-file.ts";
import { appendDurably, batchOf, openLog, temporaryFolder } from "../helpers/log.ts";

/** Three batches fill a segment. */
const VALUE = "x".repeat(2_500);
const SEGMENT_BYTES_MAX = 8 << 10;
const DAMAGED = 3;
const LENGTH_AT = 8;

function offsetReadAt(log: CommitLog, offset: number): number {
  const range = log.locate(offset, 1);
  const bytes = Buffer.alloc(range?.bytes ?? 0);
  range?.copy(bytes, 0);
  range?.release();
  return baseOffsetOf(bytes);
}

test.each(Array.from({ length: 32 }, (_, bit) => [bit]))(
  "bit %d of the length of the last segment's only batch",
  async (bit) => {
    const { folder, remove } = temporaryFolder();
    const log = await openLog(folder, { segmentBytesMax: SEGMENT_BYTES_MAX });
    for (let i = 0; i <= DAMAGED; i++) await appendDurably(log, batchOf([VALUE], 1_000 + i));
    await log.close();
    const path = segmentPaths(folder, DAMAGED).log;
    const bytes = readFileSync(path);
    const at = LENGTH_AT + 3 - (bit >> 3);
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    writeFileSync(path, bytes);
    // As a crash leaves it: what transactions were open is read from the segment.
    makeTransactionsFile(disk, segmentPaths(folder, DAMAGED).transactions, undefined);
    const again = await openLog(folder, { segmentBytesMax: SEGMENT_BYTES_MAX });
    expect([again.endOffset, again.stableEnd, again.abortedIn(0, 4), again.producers()]).toEqual([
      4,
      4,
      [],
      [],
    ]);
    for (let offset = 0; offset < DAMAGED; offset++) expect(offsetReadAt(again, offset)).toBe(offset);
    expect(() => again.locate(DAMAGED, 1)).toThrow("damaged record batch");
    expect(again.offsetForTimestamp(1_002)).toMatchObject({ offset: 2 });
    await again.close();
    remove();
  },
);
