/**
 * Stream names. Both protocols write the same alphabet; Kafka allows 249 characters, Kinesis 128, so the catalog
 * takes Kafka's rule (org.apache.kafka.common.internals.Topic) and the Kinesis edge narrows it.
 * A name is a label only: folders are named by id.
 */
import { VoikError } from "../base/errors.ts";

export const STREAM_NAME_LENGTH_MAX = 249;
const ALPHABET = /^[a-zA-Z0-9._-]+$/;

/** Throws VoikError stream_name_invalid, saying which rule `name` breaks. */
export function checkStreamName(name: string): void {
  const problem = problemOf(name);
  if (problem !== undefined) throw new VoikError("stream_name_invalid", `a stream name ${problem}`);
}

function problemOf(name: string): string | undefined {
  if (name === "") return "can't be empty";
  if (name === "." || name === "..") return `can't be "${name}"`;
  if (name.length > STREAM_NAME_LENGTH_MAX) {
    return `has at most ${STREAM_NAME_LENGTH_MAX} characters, this one ${name.length}`;
  }
  if (!ALPHABET.test(name)) return "is made of the letters a-z and A-Z, digits, '.', '_' and '-' only";
  return undefined;
}
