/**
 * The JSON bodies of PutRecord and PutRecords, read in one pass over their bytes: these are the operations whose bodies
 * are nearly all of what this edge reads, and large ones. What comes out is a table that says where keys and data lie: no
 * object is made for a record. The data is decoded where it stands, or somewhere else, straight into batches
 * (put-batches.ts).
 *
 * It knows plain, well-formed requests only. Whatever is out of the ordinary (escapes, letters beyond ASCII, members of
 * other names, a value that breaks a rule, text that is no JSON) gives undefined, and the body is as it was: then the
 * general way reads it, and words the error.
 */
import { HASH_KEY_MAX } from "../streams/hash-range.ts";
import { RecordTable } from "../streams/record-table.ts";
import { Base64Body, base64Bytes } from "./base64-body.ts";
import { data, hashKeyText, PUT_RECORDS_MAX, partitionKey, streamArn, streamName } from "./members.ts";
import type { TextShape } from "./shapes.ts";

/** What a body says beside its records. */
export interface PutTarget {
  StreamName: string | undefined;
  StreamARN: string | undefined;
}

/** The name of the stream, as the body says it: the operation finds what is wrong with that. */
export function namedStream({ StreamName: name, StreamARN: arn }: PutTarget): string | undefined {
  return name ?? arn?.slice(arn.indexOf(":stream/") + ":stream/".length);
}

