/**
 * Valid requests of any API, and the ways in which a fuzzer breaks them. Broken is what stands inside a frame, so that
 * the next frame begins where it should. Everything follows from the Random that is given.
 */
import { type Random, randomBelow } from "../../src/base/random.ts";
import type { Api } from "../../src/kafka/call.ts";
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import { hostileCopies, type Prefix, PrefixRecorder, randomBody } from "./kafka-bodies.ts";
import { batchOf } from "./log.ts";

/** A request without its size. */
export interface RequestBytes {
  bytes: Buffer;
  /** All lengths and counts, the client id's first. */
  prefixes: readonly Prefix[];
  flexible: boolean;
}

const WORDS = ["fuzz", "fuzz", "group", "", "..", "retention.ms", "1", "range", "User:ann", "x".repeat(300)];
const NUMBERS = [0, 0, 1, 2, 3, 100];

/** Puts values that mean something in the place of most random ones, so that handlers get to work on them. */
function sharpen(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return value.map((each) => sharpen(each, random));
  if (Buffer.isBuffer(value)) return randomBelow(random, 2) ? batchOf(["a", "b"]) : value;
  if (typeof value === "number")
    return randomBelow(random, 4) ? NUMBERS[randomBelow(random, NUMBERS.length)] : value;
  if (typeof value === "string")
    return /^[0-9a-f]{32}$/.test(value) ? value : WORDS[randomBelow(random, WORDS.length)];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sharpen(each, random)]));
}

/** A request of `api`, random at every other call and made of likely values at the others. */
export function validRequest(api: Api, version: number, random: Random): RequestBytes {
  const flexible = api.request.isFlexible(version);
  const writer = new PrefixRecorder();
  writeRequestHeader(writer, api.key, version, random.uint32() | 0, "fuzz", flexible);
  const body = randomBody(api.request.fields, version, random);
  api.request.write(version, writer, (randomBelow(random, 2) ? sharpen(body, random) : body) as never);
  return { bytes: Buffer.from(writer.bytes.subarray(0, writer.at)), prefixes: writer.prefixes, flexible };
}

type Mutation = (request: RequestBytes, random: Random) => Buffer;

/** Bytes from `at` on are replaced as far as there are any. */
function overwritten(bytes: Buffer, at: number, by: Buffer): Buffer {
  by.copy(bytes, at);
  return bytes;
}

function replaced(bytes: Buffer, at: number, count: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + count)]);
}

/** The varint at `prefix` with the same value, in more bytes than it needs: five as a rule, eleven at times. */
function overlong(bytes: Buffer, { at, bytes: size }: Prefix, random: Random): Buffer {
  const long = Buffer.alloc(randomBelow(random, 4) ? 5 : 11, 0x80);
  bytes.copy(long, 0, at, at + size);
  long[size - 1] = (long[size - 1] as number) | 0x80;
  long[long.length - 1] = 0;
  return replaced(bytes, at, size, long);
}

/** Tagged fields whose tags, sizes and number are anybody's guess. */
function wildTags(random: Random): Buffer {
  const count = randomBelow(random, 6);
  const fields = Array.from({ length: count }, () => {
    const content = random.bytes(randomBelow(random, 40));
    const size = randomBelow(random, 3) ? content.length : randomBelow(random, 128);
    return Buffer.concat([Buffer.from([randomBelow(random, 4), size]), content]);
  });
  const claimed = randomBelow(random, 3) ? Buffer.from([count]) : Buffer.from("ffffffff0f", "hex");
  return Buffer.concat([claimed, ...fields]);
}

const EXTREMES = ["7fffffffffffffff", "8000000000000000", "ffffffffffffffff", "0000000000000000"];

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  untouched: ({ bytes }) => bytes,
  "bits flipped"({ bytes }, random) {
    for (let flips = 1 + randomBelow(random, 8); flips > 0; flips--) {
      const at = randomBelow(random, bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << randomBelow(random, 8));
    }
    return bytes;
  },
  truncated: ({ bytes }, random) => bytes.subarray(0, randomBelow(random, bytes.length)),
  "a length or count made huge or negative"({ bytes, prefixes }, random) {
    const copies = [...hostileCopies(bytes, [prefixes[randomBelow(random, prefixes.length)] as Prefix])];
    return copies[randomBelow(random, copies.length)] as Buffer;
  },
  "a length or count changed a little"({ bytes, prefixes }, random) {
    const { at, bytes: size } = prefixes[randomBelow(random, prefixes.length)] as Prefix;
    return overwritten(bytes, at + size - 1, Buffer.from([randomBelow(random, 128)]));
  },
  "a varint overlong"({ bytes, prefixes }, random) {
    const varints = prefixes.filter(({ kind }) => kind === "varint");
    if (varints.length === 0) return bytes;
    return overlong(bytes, varints[randomBelow(random, varints.length)] as Prefix, random);
  },
  // The last byte of a flexible request is the number of tagged fields, or the end of one.
  "tagged fields made wild"({ bytes, flexible }, random) {
    return flexible ? replaced(bytes, bytes.length - 1, 1, wildTags(random)) : bytes;
  },
  "a number made extreme"({ bytes }, random) {
    const extreme = Buffer.from(EXTREMES[randomBelow(random, EXTREMES.length)] as string, "hex");
    const size = 1 << randomBelow(random, 4);
    return overwritten(bytes, randomBelow(random, bytes.length), extreme.subarray(0, size));
  },
  "a part written twice"({ bytes }, random) {
    const at = randomBelow(random, bytes.length);
    return replaced(bytes, at, 0, bytes.subarray(at, at + randomBelow(random, 60)));
  },
};
