/**
 * Reads request bodies within two bounds: the bytes of one body, and of all requests together. A declared length is
 * refused before a byte of it is buffered; a body without one counts as the largest allowed, until it is in.
 */
import { release } from "../base/bytes.ts";
import type { MemoryBudget } from "./memory-budget.ts";

const NOTHING = (): void => {};

/** The body of a request in work: it counts against the memory of all until it is released. */
export class RequestBody {
  private leave = NOTHING;

  constructor(
    public bytes: Buffer,
    private giveBack: () => void,
  ) {}

  /** Has `bytes`, counted already, from now on; the others are gone. */
  replace(bytes: Buffer, giveBack: () => void): void {
    this.release();
    this.bytes = bytes;
    this.giveBack = giveBack;
  }

  /** Has a copy of its bytes from now on, in memory that it leaves with `leave`. */
  moveTo(bytes: Buffer, leave: () => void): void {
    release(this.bytes);
    this.bytes = bytes;
    this.leave = leave;
  }

  /** Its bytes are gone, though they count on: what was made of them is still in work. May be called again. */
  drop(): void {
    release(this.bytes);
    const { leave } = this;
    this.leave = NOTHING;
    leave();
  }

  release(): void {
    this.drop();
    this.giveBack();
  }
}

/**
 * The body of `request`; undefined when it is larger than `bytesMax`. Throws ServiceUnavailable when too much is in
 * work.
 */
export async function readBody(
  request: Request,
  bytesMax: number,
  memory: MemoryBudget,
): Promise<RequestBody | undefined> {
  const declared = request.headers.get("content-length");
  const bytes = declared === null ? bytesMax : Number(declared);
  if (!(bytes <= bytesMax)) return undefined;
  const giveBack = memory.take(bytes);
  let body: Buffer | undefined;
  try {
    body = declared === null ? await readAtMost(request, bytesMax) : Buffer.from(await request.arrayBuffer());
  } finally {
    if (body === undefined || body.length > bytesMax) giveBack();
  }
  if (body === undefined || body.length > bytesMax) return undefined;
  if (declared !== null) return new RequestBody(body, giveBack);
  giveBack();
  return new RequestBody(body, memory.take(body.length));
}

async function readAtMost(request: Request, bytesMax: number): Promise<Buffer | undefined> {
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
