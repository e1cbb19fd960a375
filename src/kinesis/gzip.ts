/**
 * gzip, where a client asks for it (RFC 9110, 8.4 and 12.5.3): a request whose Content-Encoding says so is inflated
 * within the limit of bodies, and a reply to a client that accepts gzip is deflated where that pays. No AWS SDK sends
 * Kinesis a compressed body by itself; Go's asks for compressed replies. What is not small is done off the event loop.
 */
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import { serializationError } from "./errors.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { RequestBody } from "./request-body.ts";

/** A smaller reply is one packet or two either way. */
export const GZIP_BYTES_MIN = 2048;
/** Up to here a reply is deflated at once, in about a quarter of a millisecond; of a larger one so much is tried. */
const SMALL_BYTES = 64 * 1024;
/** What does not shrink to this share costs more time than it saves; Base64 of any data at all shrinks to 0.75. */
const PAYS_BELOW = 0.5;

const deflate = promisify<Buffer, { level: number }, Buffer>(gzip);
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

/** Whether an Accept-Encoding header takes gzip. */
export function acceptsGzip(header: string | null): boolean {
  if (header === null) return false;
  return header.split(",").some((part) => {
    const [coding = "", quality = ""] = part.split(";");
    return /^\s*(x-)?gzip\s*$/i.test(coding) && !/^\s*q\s*=\s*0(\.0*)?\s*$/i.test(quality);
  });
}

/** `content` deflated; undefined where that does not pay. */
export async function deflateIfItPays(content: Buffer): Promise<Uint8Array | undefined> {
  const tried = content.subarray(0, SMALL_BYTES) as Uint8Array<ArrayBuffer>;
  const packed = Bun.gzipSync(tried, { level: 1, library: "libdeflate" });
  if (packed.length > tried.length * PAYS_BELOW) return undefined;
  return tried.length === content.length ? packed : deflate(content, { level: constants.Z_BEST_SPEED });
}

/** Whether a Content-Encoding header says that the body is not what it is. */
export function isCoded(coding: string | null): coding is string {
  return coding !== null && !/^(identity)?$/i.test(coding);
}

/**
 * Has `body` be what its request means by it, within `bytesMax`; no more than that is ever inflated. False when it is
 * larger. Throws SerializationException when it can't be read, ServiceUnavailable when too much is in work.
 */
export async function inflateBody(
  coding: string,
  body: RequestBody,
  bytesMax: number,
  memory: MemoryBudget,
): Promise<boolean> {
  if (!/^(x-)?gzip$/i.test(coding))
    throw serializationError(`Content-Encoding ${coding.slice(0, 64)} is not known here: send gzip or none.`);
  const claimedBytes = Math.min(claimOf(body.bytes), bytesMax);
  if (await inflateWithin(claimedBytes, body, memory)) return true;
  return claimedBytes < bytesMax && (await inflateWithin(bytesMax, body, memory));
}

async function inflateWithin(bytesMax: number, body: RequestBody, memory: MemoryBudget): Promise<boolean> {
  const giveBack = memory.take(bytesMax);
  try {
    body.replace(await inflate(body.bytes, { maxOutputLength: bytesMax }), giveBack);
    return true;
  } catch (error) {
    giveBack();
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") return false;
    throw serializationError("The body is not what its Content-Encoding says: gzip.");
  }
}

/** The length that the last four bytes of gzip claim: true of one that has but one member, and of no lie. */
function claimOf(sent: Buffer): number {
  return sent.length < 4 ? 1 : Math.max(1, sent.readUInt32LE(sent.length - 4));
}
