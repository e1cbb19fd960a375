/**
 * What became of the records of a PutRecords, as its reply lists it. In JSON it goes straight into the bytes that are
 * sent; in CBOR (Java's SDKs) the results are values, encoded in the end.
 */
import type { Shard } from "../streams/broker.ts";
import { SEQUENCE_NUMBER_DIGITS, SequenceNumbers, sequenceNumber } from "../streams/sequence-number.ts";
import { BodyParts } from "./body-parts.ts";
import { shardIdOf } from "./shard-view.ts";

export interface ResultList {
  /** Adds a record that was written to `shard` at `offset`. */
  add(shard: Shard, offset: number): void;
  addError(code: string, message: string): void;
  /** The reply. To be called once. */
  close(): object | BodyParts;
}

const END_BYTES = 2;
/** `{"SequenceNumber":"","ShardId":""},`, 56 digits and a shard id. */
const RESULT_BYTES = 112;
const DIGITS_AT = '{"SequenceNumber":"'.length;

/** The result of a record of one shard: that of the next one differs in the digits, which `numbers` puts there. */
interface Row {
  numbers: SequenceNumbers;
  bytes: Buffer;
}

export class JsonResultList implements ResultList {
  private bytes: Buffer;
  private at = 0;
  private readonly rows = new Map<Shard, Row>();

  constructor(count: number, failed: number) {
    const start = `{"FailedRecordCount":${failed},"Records":[`;
    this.bytes = Buffer.allocUnsafeSlow(count * RESULT_BYTES + start.length + END_BYTES);
    this.at = this.bytes.write(start, "latin1");
  }

  add(shard: Shard, offset: number): void {
    let row = this.rows.get(shard);
    if (row === undefined) this.rows.set(shard, (row = rowOf(shard)));
    row.numbers.moveTo(offset);
    this.reserve(row.bytes.length);
    this.at += row.bytes.copy(this.bytes, this.at);
  }

  addError(ErrorCode: string, ErrorMessage: string): void {
    const result = `${JSON.stringify({ ErrorCode, ErrorMessage })},`;
    this.reserve(Buffer.byteLength(result));
    this.at += this.bytes.write(result, this.at, "utf8");
  }

  close(): BodyParts {
    // The last comma goes.
    const at = this.at - 1;
    return BodyParts.of(this.bytes, at + this.bytes.write("]}", at, "latin1"));
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes + END_BYTES;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, needed));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}

function rowOf(shard: Shard): Row {
  const result = { SequenceNumber: "0".repeat(SEQUENCE_NUMBER_DIGITS), ShardId: shardIdOf(shard.index) };
  const bytes = Buffer.from(`${JSON.stringify(result)},`, "latin1");
  const digits = bytes.subarray(DIGITS_AT, DIGITS_AT + SEQUENCE_NUMBER_DIGITS);
  return { numbers: new SequenceNumbers(shard, digits), bytes };
}

/** Results as values. */
export class ValueResultList implements ResultList {
  private readonly results: object[] = [];

  constructor(private readonly failed: number) {}

  add(shard: Shard, offset: number): void {
    this.results.push({ SequenceNumber: sequenceNumber(shard, offset), ShardId: shardIdOf(shard.index) });
  }

  addError(ErrorCode: string, ErrorMessage: string): void {
    this.results.push({ ErrorCode, ErrorMessage });
  }

  close(): object {
    return { FailedRecordCount: this.failed, Records: this.results };
  }
}
