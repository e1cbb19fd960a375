/**
 * SequenceNumberForOrdering of PutRecord: the new record's number has to be above it. That holds by itself for the numbers
 * that a shard gave out, since its offsets only grow; what is left to do is to refuse, as AWS does, a text that is no
 * sequence number, or one of the future. It need not be of this stream
 * (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html).
 *
 *   hex digits    1   9        1             16                    2    9          8            1
 *   version 2     2 | created | shard, low | index, below 2^63   | .. | written  | shard < 2^31 | 2
 *   version 1     2 | created | shard, low | .. | written | 14 + 2 digits        | shard        | 1
 *
 * Created and written are seconds since 1970. AWS's numbers of version 0, from before 2014, are refused: none is in use.
 */
import type { Stream } from "../streams/broker.ts";
import { SEQUENCE_NUMBER_DIGITS } from "../streams/sequence-number.ts";
import { invalidArgument } from "./errors.ts";
import type { RequestContext } from "./operation.ts";

const VERSIONS = [
  /^2[0-9a-f]{10}[0-7][0-9a-f]{17}([0-9a-f]{9})[0-7][0-9a-f]{7}2$/,
  /^2[0-9a-f]{12}([0-9a-f]{9})[0-9a-f]{24}1$/,
];

/** Refuses what can't be the number of an earlier record. Throws InvalidArgumentException. */
export function checkSequenceNumberForOrdering(
  text: string | undefined,
  stream: Stream,
  { caller, clock }: RequestContext,
): void {
  if (text === undefined || isOfThePast(text, stream, clock.nowMs())) return;
  throw invalidArgument(
    `ExclusiveMinimumSequenceNumber ${text} used in PutRecord on stream ${stream.name} ` +
      `under account ${caller.accountId} is invalid.`,
  );
}

function isOfThePast(text: string, stream: Stream, nowMs: number): boolean {
  // The length is checked before BigInt sees a text from the wire.
  if (text.length !== SEQUENCE_NUMBER_DIGITS) return false;
  const hex = BigInt(text).toString(16);
  const written = VERSIONS.map((version) => version.exec(hex)?.[1]).find((digits) => digits !== undefined);
  if (written === undefined) return false;
  const writtenMs = Number.parseInt(written, 16) * 1_000;
  // Our numbers say when their shard was made; a clock that was set back since does not make them wrong.
  return writtenMs <= nowMs || stream.shards.some(({ createdAtMs }) => writtenMs <= createdAtMs);
}
