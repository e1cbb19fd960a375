/**
 * Bodies made from message tables: a random valid one for each version, and the places of all its length prefixes,
 * so that tests can break each of them.
 */
import { type Random, randomBelow } from "../../src/base/random.ts";
import { type Field, type Fields, inVersions } from "../../src/kafka/codec/fields.ts";
import { Writer } from "../../src/kafka/codec/writer.ts";

type Body = Record<string, unknown>;

/** A body with every field of `version` set; the others have their defaults, so that decoding gives it back. */
export function randomBody(fields: Fields, version: number, random: Random): Body {
  const body: Body = {};
  for (const [name, field] of Object.entries(fields)) {
    if (inVersions(field.versions, version)) body[name] = randomValue(field, version, random);
  }
  return body;
}

function randomValue(field: Field, version: number, random: Random): unknown {
  if (inVersions(field.nullable, version) && randomBelow(random, 4) === 0) return null;
  switch (field.type) {
    case "bool":
      return randomBelow(random, 2) === 1;
    case "int8":
      return randomBelow(random, 256) - 128;
    case "int16":
      return randomBelow(random, 65536) - 32768;
    case "int32":
      return random.uint32() | 0;
    case "int64":
      return (randomBelow(random, 2) ? 1 : -1) * (random.uint32() * 0x100000 + randomBelow(random, 0x100000));
    case "uint16":
      return randomBelow(random, 65536);
    case "uint32":
      return random.uint32();
    case "float64":
      return random.uint32() / 7;
    case "uuid":
      return random.bytes(16).toString("hex");
    case "string":
      return "grüße".repeat(randomBelow(random, 40));
    case "bytes":
    case "records":
      return random.bytes(randomBelow(random, 300));
    case "struct":
      return randomBody(field.fields as Fields, version, random);
    case "array":
      return Array.from({ length: 1 + randomBelow(random, 3) }, () =>
        field.fields
          ? randomBody(field.fields, version, random)
          : randomValue(field.element as Field, version, random),
      );
  }
}

/** A length, count or tag count in an encoded message. */
export interface Prefix {
  at: number;
  kind: "int16" | "int32" | "varint";
  bytes: number;
}

/** A Writer that remembers where lengths and counts stand. */
export class PrefixRecorder extends Writer {
  readonly prefixes: Prefix[] = [];

  override unsignedVarint(value: number): void {
    const at = this.at;
    super.unsignedVarint(value);
    this.prefixes.push({ at, kind: "varint", bytes: this.at - at });
  }

  /** Any tag is allowed: it is no length. */
  override tag(number: number): void {
    super.unsignedVarint(number);
  }

  override arrayCount(count: number): void {
    this.prefixes.push({ at: this.at, kind: "int32", bytes: 4 });
    super.arrayCount(count);
  }

  override string(value: string): void {
    this.prefixes.push({ at: this.at, kind: "int16", bytes: 2 });
    super.string(value);
  }

  override bytesField(value: Buffer): void {
    this.prefixes.push({ at: this.at, kind: "int32", bytes: 4 });
    super.bytesField(value);
  }
}

const HOSTILE: Record<Prefix["kind"], Buffer[]> = {
  int16: [Buffer.from("7fff", "hex"), Buffer.from("fffe", "hex"), Buffer.from("8000", "hex")],
  int32: [Buffer.from("7fffffff", "hex"), Buffer.from("fffffffe", "hex"), Buffer.from("80000000", "hex")],
  // 2^32-1, 2^35-1, a varint that never ends.
  varint: [Buffer.from("ffffffff0f", "hex"), Buffer.from("ffffffff7f", "hex"), Buffer.alloc(12, 0xff)],
};

/** Copies of `bytes`, each with one prefix replaced by a hostile one. */
export function* hostileCopies(bytes: Buffer, prefixes: readonly Prefix[]): Generator<Buffer> {
  for (const { at, kind, bytes: size } of prefixes) {
    for (const value of HOSTILE[kind]) {
      yield Buffer.concat([bytes.subarray(0, at), value, bytes.subarray(at + size)]);
    }
  }
}
