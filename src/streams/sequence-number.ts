/**
 * Sequence numbers: offsets as Kinesis prints them, in AWS's version 2 layout of 47 hex digits, shown as 56 decimal
 * digits. A pure function of shard and offset; nothing about them is stored.
 *
 *   hex digits  1   9                1                    16      2    9                8            1
 *               2 | shard created  | shard index, low   | seqIx | 00 | shard created  | shard      | 2
 *                 | (seconds)      | four bits          |       |    | (seconds)      | index      | (version)
 *
 * seqIx is the offset + 1, so that a shard's starting number (seqIx 0) lies before its first record, and reading
 * AFTER it includes record 0. AWS puts the time of the write where the creation second stands a second time: it
 * is left out so that the number needs no look-up. Numbers of one shard ascend with its offsets; those of a child
 * are above its parents' because a child is created in a later second.
 */
import { VoikError } from "../base/errors.ts";

/** What a sequence number says of a shard. */
export interface NumberedShard {
  readonly index: number;
  readonly createdAtMs: number;
}

export interface SequenceNumberParts {
  shardIndex: number;
  createdAtSeconds: number;
  /**
   * The record's offset; -1 for a shard's starting number, Number.MAX_SAFE_INTEGER for anything from 2^53 on, as
   * a closed shard's ending number.
   */
  offset: number;
}

const SEQUENCE_INDEX_SHIFT = 80n;
const ENDING_INDEX = 0x7fffffffffffffffn;
/** Of every sequence number. */
export const SEQUENCE_NUMBER_DIGITS = 56;
const NINE = 0x39;
/** From one offset to the next: 56 numbers 0 to 9, and the place of the first that is not 0. */
const STEP = Uint8Array.from(
  (1n << SEQUENCE_INDEX_SHIFT).toString().padStart(SEQUENCE_NUMBER_DIGITS, "0"),
  Number,
);
const STEP_PLACE = STEP.findIndex((digit) => digit > 0);
/** AWS takes shards created before this second only (the year 2477). */
const CREATED_SECONDS_LIMIT = 16_025_175_000;
const SHAPE = /^2([0-9a-f]{9})([0-9a-f])([0-7][0-9a-f]{15})00[0-9a-f]{9}([0-7][0-9a-f]{7})2$/;

/** The starting number of each shard in use; a record's number is an addition to it. */
const startingNumbers = new WeakMap<NumberedShard, bigint>();

/** The sequence number of the record at `offset`. */
export function sequenceNumber(shard: NumberedShard, offset: number): string {
  return (startingNumber(shard) + (BigInt(offset + 1) << SEQUENCE_INDEX_SHIFT)).toString();
}

/**
 * Sequence numbers of one shard for offsets that follow one another: each is the one before plus a constant, added digit
 * by digit, ten times as fast as making a number of 186 bits and printing it.
 */
export class SequenceNumbers {
  /** The offset whose number is an addition away; -2 for none. */
  private next = -2;

  /** `digits`: where the numbers stand, one after the other; SEQUENCE_NUMBER_DIGITS bytes. */
  constructor(
    private readonly shard: NumberedShard,
    private readonly digits = Buffer.alloc(SEQUENCE_NUMBER_DIGITS),
  ) {}

  /** The sequence number of the record at `offset`. */
  of(offset: number): string {
    this.moveTo(offset);
    return this.digits.toString("latin1");
  }

  /** Has the sequence number of the record at `offset` stand in `digits`. */
  moveTo(offset: number): void {
    if (offset === this.next) this.addStep();
    else this.digits.write(sequenceNumber(this.shard, offset), "latin1");
    this.next = offset + 1;
  }

  /** Without a branch for what carries: that is chance, so a processor would guess it wrong half of the time. */
  private addStep(): void {
    const { digits } = this;
    let carry = 0; // or -1
    for (let place = SEQUENCE_NUMBER_DIGITS - 1; place >= STEP_PLACE || carry !== 0; place--) {
      const sum = (digits[place] as number) + (STEP[place] as number) - carry;
      carry = (NINE - sum) >> 31;
      digits[place] = sum - (carry & 10);
    }
  }
}

/** StartingSequenceNumber of a shard: before its first record. */
export function startingSequenceNumber(shard: NumberedShard): string {
  return startingNumber(shard).toString();
}

/** EndingSequenceNumber of a closed shard: behind every record that it can hold. */
export function endingSequenceNumber(shard: NumberedShard): string {
  return (startingNumber(shard) + (ENDING_INDEX << SEQUENCE_INDEX_SHIFT)).toString();
}

/** Reads a sequence number back. Throws VoikError argument_invalid on a text that can't be one. */
export function parseSequenceNumber(text: string): SequenceNumberParts {
  // 56 digits always: the length is checked before BigInt sees a text from the wire.
  const match = /^[1-9]\d{55}$/.test(text) ? SHAPE.exec(BigInt(text).toString(16)) : null;
  const shardIndex = match ? Number.parseInt(match[4] as string, 16) : 0;
  const createdAtSeconds = match ? Number.parseInt(match[1] as string, 16) : 0;
  if (
    !match ||
    createdAtSeconds >= CREATED_SECONDS_LIMIT ||
    (shardIndex & 0xf) !== Number.parseInt(match[2] as string, 16)
  ) {
    throw new VoikError("argument_invalid", "the sequence number is not one that this service gave out");
  }
  const sequenceIndex = Number.parseInt(match[3] as string, 16);
  return { shardIndex, createdAtSeconds, offset: Math.min(sequenceIndex - 1, Number.MAX_SAFE_INTEGER) };
}

function startingNumber(shard: NumberedShard): bigint {
  let number = startingNumbers.get(shard);
  if (number === undefined) {
    const created = Math.floor(shard.createdAtMs / 1000)
      .toString(16)
      .padStart(9, "0");
    const index = shard.index.toString(16).padStart(8, "0");
    number = BigInt(`0x2${created}${index.slice(-1)}${"0".repeat(16)}00${created}${index}2`);
    startingNumbers.set(shard, number);
  }
  return number;
}
