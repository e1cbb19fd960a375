/**
 * The bytes of a reply in parts: a list of records grows by adding one, without being copied, and each is given back as
 * soon as it is sent. A reply of ten megabytes takes that many, and not three times as many.
 */
import { release } from "../base/bytes.ts";

/** As much as is handed to the connection at once. */
export const PART_BYTES = 256 * 1024;
/** From here on a reply is sent in pieces, and its memory counted. */
export const LARGE_BYTES = 1024 * 1024;

export class BodyParts {
  /** Bytes of all parts. */
  length = 0;
  private readonly parts: { memory: Buffer; bytes: number }[] = [];

  /** A body of the first `bytes` of `memory`, which is the body's own from now on. */
  static of(memory: Buffer, bytes = memory.length): BodyParts {
    const body = new BodyParts();
    body.add(memory, bytes);
    return body;
  }

  /** Adds the first `bytes` of `memory`, which is the body's own from now on. */
  add(memory: Buffer, bytes: number): void {
    this.parts.push({ memory, bytes });
    this.length += bytes;
  }

  /** All of them in one. To be called once, and instead of `drain`. */
  whole(): Buffer {
    const [first, ...others] = this.parts;
    if (first !== undefined && others.length === 0) return first.memory.subarray(0, first.bytes);
    const whole = Buffer.allocUnsafe(this.length);
    let at = 0;
    for (const part of this.drain()) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Gives back the memory of a body that nobody looks at any more. */
  release(): void {
    for (const { memory } of this.parts) release(memory);
    this.parts.length = 0;
  }

  /** At most PART_BYTES at a time, each good until the next one is asked for. To be called once. */
  *drain(): Generator<Buffer> {
    for (const { memory, bytes } of this.parts) {
      for (let at = 0; at < bytes; at += PART_BYTES)
        yield memory.subarray(at, Math.min(at + PART_BYTES, bytes));
      release(memory);
    }
    this.parts.length = 0;
  }
}
