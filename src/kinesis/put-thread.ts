/**
 * The thread that reads large bodies of puts; put-thread-memory.ts says how it is spoken to. An entry point of its own,
 * in the executable too (deploy/build.ts).
 */
import { RecordTable } from "../streams/record-table.ts";
import { PUT_RECORDS_MAX } from "./members.ts";
import { type PutOperation, scanPutTo } from "./put-body.ts";
import { BODY_AT, type PutReply, type PutRequest } from "./put-thread-memory.ts";

declare const self: Worker;

const slots = new Map<number, SharedArrayBuffer>();

self.onmessage = ({ data }: MessageEvent<PutRequest>) => {
  if ("memory" in data) slots.set(data.slot, data.memory);
  else if ("forget" in data) slots.delete(data.slot);
  else self.postMessage(read(slots.get(data.slot) as SharedArrayBuffer, data.operation, data.bytes));
};
self.postMessage("ready");

function read(memory: SharedArrayBuffer, operation: PutOperation, bytes: number): PutReply {
  const records = RecordTable.shared(PUT_RECORDS_MAX, Buffer.from(memory, BODY_AT, bytes), memory, 0);
  const target = scanPutTo(operation, records);
  return target === undefined ? {} : { put: { ...target, count: records.count } };
}
