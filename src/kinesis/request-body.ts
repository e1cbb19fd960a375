/**
 * Reads request bodies within two bounds: the bytes of one body, and of all requests together. A declared length is
 * refused before a byte of it is buffered; a body without one counts as the largest allowed.
 */
import { release } from "../base/bytes.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/**
 * Runs `use` with the body of `request`, which counts against `memory` until `use` is done, and is gone then. Gives
 * undefined when the body is larger than `bytesMax`. Throws ServiceUnavailable when too much is in work.
 */
export async function withBody<T>(
  request: Request,
  bytesMax: number,
  memory: MemoryBudget,
  use: (body: Uint8Array) => Promise<T>,
): Promise<T | undefined> {
  const declared = request.headers.get("content-length");
  const bytes = declared === null ? bytesMax : Number(declared);
  if (!(bytes <= bytesMax)) return undefined;
  const giveBack = memory.take(bytes);
  let body: Uint8Array | undefined;
  try {
    body = declared === null ? await readAtMost(request, bytesMax) : await request.bytes();
    if (body === undefined || body.length > bytesMax) return undefined;
    return await use(body);
  } finally {
    if (body !== undefined) release(body);
    giveBack();
  }
}

async function readAtMost(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body === null) return Buffer.alloc(0);
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
