/**
 * What a quota is, in Kafka's words (KIP-124, KIP-546): a byte rate (key, bytesPerSecond) for clients (entity). Pure
 * values; which there are, and which of them counts for a client, is quota-book.ts.
 *
 *   user "ann"                       all connections of ann together
 *   client id "etl"                  all connections with that client id together
 *   user "ann", client id "etl"      those of ann with that client id
 *   null in the place of a name      the default: each one that has no quota by name, by itself
 */
import { VoikError } from "../base/errors.ts";

export const QUOTA_KEYS = ["producer_byte_rate", "consumer_byte_rate"] as const;
export type QuotaKey = (typeof QUOTA_KEYS)[number];

/** A name, null for the default, or undefined where it does not matter. At least one is there. */
export interface QuotaEntity {
  readonly user?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

export interface Quota {
  readonly entity: QuotaEntity;
  readonly key: QuotaKey;
  readonly bytesPerSecond: number;
}

/** Sets a quota, or takes it away where `bytesPerSecond` is undefined. */
export interface QuotaChange extends Omit<Quota, "bytesPerSecond"> {
  readonly bytesPerSecond: number | undefined;
}

/** Characters of a name at most. */
export const QUOTA_NAME_LENGTH_MAX = 256;
const CONTROL = /\p{Cc}/u;

/** Throws VoikError argument_invalid for a change that can't be made. */
export function checkQuotaChange({ entity: { user, clientId }, key, bytesPerSecond }: QuotaChange): void {
  const refuse = (why: string) => new VoikError("argument_invalid", why);
  if (user === undefined && clientId === undefined)
    throw refuse("a quota is for a user, a client id or both: name one");
  for (const name of [user, clientId]) {
    if (typeof name !== "string") continue;
    if (name === "" || name.length > QUOTA_NAME_LENGTH_MAX || CONTROL.test(name)) {
      throw refuse(
        `a user or client id with a quota has 1 to ${QUOTA_NAME_LENGTH_MAX} characters, none of them a control character`,
      );
    }
  }
  if (bytesPerSecond === undefined) return;
  if (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond <= 0)
    throw refuse(`${key} is to be a whole number of bytes a second above 0, not ${bytesPerSecond}`);
}

/** How one part of an entity is written: "=ann", "*" for the default, "" where it does not matter. */
export function textOfPart(part: string | null | undefined): string {
  return part === undefined ? "" : part === null ? "*" : `=${part}`;
}

/** What was written so. */
export function partOfText(text: string): string | null | undefined {
  return text === "" ? undefined : text === "*" ? null : text.slice(1);
}
