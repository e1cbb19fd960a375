/**
 * The JSON body of PutRecords, read in one pass over its bytes: Data is decoded from where it stands into one array for
 * all records. This is the operation whose bodies are nearly all of what this edge reads, and large ones: no text of
 * the whole body is made, which costs more than everything done here.
 *
 * It knows plain, well-formed requests only. Whatever is out of the ordinary (escapes, letters beyond ASCII, members of
 * other names, a value that breaks a rule, text that is no JSON) gives undefined: then the general way reads the body,
 * and words the error.
 *
 * The array for all records is one for all requests, too: what a scan gives has to be used up before anything is
 * awaited.
 */
import { asBuffer, release } from "../base/bytes.ts";
import { data, hashKeyText, PUT_RECORDS_MAX, partitionKey, streamArn, streamName } from "./members.ts";
import type { TextShape } from "./shapes.ts";

interface ScannedRecord {
  Data: Uint8Array;
  PartitionKey: string;
  ExplicitHashKey: string | undefined;
}

export interface ScannedPutRecords {
  StreamName: string | undefined;
  StreamARN: string | undefined;
  Records: ScannedRecord[];
  DryRun: undefined;
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
const STRICT = { lastChunkHandling: "strict" } as const;
const UNUSUAL = new Error("not a body for this reader");

/** Where the Data of the request at hand are: never more than three bytes for four characters of a body. */
let decoded = Buffer.allocUnsafeSlow(0);

function makeRoom(bytes: number): void {
  if (decoded.length >= bytes) return;
  release(decoded);
  decoded = Buffer.allocUnsafeSlow(bytes);
}

/** The request in `body`, good until the next one is scanned; undefined when the general way has to read it. */
export function scanPutRecords(body: Uint8Array): ScannedPutRecords | undefined {
  try {
    return new Scanner(asBuffer(body)).request();
  } catch (error) {
    // A SyntaxError says that Data is no base64.
    if (error === UNUSUAL || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class Scanner {
  private at = 0;
  private decodedBytes = 0;

  constructor(private readonly body: Buffer) {
    makeRoom(Math.ceil((body.length * 3) / 4));
  }

  request(): ScannedPutRecords {
    let StreamName: string | undefined;
    let StreamARN: string | undefined;
    let Records: ScannedRecord[] | undefined;
    this.expect(OPEN_MAP);
    do {
      if (Records === undefined && this.member(NAMES.Records)) Records = this.records();
      else if (StreamName === undefined && this.member(NAMES.StreamName)) StreamName = this.text(streamName);
      else if (StreamARN === undefined && this.member(NAMES.StreamARN)) StreamARN = this.text(streamArn);
      else throw UNUSUAL;
    } while (this.goesOn(CLOSE_MAP));
    if (Records === undefined || this.peek() !== undefined) throw UNUSUAL;
    return { StreamName, StreamARN, Records, DryRun: undefined };
  }

  private records(): ScannedRecord[] {
    const records: ScannedRecord[] = [];
    this.expect(OPEN_LIST);
    do {
      if (records.length === PUT_RECORDS_MAX) throw UNUSUAL;
      records.push(this.record());
    } while (this.goesOn(CLOSE_LIST));
    return records;
  }

  private record(): ScannedRecord {
    let Data: Uint8Array | undefined;
    let PartitionKey: string | undefined;
    let ExplicitHashKey: string | undefined;
    this.expect(OPEN_MAP);
    do {
      if (Data === undefined && this.member(NAMES.Data)) Data = this.blob();
      else if (PartitionKey === undefined && this.member(NAMES.PartitionKey))
        PartitionKey = this.text(partitionKey);
      else if (ExplicitHashKey === undefined && this.member(NAMES.ExplicitHashKey))
        ExplicitHashKey = this.text(hashKeyText);
      else throw UNUSUAL;
    } while (this.goesOn(CLOSE_MAP));
    if (Data === undefined || PartitionKey === undefined) throw UNUSUAL;
    return { Data, PartitionKey, ExplicitHashKey };
  }

  private blob(): Uint8Array {
    this.expect(QUOTE);
    const end = this.body.indexOf(QUOTE, this.at);
    const length = end - this.at;
    if (end < 0 || length % 4 !== 0) throw UNUSUAL;
    const padding = this.body[end - 1] !== PADDING ? 0 : this.body[end - 2] === PADDING ? 2 : 1;
    const bytes = length === 0 ? 0 : (length / 4) * 3 - padding;
    const text = this.body.toString("latin1", this.at, end);
    const blob = decoded.subarray(this.decodedBytes, (this.decodedBytes += bytes));
    // The decoder passes over white space: then fewer bytes come than the length promises.
    if (blob.setFromBase64(text, STRICT).read !== length || bytes > data.lengthMax) throw UNUSUAL;
    this.at = end + 1;
    return blob;
  }

  /** A short text that stands in the body as it is. */
  private text({ lengthMin = 0, lengthMax = Infinity, matcher }: TextShape): string {
    this.expect(QUOTE);
    const start = this.at;
    let byte = this.body[this.at];
    while (byte !== QUOTE) {
      if (byte === undefined || byte < SPACE || byte >= DELETE || byte === BACKSLASH) throw UNUSUAL;
      byte = this.body[++this.at];
    }
    const text = this.body.toString("latin1", start, this.at++);
    if (text.length < lengthMin || text.length > lengthMax || matcher?.test(text) === false) throw UNUSUAL;
    return text;
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
