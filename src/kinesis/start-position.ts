/** Where reading starts: the five types of a shard iterator, which are those of a subscription too. */
import { VoikError } from "../base/errors.ts";
import type { Shard } from "../streams/broker.ts";
import { parseSequenceNumber } from "../streams/sequence-number.ts";
import { invalidArgument } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { shardIdOf } from "./shard-view.ts";

export interface StartPosition {
  readonly type: "AFTER_SEQUENCE_NUMBER" | "AT_SEQUENCE_NUMBER" | "AT_TIMESTAMP" | "LATEST" | "TRIM_HORIZON";
  readonly sequenceNumber: string | undefined;
  readonly timestampMs: number | undefined;
}

/**
 * The offset that `position` means in `shard` here and now. LATEST is the stable end: a record that is written and
 * not yet synced, or whose transaction is open, comes after it. AT_TIMESTAMP past the newest record starts there too. `used` is the operation, for
 * messages. Throws InvalidArgumentException.
 */
export function startOffset(
  position: StartPosition,
  shard: Shard,
  context: RequestContext,
  used: string,
): number {
  const { type, sequenceNumber: start } = position;
  switch (type) {
    case "TRIM_HORIZON":
    case "LATEST":
      if (start !== undefined) throw wrongPair(type, "and also a StartingSequenceNumber");
      return type === "LATEST" ? shard.log.stableEnd : shard.log.startOffset;
    case "AT_TIMESTAMP":
      return offsetAtTime(position.timestampMs, shard, context);
    case "AT_SEQUENCE_NUMBER":
    case "AFTER_SEQUENCE_NUMBER": {
      if (start === undefined) throw wrongPair(type, "and no StartingSequenceNumber");
      const offset = offsetOfSequenceNumber(start, shard, context, used);
      const next = type === "AFTER_SEQUENCE_NUMBER" ? offset + 1 : offset;
      return Math.min(Math.max(next, shard.log.startOffset), shard.log.durableEnd);
    }
  }
}

function wrongPair(type: string, what: string): Error {
  return invalidArgument(
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or " +
      `(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ${type} ${what}.`,
  );
}

function offsetAtTime(timestampMs: number | undefined, shard: Shard, { clock }: RequestContext): number {
  if (timestampMs === undefined) {
    throw invalidArgument(
      "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. " +
        "Current request has no timestamp parameter.",
    );
  }
  const nowMs = clock.nowMs();
  if (timestampMs > nowMs) {
    throw invalidArgument(
      "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. " +
        `timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${nowMs}`,
    );
  }
  return shard.log.offsetForTimestamp(timestampMs)?.offset ?? shard.log.stableEnd;
}

/** The offset that `text` stands for in `shard`; -1 for the shard's starting sequence number. */
function offsetOfSequenceNumber(
  text: string,
  shard: Shard,
  { caller }: RequestContext,
  used: string,
): number {
  const shardText = shardIdOf(shard.index);
  const invalid = (why: string) =>
    invalidArgument(
      `StartingSequenceNumber ${text} used in ${used} on shard ${shardText} in stream ` +
        `${shard.stream.name} under account ${caller.accountId} is invalid${why}.`,
    );
  let parts: ReturnType<typeof parseSequenceNumber>;
  try {
    parts = parseSequenceNumber(text);
  } catch (error) {
    if (error instanceof VoikError) throw invalid("");
    throw error;
  }
  if (parts.shardIndex !== shard.index) {
    throw invalidArgument(
      `Invalid StartingSequenceNumber. It encodes ${shardIdOf(parts.shardIndex)}, ` +
        `while it was used in a call to a shard with ${shardText}`,
    );
  }
  if (parts.createdAtSeconds !== Math.floor(shard.createdAtMs / 1000)) {
    throw invalid(" because it did not come from this stream");
  }
  // A closed shard's ending number lies behind its last record and means its end.
  if (parts.offset >= shard.log.durableEnd && shard.closedAtMs === undefined) throw invalid("");
  return parts.offset;
}