export interface PutBody extends PutTarget {
  records: RecordTable;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const SPACE = 0x20;
const DELETE = 0x7f;

const NAMES = {
  Records: Buffer.from('"Records"'),
  StreamName: Buffer.from('"StreamName"'),
  StreamARN: Buffer.from('"StreamARN"'),
  Data: Buffer.from('"Data"'),
  PartitionKey: Buffer.from('"PartitionKey"'),
  ExplicitHashKey: Buffer.from('"ExplicitHashKey"'),
};
const UNUSUAL = new Error("not a body for this reader");

/** The operations that have such bodies, and how many records at most. */
export const PUT_RECORDS_OF = { PutRecord: 1, PutRecords: PUT_RECORDS_MAX } as const;
export type PutOperation = keyof typeof PUT_RECORDS_OF;

/**
 * Reads the put in `body`, whose bytes are its table's from now on. Undefined when the general way has to read it, which
 * finds it as it was.
 */
export function scanPut(operation: PutOperation, body: Buffer): PutBody | undefined {
  const records = RecordTable.empty(PUT_RECORDS_OF[operation], body);
  const target = scanPutTo(operation, records);
  if (target === undefined || !decodeInPlace(records)) return undefined;
  return { ...target, records };
}

/**
 * Fills `records`, an empty table over a body with room for PUT_RECORDS_OF[operation]; their data are base64 as it stands
 * there, not looked into yet. Undefined when the general way has to read the body.
 */
export function scanPutTo(operation: PutOperation, records: RecordTable): PutTarget | undefined {
  const scanner = new Scanner(records, PUT_RECORDS_OF[operation]);
  try {
    if (operation === "PutRecord") scanner.putRecord();
    else scanner.putRecords();
    return { StreamName: scanner.StreamName, StreamARN: scanner.StreamARN };
  } catch (error) {
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

/** Decodes the data of `records` where it stands. When one is no base64 it returns false, and all is as it was. */
function decodeInPlace(records: RecordTable): boolean {
  const { bytes: body, count } = records;
  const texts = new Base64Body(body);
  for (let place = 0; place < count; place++) {
    const start = records.dataStart(place);
    const textEnd = records.dataEnd(place);
    const end = start + base64Bytes(body, start, textEnd);
    if (!texts.decode(start, textEnd, body.subarray(start, end))) {
      body.write(texts.textOf(start, textEnd), start, "latin1");
      encodeInPlace(records, place);
      return false;
    }
    records.move(place, records.keyStart(place), records.keyEnd(place), start, end);
  }
  return true;
}

/** Puts back what stood there of the first `count` records: only one text decodes to what was decoded. */
function encodeInPlace(records: RecordTable, count: number): void {
  const { bytes: body } = records;
  for (let place = 0; place < count; place++) {
    const start = records.dataStart(place);
    body.write(body.toString("base64", start, records.dataEnd(place)), start, "latin1");
  }
}

class Scanner {
  StreamName: string | undefined;
  StreamARN: string | undefined;
  private readonly body: Buffer;
  private at = 0;
  // The record at hand: where its data stand as text, -1 for not seen yet, and likewise its key.
  private dataStart = -1;
  private dataEnd = -1;
  private keyStart = -1;
  private keyEnd = -1;
  private hashKey: bigint | undefined;

  constructor(
    private readonly records: RecordTable,
    private readonly recordsMax: number,
  ) {
    this.body = records.bytes;
  }

  putRecords(): void {
    this.expect(OPEN_MAP);
    do {
      if (this.records.count === 0 && this.member(NAMES.Records)) this.list();
      else if (!this.streamMember()) throw UNUSUAL;
    } while (this.goesOn(CLOSE_MAP));
    this.end();
  }

  putRecord(): void {
    this.expect(OPEN_MAP);
    do {
      if (!this.recordMember() && !this.streamMember()) throw UNUSUAL;
    } while (this.goesOn(CLOSE_MAP));
    this.addRecord();
    this.end();
  }

  private list(): void {
    this.expect(OPEN_LIST);
    do {
      this.expect(OPEN_MAP);
      do {
        if (!this.recordMember()) throw UNUSUAL;
      } while (this.goesOn(CLOSE_MAP));
      this.addRecord();
    } while (this.goesOn(CLOSE_LIST));
  }

  private end(): void {
    if (this.records.count === 0 || this.peek() !== undefined) throw UNUSUAL;
  }

  private streamMember(): boolean {
    if (this.StreamName === undefined && this.member(NAMES.StreamName))
      this.StreamName = this.word(streamName);
    else if (this.StreamARN === undefined && this.member(NAMES.StreamARN))
      this.StreamARN = this.word(streamArn);
    else return false;
    return true;
  }

  private recordMember(): boolean {
    if (this.dataStart < 0 && this.member(NAMES.Data)) this.blob();
    else if (this.keyStart < 0 && this.member(NAMES.PartitionKey)) this.key();
    else if (this.hashKey === undefined && this.member(NAMES.ExplicitHashKey)) this.explicitHashKey();
    else return false;
    return true;
  }

  private addRecord(): void {
    const { records, keyStart, keyEnd, dataStart, dataEnd, hashKey } = this;
    if (dataStart < 0 || keyStart < 0 || records.count === this.recordsMax) throw UNUSUAL;
    const key = hashKey === undefined ? this.body.toString("latin1", keyStart, keyEnd) : undefined;
    records.add(keyStart, keyEnd, dataStart, dataEnd, key, hashKey);
    this.dataStart = this.keyStart = -1;
    this.hashKey = undefined;
  }

  private blob(): void {
    this.expect(QUOTE);
    const { body, at } = this;
    const end = body.indexOf(QUOTE, at);
    const bytes = base64Bytes(body, at, end);
    if (end < 0 || bytes < 0 || bytes > data.lengthMax) throw UNUSUAL;
    this.dataStart = at;
    this.dataEnd = end;
    this.at = end + 1;
  }

  private key(): void {
    this.keyStart = this.plainText();
    this.keyEnd = this.at - 1;
    const length = this.keyEnd - this.keyStart;
    if (length < (partitionKey.lengthMin ?? 0) || length > (partitionKey.lengthMax ?? Infinity))
      throw UNUSUAL;
  }

  private explicitHashKey(): void {
    const hashKey = BigInt(this.word(hashKeyText));
    if (hashKey > HASH_KEY_MAX) throw UNUSUAL;
    this.hashKey = hashKey;
  }

  private word({ lengthMin = 0, lengthMax = Infinity, matcher }: TextShape): string {
    const start = this.plainText();
    const word = this.body.toString("latin1", start, this.at - 1);
    if (word.length < lengthMin || word.length > lengthMax || matcher?.test(word) === false) throw UNUSUAL;
    return word;
  }

  /** Passes a short text that stands in the body as it is, quotes and all; where it begins. */
  private plainText(): number {
    this.expect(QUOTE);
    const { body } = this;
    const start = this.at;
    let at = start;
    let byte = body[at];
    while (byte !== QUOTE) {
      if (byte === undefined || byte < SPACE || byte >= DELETE || byte === BACKSLASH) throw UNUSUAL;
      byte = body[++at];
    }
    this.at = at + 1;
    return start;
  }

  /** Takes the name of a member, quotes and all, and its colon; false when another name stands there. */
  private member(name: Uint8Array): boolean {
    this.peek();
    for (let i = 0; i < name.length; i++) if (this.body[this.at + i] !== name[i]) return false;
    this.at += name.length;
    this.expect(COLON);
    return true;
  }

  /** Whether another member follows in the list or map that `close` ends. */
  private goesOn(close: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== close) throw UNUSUAL;
    this.at++;
    return byte === COMMA;
  }

  private expect(byte: number): void {
    if (this.peek() !== byte) throw UNUSUAL;
    this.at++;
  }

  /** The next byte that is no white space; undefined at the end. */
  private peek(): number | undefined {
    let byte = this.body[this.at];
    while (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.body[++this.at];
    return byte;
  }
}
