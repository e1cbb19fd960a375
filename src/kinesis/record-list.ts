/**
 * The Records of a reply. In JSON they go straight into the bytes that are sent, one record after the other: no object,
 * no text of the whole reply and no second walk over it. In CBOR (Java's SDKs) they are values, encoded in the end.
 */
import { BodyParts, PART_BYTES } from "./body-parts.ts";

export interface RecordList {
  readonly count: number;
  /** Whether `data` has to stay as it is until `close`. */
  readonly keepsData: boolean;
  /** Takes one record, without a PartitionKey where there is none; `timestampMs` is 0 or above. */
  add(sequenceNumber: string, timestampMs: number, data: Buffer, partitionKey: string | undefined): void;
  /** The reply: a member Records with all of them, and the members of `rest`. To be called once. */
  close(rest: object): object | BodyParts;
}

const BYTES_MIN = 1024;
/** Of one record beside its data and key: names, 56 digits, a timestamp. */
const FRAME_BYTES = 192;
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

export class JsonRecordList implements RecordList {
  readonly keepsData = false;
  count = 0;
  private readonly parts = new BodyParts();
  /** The part that is being filled. */
  private bytes = Buffer.allocUnsafe(BYTES_MIN);
  private at = 0;
  private timestampMs = -1;
  /** As JSON has it: the records of one batch mostly share theirs. */
  private timestamp = "";

  constructor() {
    this.text('{"Records":[');
  }

  add(sequenceNumber: string, timestampMs: number, data: Buffer, partitionKey: string | undefined): void {
    // A character of a key is at most six bytes once it is escaped.
    this.reserve(FRAME_BYTES + Math.ceil(data.length / 3) * 4 + (partitionKey?.length ?? 0) * 6);
    if (timestampMs !== this.timestampMs) {
      this.timestampMs = timestampMs;
      this.timestamp = String(timestampMs / 1000);
    }
    const open = this.count++ === 0 ? '{"SequenceNumber":"' : ',{"SequenceNumber":"';
    this.text(`${open}${sequenceNumber}","ApproximateArrivalTimestamp":${this.timestamp},"Data":"`);
    this.text(data.toString("base64"));
    if (partitionKey === undefined) this.text('"}');
    else if (PLAIN_TEXT.test(partitionKey)) this.text(`","PartitionKey":"${partitionKey}"}`);
    else this.at += this.bytes.write(`","PartitionKey":${JSON.stringify(partitionKey)}}`, this.at, "utf8");
  }

  close(rest: object): BodyParts {
    const members = JSON.stringify(rest).slice(1);
    const end = members === "}" ? "]}" : `],${members}`;
    this.reserve(end.length * 3);
    this.at += this.bytes.write(end, this.at, "utf8");
    this.parts.add(this.bytes, this.at);
    return this.parts;
  }

  /** Writes ASCII that there is room for. */
  private text(ascii: string): void {
    this.at += this.bytes.write(ascii, this.at, "latin1");
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.bytes.length) return;
    if (this.bytes.length < PART_BYTES) {
      const grown = Buffer.allocUnsafe(Math.max(Math.min(this.bytes.length * 4, PART_BYTES), needed));
      this.bytes.copy(grown, 0, 0, this.at);
      this.bytes = grown;
    } else {
      this.parts.add(this.bytes, this.at);
      this.bytes = Buffer.allocUnsafe(Math.max(PART_BYTES, bytes));
      this.at = 0;
    }
  }
}

/** Records as values, as a format carries blobs and timestamps. */
export class ValueRecordList implements RecordList {
  readonly keepsData = true;
  private readonly records: object[] = [];

  constructor(private readonly timestamp: (ms: number) => unknown) {}

  get count(): number {
    return this.records.length;
  }

  add(SequenceNumber: string, timestampMs: number, Data: Buffer, PartitionKey: string | undefined): void {
    const ApproximateArrivalTimestamp = this.timestamp(timestampMs);
    this.records.push({ SequenceNumber, ApproximateArrivalTimestamp, Data, PartitionKey });
  }

  close(rest: object): object {
    return { Records: this.records, ...rest };
  }
}
