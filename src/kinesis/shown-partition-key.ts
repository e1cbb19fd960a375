/**
 * The PartitionKey that a record shows. AWS demands 1 to 256 characters; a Kafka client may have written no key,
 * an empty one, bytes that are no text, or more. Equal keys always show equal, different keys different, and a
 * record without a key shows its offset, so that copying a stream key by key spreads such records as their
 * producer meant it (docs/decisions/0032-kafka-keys-through-kinesis.md).
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";

const LENGTH_MAX = 256;
const DIGEST_LENGTH = 64;

export function shownPartitionKey(key: Buffer | null, offset: number): string {
  if (key === null || key.length === 0) return String(offset);
  const text = isUtf8(key) ? key.toString("utf8") : key.toString("base64");
  if (text.length <= LENGTH_MAX) return text;
  // toWellFormed: the cut may fall between the two halves of a character.
  const start = text.slice(0, LENGTH_MAX - DIGEST_LENGTH).toWellFormed();
  return start + createHash("sha256").update(key).digest("hex");
}
