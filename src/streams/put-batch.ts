/** Record batches of the records of a put. */
import { release } from "../base/bytes.ts";
import { BatchBuilder } from "../log/batch-builder.ts";
import { BATCH_HEADER_BYTES } from "../log/record-batch.ts";
import type { RecordTable } from "./record-table.ts";

/** At least as many as lengths and deltas of one record take. */
const RECORD_OVERHEAD_BYTES = 32;

/** A batch is written to its log before the next one is built, so they are all built in the same memory. */
let workspace = Buffer.allocUnsafeSlow(64 * 1024);

function workspaceOf(bytes: number): Buffer {
  if (workspace.length < bytes) {
    release(workspace);
    workspace = Buffer.allocUnsafeSlow(bytes);
  }
  return workspace;
}

/** As many bytes of a batch, and no fewer, as the record at `place` takes. */
export function recordBytesMax(records: RecordTable, place: number): number {
  return records.dataBytes(place) + records.keyBytes(place) + RECORD_OVERHEAD_BYTES;
}

/**
 * A batch of the records at `places`, from the one at `first` there to the one before `end`, all with the time `nowMs`.
 * Good until the next one is built.
 */
export function buildBatch(
  records: RecordTable,
  places: readonly number[],
  first: number,
  end: number,
  nowMs: number,
): Buffer {
  let bytes = BATCH_HEADER_BYTES;
  for (let i = first; i < end; i++) bytes += recordBytesMax(records, places[i] as number);
  const builder = new BatchBuilder(workspaceOf(bytes));
  for (let i = first; i < end; i++) {
    const place = places[i] as number;
    builder.addPiece(
      records.bytes,
      records.keyStart(place),
      records.keyEnd(place),
      records.dataStart(place),
      records.dataEnd(place),
      nowMs,
    );
  }
  return builder.build();
}
