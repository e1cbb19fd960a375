/**
 * The JSON bodies of PutRecord and PutRecords, read in one pass over their bytes: these are the operations whose bodies
 * are nearly all of what this edge reads, and large ones. What comes out is a table of records, whose data is decoded in
 * place: a body is read into no other memory, and no object is made for a record.
 *
 * It knows plain, well-formed requests only. Whatever is out of the ordinary (escapes, letters beyond ASCII, members of
 * other names, a value that breaks a rule, text that is no JSON) gives undefined, and the body is as it was: then the
 * general way reads it, and words the error.
 */
import { HASH_KEY_MAX } from "../streams/hash-range.ts";
import { RecordTable } from "../streams/record-table.ts";
import { data, hashKeyText, PUT_RECORDS_MAX, partitionKey, streamArn, streamName } from "./members.ts";
import type { TextShape } from "./shapes.ts";

/** What a body says beside its records. */
export interface PutTarget {
  StreamName: string | undefined;
  StreamARN: string | undefined;
}

export interface PutBody extends PutTarget {
  records: RecordTable;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const PADDING = 0x3d;
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
/** Larger ones take longer to get memory for than to read. */
const TEXT_BYTES = 64 * 1024;
const STRICT = { lastChunkHandling: "strict" } as const;
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
  return target && { StreamName: target.StreamName, StreamARN: target.StreamARN, records };
}

/** As scanPut, of the bytes of `records`, an empty table with room for PUT_RECORDS_OF[operation]. */
export function scanPutTo(operation: PutOperation, records: RecordTable): PutTarget | undefined {
  const scanner = new Scanner(records, PUT_RECORDS_OF[operation]);
  try {
    if (operation === "PutRecord") scanner.putRecord();
    else scanner.putRecords();
    return { StreamName: scanner.StreamName, StreamARN: scanner.StreamARN };
  } catch (error) {
    scanner.restore();
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

class Scanner {
  StreamName: string | undefined;
  StreamARN: string | undefined;
  private readonly body: Buffer;
  /** Some of the body as text: of one text many pieces are made at no cost. */
  private text = "";
  private textStart = 0;
  private textEnd = 0;
  private at = 0;
  // The record at hand: where its data lie once they are decoded, -1 for not seen yet, and likewise its key.
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

  /** Makes the body what it was: only one text decodes to what was decoded. */
  restore(): void {
    const { records } = this;
    for (let place = 0; place < records.count; place++)
      this.encode(records.dataStart(place), records.dataEnd(place));
    if (this.dataStart >= 0) this.encode(this.dataStart, this.dataEnd);
  }

  private encode(start: number, end: number): void {
    this.body.write(this.body.toString("base64", start, end), start, "latin1");
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
    const key = hashKey === undefined ? this.textOf(keyStart, keyEnd) : undefined;
    records.add(keyStart, keyEnd, dataStart, dataEnd, key, hashKey);
    this.dataStart = this.keyStart = -1;
    this.hashKey = undefined;
  }

  private blob(): void {
    this.expect(QUOTE);
    const { body, at } = this;
    const end = body.indexOf(QUOTE, at);
    const length = end - at;
    if (end < 0 || length % 4 !== 0) throw UNUSUAL;
    const padding = body[end - 1] !== PADDING ? 0 : body[end - 2] === PADDING ? 2 : 1;
    const bytes = length === 0 ? 0 : (length / 4) * 3 - padding;
    if (bytes > data.lengthMax) throw UNUSUAL;
    const text = this.textOf(at, end);
    if (!decode(text, body.subarray(at, at + bytes))) {
      body.write(text, at, "latin1");
      throw UNUSUAL;
    }
    this.dataStart = at;
    this.dataEnd = at + bytes;
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
    const word = this.textOf(start, this.at - 1);
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

  /** What stands in the body; a part of it that was not decoded. */
  private textOf(start: number, end: number): string {
    if (start < this.textStart || end > this.textEnd) {
      this.textStart = start;
      this.textEnd = Math.min(Math.max(end, start + TEXT_BYTES), this.body.length);
      this.text = this.body.toString("latin1", this.textStart, this.textEnd);
    }
    return this.text.slice(start - this.textStart, end - this.textStart);
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

/** Fills `bytes` with what `text` says in base64; false when it does not, letter by letter. */
function decode(text: string, bytes: Uint8Array): boolean {
  try {
    // The decoder passes over white space: then fewer bytes come than the length promises.
    const { read, written } = bytes.setFromBase64(text, STRICT);
    return read === text.length && written === bytes.length;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
