/**
 * CBOR (RFC 8949) as far as AWS uses it: the body format application/x-amz-cbor-1.1 of the Java SDKs.
 *
 *   initial byte = major type (3 bits) | argument (5 bits: 0..23, 24..27 = 1/2/4/8 bytes follow, 31 = indefinite)
 *   0 integer, 1 negative, 2 bytes, 3 text, 4 array, 5 map, 6 tag, 7 false/true/null/undefined/floats/break
 *
 * Reading takes indefinite-length arrays, maps, texts and byte strings, as Jackson writes them. Tag 1 is a point in
 * time in milliseconds (AWS's own reading; the RFC has seconds), every other tag is passed over. It never trusts
 * a length: an array grows by the elements that are really there, a string is a view of bytes that are really
 * there, and nesting is bounded, so hostile input costs no more than its own size.
 * Why no package does this: docs/decisions/0030-cbor-by-hand.md.
 */

/** A point in time: tag 1 over an integer of milliseconds. */
export class CborTimestamp {
  constructor(readonly ms: number) {}
}

/** What the reader gives; byte strings are views of the input. */
export type CborValue =
  null | boolean | number | string | Uint8Array | CborTimestamp | CborValue[] | { [name: string]: CborValue };

/** The input is not one whole CBOR value within the bounds. */
export class CborError extends Error {
  override name = "CborError";
}

const DEPTH_MAX = 64;
const INDEFINITE = -1;
const BREAK = 0xff;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the one value that `bytes` holds. Throws CborError on anything else. */
export function decodeCbor(bytes: Buffer): CborValue {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new CborError("bytes behind the value");
  return value;
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  value(depth: number): CborValue {
    if (depth > DEPTH_MAX) throw new CborError(`nested deeper than ${DEPTH_MAX}`);
    const initial = this.byte();
    const major = initial >> 5;
    if (major === 7) return this.simple(initial & 31);
    const argument = this.argument(initial & 31);
    if (argument === INDEFINITE && (major < 2 || major === 6))
      throw new CborError("indefinite integer or tag");
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return argument === INDEFINITE ? Buffer.concat(this.chunks(2)) : this.take(argument);
      case 3:
        return this.text(argument === INDEFINITE ? Buffer.concat(this.chunks(3)) : this.take(argument));
      case 4:
        return this.array(argument, depth);
      case 5:
        return this.map(argument, depth);
      default:
        return this.tagged(argument, depth);
    }
  }

  private array(count: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    if (count === INDEFINITE) {
      while (!this.takeBreak()) items.push(this.value(depth + 1));
    } else {
      this.demand(count);
      for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
    }
    return items;
  }

  /** Keys are texts; `__proto__` becomes a property like any other because there is no prototype to set. */
  private map(count: number, depth: number): { [name: string]: CborValue } {
    const map: { [name: string]: CborValue } = Object.create(null);
    if (count !== INDEFINITE) this.demand(count);
    for (let i = 0; count === INDEFINITE ? !this.takeBreak() : i < count; i++) {
      const name = this.value(depth + 1);
      if (typeof name !== "string") throw new CborError("a map key is not text");
      map[name] = this.value(depth + 1);
    }
    return map;
  }

  private tagged(tag: number, depth: number): CborValue {
    const value = this.value(depth + 1);
    if (tag !== 1) return value;
    if (typeof value !== "number") throw new CborError("a timestamp is not a number");
    return new CborTimestamp(value);
  }

  private simple(info: number): CborValue {
    switch (info) {
      case 20:
      case 21:
        return info === 21;
      case 22:
      case 23:
        return null;
      case 25:
        return halfFloat(this.take(2).readUInt16BE(0));
      case 26:
        return this.take(4).readFloatBE(0);
      case 27:
        return this.take(8).readDoubleBE(0);
      default:
        throw new CborError(`simple value ${info}`);
    }
  }

  /** The pieces of an indefinite string: definite strings of the same major type up to a break. */
  private chunks(major: number): Buffer[] {
    const chunks: Buffer[] = [];
    while (!this.takeBreak()) {
      const initial = this.byte();
      const length = this.argument(initial & 31);
      if (initial >> 5 !== major || length === INDEFINITE) throw new CborError("a piece of another type");
      chunks.push(this.take(length));
    }
    return chunks;
  }

  private argument(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.byte();
      case 25:
        return this.take(2).readUInt16BE(0);
      case 26:
        return this.take(4).readUInt32BE(0);
      case 27: {
        const wide = this.take(8);
        return wide.readUInt32BE(0) * 2 ** 32 + wide.readUInt32BE(4);
      }
      case 31:
        return INDEFINITE;
      default:
        throw new CborError("reserved length");
    }
  }

  private text(bytes: Buffer): string {
    try {
      return utf8.decode(bytes);
    } catch {
      throw new CborError("text is not UTF-8");
    }
  }

  private byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new CborError("ends too early");
    return byte;
  }

  private take(count: number): Buffer {
    this.demand(count);
    return this.bytes.subarray(this.at, (this.at += count));
  }

  private takeBreak(): boolean {
    if (this.bytes[this.at] !== BREAK) return false;
    this.at++;
    return true;
  }

  /** Every element takes at least one byte, so a count above the bytes left is a lie. */
  private demand(count: number): void {
    if (count > this.bytes.length - this.at) throw new CborError("ends too early");
  }
}

