/**
 * The markers that end a transaction in a shard (KIP-98): a batch of one record that only the broker writes. It takes
 * an offset like any other record; clients see it and show it to nobody.
 *
 *   header    attributes: transactional and control | producer id | epoch | base sequence -1
 *   key       version i16 = 0 | type i16: 0 abort, 1 commit
 *   value     version i16 = 0 | coordinator epoch i32 = 0
 */
import { type Cursor, readVarint, readVarlong } from "../base/varint.ts";
import { BatchBuilder } from "./batch-builder.ts";
import { Attribute, attributesOf, BATCH_HEADER_BYTES, stampProducer } from "./record-batch.ts";

export type MarkerKind = "commit" | "abort";

/** A marker has less than this, so reading so much of a control batch is reading its key. */
export const MARKER_BYTES_MAX = 128;

const TYPES: readonly MarkerKind[] = ["abort", "commit"];
const NO_SEQUENCE = -1;
const VALUE = Buffer.alloc(6);

/** The batch that ends the transaction of a producer, ready to be appended. */
export function markerBatch(
  kind: MarkerKind,
  producerId: number,
  producerEpoch: number,
  nowMs: number,
): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(TYPES.indexOf(kind), 2);
  const builder = new BatchBuilder(MARKER_BYTES_MAX);
  builder.add(key, VALUE, nowMs);
  const batch = builder.build();
  batch.writeInt16BE(Attribute.transactional | Attribute.control, 21);
  stampProducer(batch, producerId, producerEpoch, NO_SEQUENCE);
  return batch;
}

export const isControl = (b: Buffer, at = 0): boolean => (attributesOf(b, at) & Attribute.control) !== 0;
export const isTransactional = (b: Buffer, at = 0): boolean =>
  (attributesOf(b, at) & Attribute.transactional) !== 0;

/** What the control batch that starts at `at` says; undefined for one of another kind. */
export function markerKindOf(bytes: Buffer, at = 0): MarkerKind | undefined {
  const cursor: Cursor = { bytes, at: at + BATCH_HEADER_BYTES };
  try {
    readVarint(cursor); // length of the record
    cursor.at++;
    readVarlong(cursor);
    readVarint(cursor);
    const keyBytes = readVarint(cursor);
    if (keyBytes < 4 || cursor.at + 4 > bytes.length) return undefined;
    return TYPES[bytes.readInt16BE(cursor.at + 2)];
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
