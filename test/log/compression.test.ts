/**
 * Decompression: what other programs compressed, what voik compresses, and what hostile producers send.
 * test/golden/compression.json was made with python's lz4, python-snappy, cramjam, zstandard and kafka-python.
 */
import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { VoikError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import {
  type CompressionName,
  compressionName,
  compressionNumber,
  compressRecords,
  DECOMPRESSED_BYTES_MAX,
  decompressRecords,
} from "../../src/log/compression.ts";
import { RecordReader } from "../../src/log/record.ts";
import golden from "../golden/compression.json";

const NAMES: CompressionName[] = ["gzip", "snappy", "lz4", "zstd"];

/** What the golden strings hold, or the start of it. */
const PLAIN = Buffer.from(Array.from({ length: 7000 }, (_, i) => `voik record ${i % 7};`).join(""));

const XERIAL = Buffer.from("\x82SNAPPY\0\0\0\0\x01\0\0\0\x01", "latin1");

function decompress(name: CompressionName, bytes: Uint8Array, bytesMax?: number): Buffer {
  return decompressRecords(compressionNumber(name), Buffer.from(bytes), bytesMax);
}

/** The failure of a decompression, which must be the expected kind. */
function failureOf(name: CompressionName, bytes: Uint8Array, bytesMax?: number): string {
  try {
    decompress(name, bytes, bytesMax);
  } catch (error) {
    if (error instanceof VoikError && error.code === "decompression_failed") return error.message;
    throw error;
  }
  throw new Error(`${name} did not fail`);
}

function uint32LE(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint32BE(value: number): Buffer {
  return uint32LE(value).reverse();
}

/** An LZ4 frame header for independent 4 MiB blocks. */
const LZ4_HEADER = Buffer.from("04224d186070" + "73", "hex");

describe("numbers and names", () => {
  test("names and numbers are Kafka's", () => {
    expect(["none", ...NAMES].map((name) => compressionNumber(name as CompressionName))).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect([0, 1, 2, 3, 4, 5].map(compressionName)).toEqual([
      "none",
      "gzip",
      "snappy",
      "lz4",
      "zstd",
      undefined,
    ]);
    for (const unknown of [5, 6, 7, -1]) {
      expect(() => decompressRecords(unknown, PLAIN)).toThrow(`compression ${unknown} is unknown`);
    }
  });
});

describe("what others compressed", () => {
  for (const { name, codec, plainBytes, base64 } of golden) {
    test(`${name} is read`, () => {
      const out = decompress(codec as CompressionName, Buffer.from(base64, "base64"));
      expect(out.equals(PLAIN.subarray(0, plainBytes))).toBe(true);
    });
  }
});

describe("there and back", () => {
  const random = seededRandom(7);
  const inputs: [string, Buffer][] = [
    ["one byte", Buffer.from("x")],
    ["text", PLAIN],
    ["noise", random.bytes(200_000)],
    ["text and noise", Buffer.concat([PLAIN, random.bytes(70_000), PLAIN])],
    ["5 MiB of text", Buffer.alloc(5 << 20, "the quick brown fox jumps over the lazy dog, again. ")],
  ];
  for (const name of NAMES) {
    for (const [kind, bytes] of inputs) {
      test(`${name} of ${kind}`, () => {
        expect(decompress(name, compressRecords(name, bytes)).equals(bytes)).toBe(true);
      });
    }
  }

  for (const name of NAMES) {
    test(`a batch built with ${name} gives its records back`, () => {
      const builder = new BatchBuilder();
      for (let i = 0; i < 100; i++)
        builder.add(Buffer.from(`key ${i % 3}`), Buffer.from(`value ${i}`), 1_000 + i);
      const reader = new RecordReader(builder.build(name));
      for (let i = 0; i < 100; i++) {
        expect(reader.next()).toBe(true);
        expect([reader.offset, reader.timestampMs, String(reader.key()), String(reader.value())]).toEqual([
          i,
          1_000 + i,
          `key ${i % 3}`,
          `value ${i}`,
        ]);
      }
      expect(reader.next()).toBe(false);
    });
  }
});

test("LZ4 frames are of independent blocks: Java clients read no others", () => {
  const frame = compressRecords("lz4", Buffer.concat([PLAIN, seededRandom(2).bytes(5 << 20)]));
  expect(frame.readUInt8(4) & 0x20).toBe(0x20);
});

describe("hostile bytes", () => {
  test("each prefix of a compressed text fails or gives less than the text, never something else", () => {
    for (const { codec, plainBytes, base64 } of golden) {
      const bytes = Buffer.from(base64, "base64");
      const plain = PLAIN.subarray(0, plainBytes);
      const step = Math.max(1, bytes.length >> 6);
      for (let length = 0; length < bytes.length; length += step) {
        try {
          const out = decompress(codec as CompressionName, bytes.subarray(0, length));
          expect(out.length).toBeLessThanOrEqual(plain.length);
          expect(out.equals(plain.subarray(0, out.length))).toBe(true);
        } catch (error) {
          expect((error as VoikError).code).toBe("decompression_failed");
        }
      }
    }
  });

  test("a stream that is cut off fails", () => {
    for (const name of NAMES) {
      const bytes = compressRecords(name, PLAIN);
      for (const cut of [1, 4, 9, bytes.length >> 1, bytes.length - 3])
        failureOf(name, bytes.subarray(0, -cut));
      failureOf(name, Buffer.alloc(0));
    }
  });

  test("flipped and random bytes fail as decompression_failed or give bounded output", () => {
    const seed = Number(process.env.VOIK_SEED ?? 40);
    const random = seededRandom(seed);
    console.log(`seed ${seed}`);
    for (let round = 0; round < 4000; round++) {
      const name = NAMES[round % 4] as CompressionName;
      const bytes =
        round % 3 === 0
          ? random.bytes(randomBelow(random, 200))
          : compressRecords(name, PLAIN.subarray(0, 900));
      for (let flips = randomBelow(random, 4); flips >= 0 && bytes.length > 0; flips--) {
        bytes[randomBelow(random, bytes.length)] = random.uint32() & 0xff;
      }
      try {
        expect(decompress(name, bytes).length).toBeLessThanOrEqual(16 << 20);
      } catch (error) {
        if (!(error instanceof VoikError) || error.code !== "decompression_failed") throw error;
      }
    }
  });

  test("snappy that declares gigabytes is refused before anything is allocated", () => {
    for (const declared of ["ffffffff07", "ffffffff0f", "8080808008", "ffffffffff01"]) {
      const raw = Buffer.concat([Buffer.from(declared, "hex"), Buffer.from([0x00, 0x61])]);
      failureOf("snappy", raw);
      failureOf("snappy", Buffer.concat([XERIAL, uint32BE(raw.length), raw]));
    }
    expect(failureOf("snappy", Buffer.from([0x80, 0x80, 0x80, 0x01, 0x00, 0x61]))).toContain("can't hold");
  });

  test("snappy elements that run out of their block, back before it, or round in circles are refused", () => {
    failureOf("snappy", Buffer.from("10fcfaffffff0000", "hex"));
    failureOf("snappy", Buffer.from("0401ff", "hex"));
    failureOf("snappy", Buffer.from("04f4ffff", "hex"));
    failureOf("snappy", Buffer.from("040061", "hex"));
  });

  test("xerial chunks of negative, huge or no length are refused", () => {
    for (const length of [0x80000000, 0x7fffffff, 0xffffffff, 0]) {
      failureOf("snappy", Buffer.concat([XERIAL, uint32BE(length), Buffer.from([1, 0, 0x61])]));
    }
    failureOf("snappy", XERIAL.subarray(0, 12));
  });

  test("crumbs of blocks and chunks are counted", () => {
    const chunk = Buffer.concat([uint32BE(3), Buffer.from([1, 0, 0x61])]);
    expect(
      failureOf("snappy", Buffer.concat([XERIAL, Buffer.alloc(chunk.length * 70_000, chunk)])),
    ).toContain("chunks");
    const block = Buffer.concat([uint32LE(2), Buffer.from([0x10, 0x61])]);
    expect(
      failureOf("lz4", Buffer.concat([LZ4_HEADER, Buffer.alloc(block.length * 70_000, block)])),
    ).toContain("blocks");
  });

  test("LZ4 blocks past the frame's block size, of wrong versions or with dictionaries are refused", () => {
    const block = Buffer.concat([uint32LE(2), Buffer.from([0x10, 0x61]), uint32LE(0)]);
    expect(decompress("lz4", Buffer.concat([LZ4_HEADER, block])).toString()).toBe("a");
    for (const size of [0x7fffffff, 0xffffffff, (4 << 20) + 1]) {
      failureOf("lz4", Buffer.concat([LZ4_HEADER, uint32LE(size), Buffer.alloc(64)]));
    }
    for (const header of [
      "04224d18207073",
      "04224d18617073",
      "04224d18603073",
      "04224d18e07073",
      "05224d18607073",
    ]) {
      failureOf("lz4", Buffer.concat([Buffer.from(header, "hex"), block]));
    }
    failureOf("lz4", Buffer.concat([Buffer.from("04224d186870ffffffffffffffff73", "hex"), block]));
    failureOf("lz4", Buffer.concat([LZ4_HEADER, uint32LE(4), Buffer.from("10610500", "hex"), uint32LE(0)]));
    failureOf("lz4", Buffer.concat([uint32LE(0x184d2a50), uint32LE(0xfffffff0)]));
  });

  test("bombs are stopped at a hundred times their size", () => {
    const zeros = Buffer.alloc(48 << 20);
    for (const name of NAMES) {
      const bomb = compressRecords(name, zeros);
      if (bomb.length * 100 > zeros.length) continue;
      failureOf(name, bomb);
    }
    expect(failureOf("gzip", gzipSync(zeros))).toContain(`it has ${zeros.length} bytes`);
    // One that lies of its size, and one that does not tell it.
    const liar = gzipSync(zeros);
    liar.writeUInt32LE(1000, liar.length - 4);
    failureOf("gzip", liar);
    failureOf("zstd", zstdCompressSync(zeros));
  });

  test("nothing grows past the absolute limit", () => {
    const noise = seededRandom(1).bytes(1 << 20);
    const large = Buffer.alloc(DECOMPRESSED_BYTES_MAX + 1);
    for (let at = 0; at < large.length; at += noise.length) noise.copy(large, at);
    expect(failureOf("snappy", compressRecords("snappy", large))).toContain("allowed");
    expect(failureOf("lz4", compressRecords("lz4", large))).toContain("limit");
  });

  test("a caller's own limit holds for every compression", () => {
    for (const name of NAMES) {
      const bytes = compressRecords(name, PLAIN);
      failureOf(name, bytes, PLAIN.length - 1);
      expect(decompress(name, bytes, PLAIN.length).length).toBe(PLAIN.length);
    }
  });
});
