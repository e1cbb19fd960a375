/**
 * Replies. Every one carries the two ids that AWS's support asks for, and clients show in their errors; an error
 * names its type in a header as well. A request that can't be told apart as Kinesis's gets AWS's XML.
 */
import { asBuffer } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import type { BodyFormat } from "./body.ts";
import { BodyParts, LARGE_BYTES } from "./body-parts.ts";
import type { KinesisError } from "./errors.ts";
import { EVENT_STREAM_TYPE, type EventStream } from "./event-stream.ts";
import { acceptsGzip, deflateIfItPays, GZIP_BYTES_MIN } from "./gzip.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** Letters of an id, and bytes that are drawn for it: 32 hex digits (without the hyphens), and 88 letters of Base64. */
const REQUEST_ID = { letters: 32, bytes: 16 };
const EXTENDED_ID = { letters: 88, bytes: 66 };
/** Replies whose ids are drawn at once. */
const IDS_DRAWN = 64;
/**
 * A reply that is ready later than its request, and longer than 16 KiB with its headers, goes out in a system call for
 * each name, colon and value of its headers, 23 in all, unless its body is a stream (Bun 1.4.5): decision 0118.
 */
const STREAMED_BYTES = 12 * 1024;

/** Headers of replies, each with ids of its own. */
export class ReplyHeaders {
  /** Ids that are not given out yet, one behind the other. */
  private requestIds = "";
  private extendedIds = "";
  private given = IDS_DRAWN;

  constructor(private readonly random: Random) {}

  next(): Record<string, string> {
    if (this.given === IDS_DRAWN) this.draw();
    const place = this.given++;
    const at = place * REQUEST_ID.letters;
    const hex = this.requestIds.slice(at, at + REQUEST_ID.letters);
    const extendedAt = place * EXTENDED_ID.letters;
    return {
      "x-amzn-RequestId": `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
      "x-amz-id-2": this.extendedIds.slice(extendedAt, extendedAt + EXTENDED_ID.letters),
    };
  }

  private draw(): void {
    this.requestIds = this.random.bytes(IDS_DRAWN * REQUEST_ID.bytes).toString("hex");
    this.extendedIds = this.random.bytes(IDS_DRAWN * EXTENDED_ID.bytes).toString("base64");
    this.given = 0;
  }
}

/**
 * 200 with `output`, or with no body at all for operations that answer nothing; deflated where the client takes that and
 * it pays. A large one counts against `memory` until the client has taken it or left.
 */
export function outputReply(
  format: BodyFormat,
  output: object | string | undefined,
  headers: Record<string, string>,
  memory: MemoryBudget,
  request: Request,
): Response | Promise<Response> {
  headers["content-type"] = format.contentType;
  const encoded =
    output instanceof BodyParts || typeof output === "string"
      ? output
      : output === undefined
        ? ""
        : format.encode(output);
  if (!(encoded instanceof BodyParts) && encoded.length < GZIP_BYTES_MIN)
    return new Response(encoded as string, { headers });
  const content = partsOf(encoded);
  const gzip = acceptsGzip(request.headers.get("accept-encoding"));
  const deflates = gzip && content.length >= GZIP_BYTES_MIN;
  if (content.length < LARGE_BYTES && !deflates) return wholeReply(content, headers);
  const giveBack = memory.take(content.length);
  request.signal.addEventListener("abort", giveBack);
  if (request.signal.aborted) giveBack();
  return deflates ? deflatedReply(content.whole(), headers, giveBack) : inPieces(content, headers, giveBack);
}

function partsOf(content: BodyParts | Uint8Array | string): BodyParts {
  if (content instanceof BodyParts) return content;
  return BodyParts.of(typeof content === "string" ? Buffer.from(content) : asBuffer(content));
}

async function deflatedReply(
  content: Buffer,
  headers: Record<string, string>,
  sent: () => void,
): Promise<Response> {
  try {
    const deflated = await deflateIfItPays(content);
    if (deflated !== undefined) headers["content-encoding"] = "gzip";
    return inPieces(BodyParts.of(asBuffer(deflated ?? content)), headers, sent);
  } catch (error) {
    sent();
    throw error;
  }
}

function inPieces(content: BodyParts, headers: Record<string, string>, sent: () => void): Response {
  if (content.length >= LARGE_BYTES) return new Response(pieces(content, sent), { headers });
  sent();
  return wholeReply(content, headers);
}

/** All of `content` at once. */
function wholeReply(content: BodyParts, headers: Record<string, string>): Response {
  if (content.length >= STREAMED_BYTES)
    return new Response(new ReadableStream(new OneWrite(content)), { headers });
  const response = new Response(content.whole(), { headers }); // has its own copy
  content.release();
  return response;
}

/** Source of a stream that has all of a body at once. */
class OneWrite implements Bun.DirectUnderlyingSource<Uint8Array> {
  readonly type = "direct";

  constructor(private readonly content: BodyParts) {}

  pull(controller: ReadableStreamDirectController): void {
    for (const part of this.content.drain()) controller.write(part); // has its own copy
    controller.end();
  }

  /** The client has left. */
  cancel(): void {
    this.content.release();
  }
}

/** `content` a piece at a time, as fast as the client takes it. */
async function* pieces(content: BodyParts, sent: () => void): AsyncGenerator<Uint8Array> {
  try {
    // Bun asks for the next one when it has sent this one, or copied what the socket did not take.
    yield* content.drain();
  } finally {
    // Of a client that has left, there is more.
    content.release();
    sent();
  }
}

/** 200 with frames that are sent as they come. */
export function eventStreamReply({ frames }: EventStream, headers: Record<string, string>): Response {
  headers["content-type"] = EVENT_STREAM_TYPE;
  return new Response(frames, { headers });
}

export function errorReply(
  format: BodyFormat,
  error: KinesisError,
  headers: Record<string, string>,
): Response {
  headers["content-type"] = format.contentType;
  headers["x-amzn-ErrorType"] = error.type;
  // AWS's own inconsistency: this one error spells it with a capital. SDKs read both.
  const name = error.type === "SerializationException" ? "Message" : "message";
  const message = error.message === "" ? {} : { [name]: error.message };
  return new Response(format.encode({ __type: error.type, ...message }), { status: error.status, headers });
}

/** What AWS's front door says to a request that names no service and operation. */
export function accessDeniedReply(headers: Record<string, string>): Response {
  headers["content-type"] = "application/xml";
  headers["x-amzn-ErrorType"] = "AccessDeniedException";
  const message = "Unable to determine service/operation name to be authorized";
  return new Response(
    `<AccessDeniedException>\n  <Message>${message}</Message>\n</AccessDeniedException>\n`,
    {
      status: 403,
      headers,
    },
  );
}

/** A target, but in no body format that this service speaks. */
export function unknownFormatReply(headers: Record<string, string>): Response {
  headers["content-type"] = "application/xml";
  headers["x-amzn-ErrorType"] = "UnknownOperationException";
  return new Response("<UnknownOperationException/>\n", { status: 404, headers });
}

/** 413 without a body; the connection ends because the rest of the request is not worth reading. */
export function tooLargeReply(headers: Record<string, string>): Response {
  headers["connection"] = "close";
  return new Response(null, { status: 413, headers });
}
