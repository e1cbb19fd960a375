/**
 * Record batches of a put that another thread has built, in memory that both see, before the stream's own thread has
 * looked at it. They are good for as long as the stream has the routing that they were built with; the table of records
 * beside them (record-table.ts) looks into the same bytes, and is good in any case.
 *
 *   batches    per batch    first byte | byte behind it | route      of Routing
 *   batchOf    per record   its batch
 */
const BATCH_WORDS = 3;
const START = 0;
const END = 1;
const ROUTE = 2;

/** Bytes of shared memory for each record: there are at most as many batches. */
export const BUILT_BYTES = BATCH_WORDS * 4 + 2;

export class BuiltBatches {
  /** Of the routing that they were built with. */
  routingId = 0;
  count = 0;

  private constructor(
    private readonly bytes: Buffer,
    private readonly batches: Int32Array,
    private readonly batchNumbers: Uint16Array,
  ) {}

  /** Of at most `records` records, in `memory` that threads share, BUILT_BYTES * `records` from `at` on; batches lie in `bytes`. */
  static shared(records: number, bytes: Buffer, memory: SharedArrayBuffer, at: number): BuiltBatches {
    const batches = new Int32Array(memory, at, records * BATCH_WORDS);
    return new BuiltBatches(bytes, batches, new Uint16Array(memory, at + batches.byteLength, records));
  }

  /** Begins a batch for `route`; returns its number. */
  begin(route: number): number {
    this.batches[this.count * BATCH_WORDS + ROUTE] = route;
    return this.count++;
  }

  /** The record at `place` belongs to `batch`. */
  assign(place: number, batch: number): void {
    this.batchNumbers[place] = batch;
  }

  /** `batch` is built, from `start` to `end`. */
  finish(batch: number, start: number, end: number): void {
    this.batches[batch * BATCH_WORDS + START] = start;
    this.batches[batch * BATCH_WORDS + END] = end;
  }

  routeOf(batch: number): number {
    return this.batches[batch * BATCH_WORDS + ROUTE] as number;
  }

  bytesOf(batch: number): Buffer {
    const at = batch * BATCH_WORDS;
    return this.bytes.subarray(this.batches[at + START], this.batches[at + END]);
  }

  /** The batch of the record at `place`; records lie in it in the order of their places. */
  batchOf(place: number): number {
    return this.batchNumbers[place] as number;
  }
}
