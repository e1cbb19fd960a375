/**
 * Shard iterators: the position of a reader in one shard, good for five minutes. The payload of the sealed token:
 *
 *   byte 0          16         20        28
 *        stream id  shard      offset
 *        16 bytes   u32        i64
 *
 * 72 characters in base64, well below the API's 512.
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { invalidArgument, KinesisError } from "./errors.ts";
import { type SealedTokens, TOKEN_LIFETIME_MS, TokenPurpose } from "./sealed-token.ts";

export interface ShardPosition {
  /** 32 hex digits. */
  streamId: string;
  shardIndex: number;
  /** The next record to read. */
  offset: number;
}

const PAYLOAD_BYTES = 28;

export function sealShardIterator(tokens: SealedTokens, position: ShardPosition): string {
  const payload = Buffer.allocUnsafe(PAYLOAD_BYTES);
  payload.write(position.streamId, 0, 16, "hex");
  payload.writeUInt32BE(position.shardIndex, 16);
  writeInt64(payload, position.offset, 20);
  return tokens.seal(TokenPurpose.shardIterator, payload);
}

/**
 * The position in an iterator; double quotes around it are taken off, as AWS does. Throws InvalidArgumentException
 * on a text that is no iterator of this service, ExpiredIteratorException on one older than five minutes.
 */
export function openShardIterator(tokens: SealedTokens, text: string, nowMs: number): ShardPosition {
  const token = tokens.open(TokenPurpose.shardIterator, text.replace(/^"|"$/g, ""));
  if (token === undefined || token.payload.length !== PAYLOAD_BYTES)
    throw invalidArgument("Invalid ShardIterator.");
  if (token.expired) {
    throw new KinesisError(
      "ExpiredIteratorException",
      `Iterator expired. The iterator was created at time ${javaTime(token.issuedAtMs)} while right now it is ` +
        `${javaTime(nowMs)} which is further in the future than the tolerated delay of ` +
        `${TOKEN_LIFETIME_MS} milliseconds.`,
    );
  }
  const { payload } = token;
  return {
    streamId: payload.toString("hex", 0, 16),
    shardIndex: payload.readUInt32BE(16),
    offset: readInt64(payload, 20),
  };
}

/** "Thu Jan 22 01:22:02 UTC 2015", as Java prints a date. */
function javaTime(ms: number): string {
  const [weekday, day, month, year, time] = new Date(ms).toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}
