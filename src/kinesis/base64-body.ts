/**
 * The base64 pieces of a body, decoded one after the other. Strict: the standard alphabet, its padding, and nothing else,
 * so that only one text says what a piece says.
 */
const PADDING = 0x3d;
/** Larger ones take longer to get memory for than to read. */
const TEXT_BYTES = 64 * 1024;
const STRICT = { lastChunkHandling: "strict" } as const;

/** Bytes that the base64 from `start` to `end` of `body` stands for, if it is any; -1 when it is none by its length. */
export function base64Bytes(body: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  if (length % 4 !== 0) return -1;
  const padding = body[end - 1] !== PADDING ? 0 : body[end - 2] === PADDING ? 2 : 1;
  return (length / 4) * 3 - padding;
}

export class Base64Body {
  /** Some of the body as text: of one text many pieces are made at no cost. */
  private text = "";
  private textStart = 0;
  private textEnd = 0;

  constructor(private readonly body: Buffer) {}

  /** Fills `into` with what stands from `start` to `end`; false when that is not base64 of so many bytes. */
  decode(start: number, end: number, into: Uint8Array): boolean {
    const text = this.textOf(start, end);
    try {
      // The decoder passes over white space: then fewer bytes come than the length promises.
      const { read, written } = into.setFromBase64(text, STRICT);
      return read === text.length && written === into.length;
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  }

  /** What stands in the body, or stood there when it was read. Pieces are asked for in their order. */
  textOf(start: number, end: number): string {
    if (start < this.textStart || end > this.textEnd) {
      this.textStart = start;
      this.textEnd = Math.min(Math.max(end, start + TEXT_BYTES), this.body.length);
      this.text = this.body.toString("latin1", this.textStart, this.textEnd);
    }
    return this.text.slice(start - this.textStart, end - this.textStart);
  }
}
