/**
 * Headers of requests and responses (https://kafka.apache.org/protocol#protocol_messages).
 *
 *   request   apiKey i16 | apiVersion i16 | correlationId i32 | clientId string | tags from flexible versions on
 *   response  correlationId i32 | tags from flexible versions on, but never for ApiVersions
 *
 * The client id has its old two-byte length in every version, so that a broker can read the header of a request
 * that is too new for it.
 */
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** Least bytes of a request: its header with a null client id. */
export const REQUEST_BYTES_MIN = 10;

/** The start of a request, at fixed places. */
export const apiKeyOf = (frame: Buffer): number => frame.readInt16BE(0);
export const apiVersionOf = (frame: Buffer): number => frame.readInt16BE(2);
export const correlationIdOf = (frame: Buffer): number => frame.readInt32BE(4);
const CLIENT_ID_AT = 8;

/** Reads client id and tags of a request; the reader then stands on the body. Throws FrameError. */
export function readClientId(reader: Reader, flexible: boolean): string | null {
  reader.take(CLIENT_ID_AT - reader.at);
  const clientId = reader.nullableString();
  if (flexible) skipTags(reader);
  return clientId;
}

/** Steps over tagged fields that nobody knows. */
export function skipTags(reader: Reader): void {
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    reader.unsignedVarint();
    reader.at = reader.taggedFieldEnd();
  }
}

export function writeRequestHeader(
  writer: Writer,
  apiKey: number,
  version: number,
  correlationId: number,
  clientId: string,
  flexible: boolean,
): void {
  writer.int16(apiKey);
  writer.int16(version);
  writer.int32(correlationId);
  writer.nullableString(clientId);
  if (flexible) writer.int8(0);
}
