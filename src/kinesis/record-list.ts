/**
 * The Records of a reply. In JSON they go straight into the bytes that are sent, one record after the other: no object,
 * no text of the whole reply and no second walk over it. In CBOR (Java's SDKs) they are values, encoded in the end.
 */
import { BodyParts, LARGE_BYTES, PART_BYTES } from "./body-parts.ts";
import { GET_RECORDS_BYTES_MAX, GET_RECORDS_MAX } from "./members.ts";

/** Where a list asks before it gets large. */
export interface ReplyRoom {
  /** Takes room for a reply of `bytes`; false when there is none. */
  reserveReply(bytes: number): boolean;
}

export interface RecordList {
  readonly count: number;
  /** Whether `data` has to stay as it is until `close`. */
  readonly keepsData: boolean;
  /**
   * Takes one record, without a PartitionKey where there is none; `timestampMs` is 0 or above. False when it would make
   * the reply a large one that there is no room for: the list ends before it.
   */
  add(sequenceNumber: string, timestampMs: number, data: Buffer, partitionKey: string | undefined): boolean;
  /** The reply: a member Records with all of them, and the members of `rest`. To be called once. */
  close(rest: object): object | BodyParts;
}

const BYTES_MIN = 1024;
/** Of one record beside its data and key: names, 56 digits, a timestamp. */
const FRAME_BYTES = 192;
/** The largest reply of records, but for what keys have escaped, or one record of a Kafka client holds more. */
const REPLY_BYTES_MAX = Math.ceil(GET_RECORDS_BYTES_MAX / 3) * 4 + GET_RECORDS_MAX * FRAME_BYTES;
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/** Records that stay a small reply, whatever other members it has. */
const SMALL_BYTES = LARGE_BYTES - PART_BYTES;

/** Whether records may grow to a length: room for all that they can become is taken once, before they get large. */
class Growth {
  private bytesMax = SMALL_BYTES;

  constructor(private readonly room: ReplyRoom | undefined) {}

  mayReach(bytes: number): boolean {
    if (bytes <= this.bytesMax || this.room === undefined) return true;
    if (!this.room.reserveReply(Math.max(bytes, REPLY_BYTES_MAX))) return false;
    this.bytesMax = Number.POSITIVE_INFINITY;
    return true;
  }
}

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
  private readonly growth: Growth;

  /** `room`: of replies that are bounded by nothing else. */
  constructor(room?: ReplyRoom) {
    this.growth = new Growth(room);
    this.text('{"Records":[');
  }

  add(sequenceNumber: string, timestampMs: number, data: Buffer, partitionKey: string | undefined): boolean {
    // A character of a key is at most six bytes once it is escaped.
    const bytes = FRAME_BYTES + Math.ceil(data.length / 3) * 4 + (partitionKey?.length ?? 0) * 6;
    if (this.at + bytes > this.bytes.length) {
      // What is filled up without asking again.
      const newBytes = Math.max(PART_BYTES, bytes);
      if (!this.growth.mayReach(this.parts.length + this.at + newBytes)) return false;
      this.grow(bytes);
    }
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
    return true;
  }

  close(rest: object): BodyParts {
    const members = JSON.stringify(rest).slice(1);
    const end = members === "}" ? "]}" : `],${members}`;
    if (this.at + end.length * 3 > this.bytes.length) this.grow(end.length * 3);
    this.at += this.bytes.write(end, this.at, "utf8");
    this.parts.add(this.bytes, this.at);
    return this.parts;
  }

  /** Writes ASCII that there is room for. */
  private text(ascii: string): void {
    this.at += this.bytes.write(ascii, this.at, "latin1");
  }

  /** Makes room for `bytes` that there is none for. */
  private grow(bytes: number): void {
    const needed = this.at + bytes;
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
  private readonly growth: Growth;
  private bytes = 0;

  constructor(
    private readonly timestamp: (ms: number) => unknown,
    room?: ReplyRoom,
  ) {
    this.growth = new Growth(room);
  }

  get count(): number {
    return this.records.length;
  }

  add(SequenceNumber: string, timestampMs: number, Data: Buffer, PartitionKey: string | undefined): boolean {
    const bytes = this.bytes + FRAME_BYTES + Data.length + (PartitionKey?.length ?? 0) * 3;
    if (!this.growth.mayReach(bytes)) return false;
    this.bytes = bytes;
    const ApproximateArrivalTimestamp = this.timestamp(timestampMs);
    this.records.push({ SequenceNumber, ApproximateArrivalTimestamp, Data, PartitionKey });
    return true;
  }

  close(rest: object): object {
    return { Records: this.records, ...rest };
  }
}
