/**
 * Builds the record batches of a put straight from its body: what is base64 there is decoded to where it belongs in a
 * batch, and is copied nowhere else. For the thread that reads large bodies (put-thread.ts).
 */
import { assert } from "../base/assert.ts";
import { varintBytes } from "../base/varint.ts";
import { BatchBuilder } from "../log/batch-builder.ts";
import { BATCH_HEADER_BYTES } from "../log/record-batch.ts";
import type { BuiltBatches } from "../streams/built-batches.ts";
import { BATCH_BYTES_TARGET, RECORD_OVERHEAD_BYTES } from "../streams/put-batch.ts";
import type { RecordTable } from "../streams/record-table.ts";
import type { Routing } from "../streams/routing.ts";
import { Base64Body, base64Bytes } from "./base64-body.ts";

/**
 * Bytes that the batches of a body of `bodyBytes` bytes take at most: the text of a record is longer than the record, but
 * for lengths and deltas, and each record may be a batch by itself.
 */
export function batchesBytesMax(bodyBytes: number, recordsMax: number): number {
  return bodyBytes + recordsMax * (RECORD_OVERHEAD_BYTES + BATCH_HEADER_BYTES);
}

/** Where a batch is built. */
interface Place {
  builder: BatchBuilder;
  start: number;
}

/**
 * Builds the batches of `records`, as scanPutTo has left them, all with the time `nowMs`, in `area`, where the table's keys
 * and data lie from then on; what is built is noted in `built`. Returns false when the data of one is no base64.
 */
export function buildBatches(
  records: RecordTable,
  routing: Routing,
  area: Buffer,
  built: BuiltBatches,
  nowMs: number,
): boolean {
  const { bytes: body } = records;
  const places = placesOf(share(records, routing, built), area);
  const texts = new Base64Body(body);
  for (let place = 0; place < records.count; place++) {
    const dataStart = records.dataStart(place);
    const dataEnd = records.dataEnd(place);
    const bytes = base64Bytes(body, dataStart, dataEnd);
    const { builder, start } = places[built.batchOf(place)] as Place;
    const room = builder.addRoom(body, records.keyStart(place), records.keyEnd(place), bytes, nowMs);
    const at = start + room;
    if (!texts.decode(dataStart, dataEnd, area.subarray(at, at + bytes))) return false;
    const keyEnd = at - varintBytes(bytes);
    records.move(place, keyEnd - records.keyBytes(place), keyEnd, at, at + bytes);
  }
  for (const [batch, { builder, start }] of places.entries())
    built.finish(batch, start, start + builder.build().length);
  built.routingId = routing.id;
  return true;
}

/** Says which batch each record goes to, in `built`; returns the bytes that each batch may take. */
function share(records: RecordTable, routing: Routing, built: BuiltBatches): number[] {
  const sizes: number[] = [];
  /** The batch that each route's next record goes to. */
  const open: number[] = [];
  for (let place = 0; place < records.count; place++) {
    const route = routing.routeOf(records.hashKeys, place);
    let batch = open[route];
    if (batch === undefined || (sizes[batch] as number) >= BATCH_BYTES_TARGET) {
      batch = open[route] = built.begin(route);
      sizes.push(BATCH_HEADER_BYTES);
    }
    built.assign(place, batch);
    const bytes = base64Bytes(records.bytes, records.dataStart(place), records.dataEnd(place));
    sizes[batch] = (sizes[batch] as number) + records.keyBytes(place) + bytes + RECORD_OVERHEAD_BYTES;
  }
  return sizes;
}

/** One behind the other in `area`. */
function placesOf(sizes: readonly number[], area: Buffer): Place[] {
  let end = 0;
  const places = sizes.map((bytes) => {
    const start = end;
    end += bytes;
    return { builder: new BatchBuilder(area.subarray(start, end)), start };
  });
  assert(end <= area.length, "there is room for the batches of a body");
  return places;
}