function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Writes one value: objects as maps (undefined members left out), Uint8Arrays as byte strings. */
export function encodeCbor(value: unknown): Buffer {
  const writer = new Writer();
  writer.value(value);
  return writer.finish();
}

class Writer {
  private bytes = Buffer.allocUnsafe(1024);
  private at = 0;

  finish(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  value(value: unknown): void {
    if (value === null) this.byte(0xf6);
    else if (typeof value === "boolean") this.byte(value ? 0xf5 : 0xf4);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof Uint8Array) this.blob(value);
    else if (value instanceof CborTimestamp) {
      this.byte(0xc1);
      this.number(value.ms);
    } else if (Array.isArray(value)) {
      this.head(4, value.length);
      for (const item of value) this.value(item);
    } else if (typeof value === "object") this.map(value);
    else throw new TypeError(`CBOR has no ${typeof value}`);
  }

  private map(value: object): void {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    this.head(5, members.length);
    for (const [name, member] of members) {
      this.text(name);
      this.value(member);
    }
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.head(0, value);
      else this.head(1, -1 - value);
      return;
    }
    this.byte(0xfb);
    this.reserve(8);
    this.at = this.bytes.writeDoubleBE(value, this.at);
  }

  private text(value: string): void {
    const length = Buffer.byteLength(value, "utf8");
    this.head(3, length);
    this.reserve(length);
    this.at += this.bytes.write(value, this.at, length, "utf8");
  }

  private blob(value: Uint8Array): void {
    this.head(2, value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  private head(major: number, argument: number): void {
    this.reserve(9);
    const top = major << 5;
    if (argument < 24) this.bytes[this.at++] = top | argument;
    else if (argument < 0x100) {
      this.bytes[this.at++] = top | 24;
      this.bytes[this.at++] = argument;
    } else if (argument < 0x10000) {
      this.bytes[this.at++] = top | 25;
      this.at = this.bytes.writeUInt16BE(argument, this.at);
    } else if (argument < 0x100000000) {
      this.bytes[this.at++] = top | 26;
      this.at = this.bytes.writeUInt32BE(argument, this.at);
    } else {
      this.bytes[this.at++] = top | 27;
      this.at = this.bytes.writeUInt32BE(Math.floor(argument / 2 ** 32), this.at);
      this.at = this.bytes.writeUInt32BE(argument % 2 ** 32, this.at);
    }
  }

  private byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  private reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
