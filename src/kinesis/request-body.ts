/**
 * Reads request bodies within two bounds: the bytes of one body, and of all bodies in work together. A declared
 * length is refused before a byte of it is buffered; a body without one is counted as it comes.
 */
import { KinesisError } from "./errors.ts";

export interface RequestBodyLimits {
  maxBodyBytes: number;
  /** Of all requests in work. */
  maxBodyBytesInWork: number;
}

export class RequestBodies {
  private inWorkBytes = 0;

  constructor(private readonly limits: RequestBodyLimits) {}

  /**
   * Runs `use` with the body of `request`, counted as in work until `use` is done. Gives undefined when the body
   * is too large. Throws ServiceUnavailable when too much is in work.
   */
  async withBody<T>(request: Request, use: (body: Uint8Array) => Promise<T>): Promise<T | undefined> {
    const { maxBodyBytes, maxBodyBytesInWork } = this.limits;
    const declared = request.headers.get("content-length");
    const bytes = declared === null ? maxBodyBytes : Number(declared);
    if (!(bytes <= maxBodyBytes)) return undefined;
    if (this.inWorkBytes + bytes > maxBodyBytesInWork) {
      throw new KinesisError("ServiceUnavailable", "Too many requests are in work: try again.", 503);
    }
    this.inWorkBytes += bytes;
    try {
      const body = declared === null ? await readAtMost(request, maxBodyBytes) : await request.bytes();
      if (body === undefined || body.length > maxBodyBytes) return undefined;
      return await use(body);
    } finally {
      this.inWorkBytes -= bytes;
    }
  }
}

async function readAtMost(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body === null) return Buffer.alloc(0);
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
