/**
 * The two body formats, chosen by content type: AWS JSON 1.1 (most SDKs) and CBOR (the Java SDKs). A format turns
 * bytes into plain values and back, and says how it carries what plain values don't have:
 *
 *               JSON 1.1                      CBOR
 *   blob        base64 text                   byte string
 *   timestamp   seconds, a decimal number     tag 1 over integer milliseconds
 *
 * Handlers build their output with `timestamp` and `recordList` of the request's format, so that no reply is walked
 * a second time to convert it.
 */
import { asBuffer } from "../base/bytes.ts";
import { BodyParts } from "./body-parts.ts";
import { CborError, CborTimestamp, decodeCbor, encodeCbor } from "./cbor.ts";
import { serializationError } from "./errors.ts";
import { JsonRecordList, type RecordList, type ReplyRoom, ValueRecordList } from "./record-list.ts";
import { putResultText, putResultValue } from "./put-result.ts";
import { JsonResultList, type ResultList, ValueResultList } from "./result-list.ts";
import type { Shard } from "../streams/broker.ts";

declare const wireTimestamp: unique symbol;
/** A point in time as this request's format carries it; made by BodyFormat.timestamp only. */
export type WireTimestamp = { readonly [wireTimestamp]: true };

export interface BodyFormat {
  readonly contentType: string;
  /** The value that `body` holds. Throws SerializationException. */
  decode(body: Uint8Array): unknown;
  /** `value` as a body; parts are put together. */
  encode(value: object): Uint8Array | string;
  timestamp(ms: number): WireTimestamp;
  /** An empty list for the records of one reply, which asks `room` before it gets large. */
  recordList(room?: ReplyRoom): RecordList;
  /** The reply to a put of one record, which lies in `shard` at `offset`. */
  putResult(shard: Shard, offset: number): object | string;
  /** An empty list for the results of a put of `count` records, of which `failed` were not written. */
  resultList(count: number, failed: number): ResultList;
  /** Bytes of a blob that `decode` gave. Throws SerializationException when `value` is none. */
  readBlob(value: unknown): Uint8Array;
  /** Milliseconds of a timestamp that `decode` gave. Throws SerializationException when `value` is none. */
  readTimestamp(value: unknown): number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export const jsonFormat: BodyFormat = {
  contentType: "application/x-amz-json-1.1",
  decode(body) {
    try {
      return JSON.parse(utf8.decode(body));
    } catch {
      throw serializationError();
    }
  },
  encode: (value) => (value instanceof BodyParts ? value.whole() : JSON.stringify(value)),
  timestamp: (ms) => (ms / 1000) as unknown as WireTimestamp,
  recordList: (room) => new JsonRecordList(room),
  putResult: putResultText,
  resultList: (count, failed) => new JsonResultList(count, failed),
  readBlob(value) {
    if (typeof value !== "string") throw typeMismatch(value, "a Blob");
    return decodeBase64(value);
  },
  readTimestamp(value) {
    if (typeof value !== "number") throw typeMismatch(value, "milliseconds since epoch");
    return Math.round(value * 1000);
  },
};

const cborFormat: BodyFormat = {
  contentType: "application/x-amz-cbor-1.1",
  decode(body) {
    try {
      return decodeCbor(asBuffer(body));
    } catch (error) {
      if (error instanceof CborError) throw serializationError();
      throw error;
    }
  },
  encode: encodeCbor,
  timestamp: (ms) => new CborTimestamp(ms) as unknown as WireTimestamp,
  recordList: (room) => new ValueRecordList((ms) => new CborTimestamp(ms), room),
  putResult: putResultValue,
  resultList: (_, failed) => new ValueResultList(failed),
  readBlob(value) {
    if (value instanceof Uint8Array) return value;
    throw typeMismatch(value, "a Blob");
  },
  readTimestamp(value) {
    if (value instanceof CborTimestamp) return value.ms;
    throw typeMismatch(value, "milliseconds since epoch");
  },
};

const FORMATS = new Map<string, BodyFormat>([
  ["application/x-amz-json-1.1", jsonFormat],
  // Hand-written clients say this; the reply carries AWS's own name either way.
  ["application/json", jsonFormat],
  ["application/x-amz-cbor-1.1", cborFormat],
]);

/** The format that a Content-Type header names, parameters aside; undefined when it is none of ours. */
export function bodyFormat(contentType: string | null): BodyFormat | undefined {
  if (contentType === jsonFormat.contentType) return jsonFormat;
  return FORMATS.get((contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "");
}

/** "class java.lang.Boolean can not be converted to …", as AWS words a value of the wrong type. */
export function typeMismatch(value: unknown, wanted: string): Error {
  if (Array.isArray(value)) return serializationError("Start of list found where not expected");
  switch (typeof value) {
    case "boolean":
      return serializationError(`class java.lang.Boolean can not be converted to ${wanted}`);
    case "number":
      return serializationError(
        `class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to ${wanted}`,
      );
    case "string":
      return serializationError(`class java.lang.String can not be converted to ${wanted}`);
    default:
      return serializationError("Start of structure or map found where not expected.");
  }
}

function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) {
    throw badBase64(
      text,
      `Base64 encoded length is expected a multiple of 4 bytes but found: ${text.length}`,
    );
  }
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  let bytes: Uint8Array | undefined;
  try {
    bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    // Explained below.
  }
  // The decoder passes over white space, which AWS does not: then fewer bytes come than the length promises.
  if (bytes !== undefined && bytes.length === (text.length / 4) * 3 - padding) return bytes;
  const stranger = /[^a-zA-Z0-9+/=]|=(?=[^=])/.exec(text);
  throw badBase64(
    text,
    stranger
      ? `Invalid Base64 character: '${stranger[0]}'`
      : "Invalid last non-pad Base64 character dectected",
  );
}

function badBase64(text: string, why: string): Error {
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return serializationError(`'${shown}' can not be converted to a Blob: ${why}`);
}
