/**
 * AWS's event stream framing (application/vnd.amazon.eventstream), and the frames of SubscribeToShard. Lengths and
 * checksums are big-endian; a checksum is CRC-32 of everything before it.
 *
 *   byte 0            4               8                12          12+h        total-4
 *        total bytes  header bytes h  CRC-32 of 0..7   headers     payload     CRC-32 of all before
 *
 *   header: name length u8, name, 7 (a text), value length u16, value
 */
import { asBuffer } from "../base/bytes.ts";
import type { KinesisError } from "./errors.ts";

export const EVENT_STREAM_TYPE = "application/vnd.amazon.eventstream";

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const TEXT_HEADER = 7;
const PAYLOAD_TYPE = "application/x-amz-json-1.1";

/** A reply that goes on: its frames are sent as they come, as fast as the client takes them. */
export class EventStream {
  constructor(readonly frames: AsyncGenerator<Uint8Array>) {}
}

/** The first frame: the operation's own output, which is empty. */
export function initialResponseFrame(): Buffer {
  return eventFrame("initial-response", "{}");
}

/** `payload`: JSON. */
export function eventFrame(type: string, payload: Uint8Array | string): Buffer {
  const headers: Headers = [
    [":event-type", type],
    [":content-type", PAYLOAD_TYPE],
    [":message-type", "event"],
  ];
  return encodeFrame(headers, typeof payload === "string" ? Buffer.from(payload) : asBuffer(payload));
}

/** The frame that ends a stream with one of the errors that the model lists for it. */
export function exceptionFrame(error: KinesisError): Buffer {
  const headers: Headers = [
    [":exception-type", error.type],
    [":content-type", PAYLOAD_TYPE],
    [":message-type", "exception"],
  ];
  return encodeFrame(headers, Buffer.from(JSON.stringify({ message: error.message })));
}

type Headers = readonly (readonly [string, string])[];

function encodeFrame(headers: Headers, payload: Buffer): Buffer {
  const headerBytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  const frame = Buffer.allocUnsafe(PRELUDE_BYTES + headerBytes + payload.length + CHECKSUM_BYTES);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headerBytes, 4);
  frame.writeUInt32BE(Bun.hash.crc32(frame.subarray(0, 8)), 8);
  let at = PRELUDE_BYTES;
  for (const [name, value] of headers) {
    at = frame.writeUInt8(name.length, at);
    at += frame.write(name, at, "latin1");
    at = frame.writeUInt8(TEXT_HEADER, at);
    at = frame.writeUInt16BE(value.length, at);
    at += frame.write(value, at, "latin1");
  }
  at += payload.copy(frame, at);
  frame.writeUInt32BE(Bun.hash.crc32(frame.subarray(0, at)), at);
  return frame;
}
