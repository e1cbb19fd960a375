/** The CBOR reader and writer: the RFC's own examples, Jackson's habits, and input made to hurt. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { CborError, CborTimestamp, decodeCbor, encodeCbor } from "../../src/kinesis/cbor.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("examples of RFC 8949, appendix A", () => {
  const examples: [string, unknown][] = [
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["1903e8", 1000],
    ["1a000f4240", 1000000],
    ["1b000000e8d4a51000", 1000000000000],
    ["20", -1],
    ["3903e7", -1000],
    ["f93c00", 1],
    ["f97bff", 65504],
    ["f90001", 5.960464477539063e-8],
    ["f97c00", Infinity],
    ["f9c400", -4],
    ["fa47c35000", 100000],
    ["fb3ff199999999999a", 1.1],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["f7", null],
    ["4401020304", Buffer.from([1, 2, 3, 4])],
    ["6161", "a"],
    ["62c3bc", "ü"],
    ["80", []],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    ["5f42010243030405ff", Buffer.from([1, 2, 3, 4, 5])],
    ["7f657374726561646d696e67ff", "streaming"],
    ["9fff", []],
    ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
    ["c11a514b67b0", new CborTimestamp(1363896240)],
    ["c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"],
  ];
  for (const [bytes, value] of examples) {
    test(`${bytes} reads as ${JSON.stringify(value)}`, () => {
      expect(decodeCbor(hex(bytes))).toEqual(value as never);
    });
  }

  test("maps read by name, definite and indefinite alike", () => {
    const definite = decodeCbor(hex("a26161016162820203")) as Record<string, unknown>;
    const indefinite = decodeCbor(hex("bf61610161629f0203ffff")) as Record<string, unknown>;
    expect({ ...definite }).toEqual({ a: 1, b: [2, 3] });
    expect({ ...indefinite }).toEqual({ a: 1, b: [2, 3] });
  });
});

test("what is written is read back", () => {
  const value = {
    text: "é".repeat(300),
    blob: Buffer.alloc(70_000, 3),
    numbers: [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 40), 1.5, Number.NaN],
    when: new CborTimestamp(1_700_000_000_123),
    nothing: null,
    left: undefined,
    flags: [true, false],
  };
  const read = { ...(decodeCbor(encodeCbor(value)) as Record<string, unknown>) };
  const { left: _, ...written } = value;
  expect(read).toEqual(written);
});

test("a timestamp is written as tag 1 over integer milliseconds", () => {
  expect(encodeCbor(new CborTimestamp(1_700_000_000_123)).toString("hex")).toBe("c11b0000018bcfe5687b");
});

test("a key named __proto__ is a member and changes no prototype", () => {
  const map = decodeCbor(Buffer.concat([hex("a169"), Buffer.from("__proto__"), hex("a16161f5")]));
  expect(Object.keys(map as object)).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
});

describe("input made to hurt is refused, without memory or stack", () => {
  const hostile: [string, Buffer][] = [
    ["nothing", Buffer.alloc(0)],
    ["a text cut off", hex("6561")],
    ["a text of 2^32-1 bytes", hex("7affffffff61")],
    ["a byte string of 2^64-1 bytes", hex("5bffffffffffffffff61")],
    ["an array of 2^32-1 elements", hex("9affffffff00")],
    ["an array of 2^64-1 elements", hex("9bffffffffffffffff00")],
    ["a map of 2^64-1 members", hex("bbffffffffffffffff00")],
    ["100,000 nested arrays", Buffer.alloc(100_000, 0x81)],
    ["100,000 nested indefinite arrays", Buffer.alloc(100_000, 0x9f)],
    ["100,000 nested tags", Buffer.alloc(100_000, 0xc6)],
    ["100,000 maps as keys of maps", Buffer.alloc(100_000, 0xa1)],
    ["an indefinite string in an indefinite string", hex("7f7f6161ffff")],
    ["a byte string in an indefinite text", hex("7f4161ff")],
    ["an indefinite array without its end", hex("9f01")],
    ["a break alone", hex("ff")],
    ["a break as a map's value", hex("a16161ff")],
    ["an indefinite integer", hex("1f")],
    ["reserved lengths", hex("1c")],
    ["text that is not UTF-8", hex("62c328")],
    ["a number as a map's key", hex("a10102")],
    ["a text as a timestamp", hex("c16161")],
    ["two values", hex("0101")],
  ];
  for (const [name, bytes] of hostile) {
    test(name, () => expect(() => decodeCbor(bytes)).toThrow(CborError));
  }

  test("random bytes never break anything but the value", () => {
    const seed = Date.now() >>> 0;
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      try {
        decodeCbor(random.bytes(1 + (random.uint32() % 64)));
      } catch (error) {
        expect(error).toBeInstanceOf(CborError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
  });
});
