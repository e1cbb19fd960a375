/**
 * What put-reader.ts and its thread, put-thread.ts, say to each other, and the memory that they share: one slot for each
 * body in work.
 *
 *   put-reader.ts -- { slot, memory } -------------> put-thread.ts     once for each slot
 *                 -- { slot, forget: true } ------->                   when its memory is let go
 *                 -- { slot, operation, bytes } --->                   once for each body
 *                 <- "ready" -----------------------                   once, when it runs
 *                 <- { put? } ----------------------                   once for each body, in order
 *
 *   memory    table of PUT_RECORDS_MAX records | body
 */
import { TABLE_BYTES } from "../streams/record-table.ts";
import { PUT_RECORDS_MAX } from "./members.ts";
import type { PutOperation, PutTarget } from "./put-body.ts";

export type PutRequest =
  | { slot: number; memory: SharedArrayBuffer }
  | { slot: number; forget: true }
  | { slot: number; operation: PutOperation; bytes: number };

export interface PutReply {
  /** Missing when the general way has to read the body, which is as it was. */
  put?: PutTarget & { count: number };
}

/** Where the body begins in a slot's memory. */
export const BODY_AT = PUT_RECORDS_MAX * TABLE_BYTES;
