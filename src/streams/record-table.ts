/**
 * The records of one put, side by side: a put of hundreds of records makes no object for each, and another thread can
 * fill a table in memory that both see. Keys and data lie anywhere in one array of bytes, in any order:
 *
 *   bounds     per record   key start | key end | data start | data end      key start -1: it has no key
 *   hashKeys   per record   its hash key (hash-keys.ts)
 */
import { HASH_KEY_WORDS, hashKeys, setHashKey, setHashKeyOf } from "./hash-keys.ts";

/** A record as Kinesis has it; `explicitHashKey` wins over the MD5 of `partitionKey`, and one of them must be there. */
export interface RecordToAppend {
  /** Undefined for a record without a key. */
  partitionKey: string | undefined;
  explicitHashKey?: bigint | undefined;
  data: Uint8Array;
}

const BOUNDS = 4;
/** Bytes of a shared table for each record. */
export const TABLE_BYTES = (BOUNDS + HASH_KEY_WORDS) * 4;
const KEY_START = 0;
const KEY_END = 1;
const DATA_START = 2;
const DATA_END = 3;

export class RecordTable {
  count = 0;

  /** Empty, of the size of its parts; `bytes` hold, or will hold, keys and data. */
  private constructor(
    readonly bytes: Buffer,
    private readonly bounds: Int32Array,
    /** The hash key of each record, in their order. */
    readonly hashKeys: Uint32Array,
  ) {}

  /** An empty table with room for `records`, of keys and data in `bytes`. */
  static empty(records: number, bytes: Buffer): RecordTable {
    return new RecordTable(bytes, new Int32Array(records * BOUNDS), hashKeys(records));
  }

  /**
   * A table for `records` in `memory` that threads share, `at` there and TABLE_BYTES * `records` long; empty, or with as
   * many records as another thread has put there.
   */
  static shared(
    records: number,
    bytes: Buffer,
    memory: SharedArrayBuffer,
    at: number,
    count = 0,
  ): RecordTable {
    const bounds = new Int32Array(memory, at, records * BOUNDS);
    const hashes = new Uint32Array(memory, at + bounds.byteLength, records * HASH_KEY_WORDS);
    const table = new RecordTable(bytes, bounds, hashes);
    table.count = count;
    return table;
  }

  /** A table with copies of `records`. */
  static of(records: readonly RecordToAppend[]): RecordTable {
    let room = 0;
    for (const { partitionKey, data } of records) room += data.length + (partitionKey?.length ?? 0) * 3;
    const bytes = Buffer.allocUnsafe(room);
    const table = RecordTable.empty(records.length, bytes);
    let at = 0;
    for (const { partitionKey, explicitHashKey, data } of records) {
      const keyEnd = at + (partitionKey === undefined ? 0 : bytes.write(partitionKey, at, "utf8"));
      bytes.set(data, keyEnd);
      const dataEnd = keyEnd + data.length;
      table.add(partitionKey === undefined ? -1 : at, keyEnd, keyEnd, dataEnd, partitionKey, explicitHashKey);
      at = dataEnd;
    }
    return table;
  }

  /** Adds a record whose key and data lie there in `bytes`; `partitionKey` is the key once more, as text. */
  add(
    keyStart: number,
    keyEnd: number,
    dataStart: number,
    dataEnd: number,
    partitionKey: string | undefined,
    explicitHashKey: bigint | undefined,
  ): void {
    const place = this.count++;
    const at = place * BOUNDS;
    this.bounds[at + KEY_START] = keyStart;
    this.bounds[at + KEY_END] = keyEnd;
    this.bounds[at + DATA_START] = dataStart;
    this.bounds[at + DATA_END] = dataEnd;
    if (explicitHashKey !== undefined) setHashKey(this.hashKeys, place, explicitHashKey);
    else if (partitionKey !== undefined) setHashKeyOf(this.hashKeys, place, partitionKey);
  }

  /** Where the key of a record begins in `bytes`; -1 when it has none. */
  keyStart(place: number): number {
    return this.bounds[place * BOUNDS + KEY_START] as number;
  }

  keyEnd(place: number): number {
    return this.bounds[place * BOUNDS + KEY_END] as number;
  }

  dataStart(place: number): number {
    return this.bounds[place * BOUNDS + DATA_START] as number;
  }

  dataEnd(place: number): number {
    return this.bounds[place * BOUNDS + DATA_END] as number;
  }

  /** Bytes of a record's data. */
  dataBytes(place: number): number {
    return this.dataEnd(place) - this.dataStart(place);
  }

  /** Bytes of a record's key, 0 without one. */
  keyBytes(place: number): number {
    const start = this.keyStart(place);
    return start < 0 ? 0 : this.keyEnd(place) - start;
  }
}
