/**
 * What put-reader.ts and its thread, put-thread.ts, say to each other, and the memory that they share: one slot for each
 * body in work.
 *
 *   put-reader.ts -- { slot, memory } -------------> put-thread.ts     once for each slot, and when it needs more
 *                 -- { slot, forget: true } ------->                   when its memory is let go
 *                 -- { stream, starts, id } ------->                   how a stream routes hash keys now
 *                 -- { slot, operation, body, nowMs }                  once for each body, which goes along
 *                 <- "ready" -----------------------                   once, when it runs
 *                 <- { put } or { body } -----------                   once for each body, in order
 *
 *   memory    table of PUT_RECORDS_MAX records | which batches there are | batches
 */
import { BUILT_BYTES, BuiltBatches } from "../streams/built-batches.ts";
import { RecordTable, TABLE_BYTES } from "../streams/record-table.ts";
import { PUT_RECORDS_MAX } from "./members.ts";
import { batchesBytesMax } from "./put-batches.ts";
import type { PutOperation, PutTarget } from "./put-body.ts";

export type PutRequest =
  | { slot: number; memory: SharedArrayBuffer }
  | { slot: number; forget: true }
  | { stream: string; starts: Uint32Array; id: number }
  | PutToRead;

export interface PutToRead {
  slot: number;
  operation: PutOperation;
  body: ArrayBuffer;
  /** The time of its records. */
  nowMs: number;
}

export type PutReply =
  | { put: PutTarget & { count: number; batches: number; routingId: number } }
  /** The general way has to read it. */
  | { body: ArrayBuffer };

const BUILT_AT = PUT_RECORDS_MAX * TABLE_BYTES;
const AREA_AT = Math.ceil((BUILT_AT + PUT_RECORDS_MAX * BUILT_BYTES) / 8) * 8;

/** Bytes of a slot for a body of `bodyBytes` bytes. */
export function slotBytes(bodyBytes: number): number {
  return AREA_AT + batchesBytesMax(bodyBytes, PUT_RECORDS_MAX);
}

/** Where batches are in a slot's memory. */
export function areaOf(memory: SharedArrayBuffer): Buffer {
  return Buffer.from(memory, AREA_AT);
}

/** The table in a slot's memory: of records in `bytes`, `count` of them. */
export function tableIn(memory: SharedArrayBuffer, bytes: Buffer, count = 0): RecordTable {
  return RecordTable.shared(PUT_RECORDS_MAX, bytes, memory, 0, count);
}

/** The batches in a slot's memory. */
export function batchesIn(memory: SharedArrayBuffer, area: Buffer): BuiltBatches {
  return BuiltBatches.shared(PUT_RECORDS_MAX, area, memory, BUILT_AT);
}
