/**
 * The compressions of record batches (https://kafka.apache.org/documentation/#recordbatch, attributes bits 0-2).
 * What a producer compressed is stored as it came; it is opened here, for Kinesis, the console and the CLI.
 *
 * The bytes come from the wire and were never looked into, so every decoder is held to one limit: at most
 * DECOMPRESSED_BYTES_MAX, and past RATIO_FREE_BYTES at most RATIO_MAX times what came in. A size that the bytes
 * declare is checked before anything is allocated by it. Framings other than gzip have their own files.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { VoikError } from "../base/errors.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** Most bytes that one batch may decompress to. */
export const DECOMPRESSED_BYTES_MAX = 24 * 1024 * 1024;
/** Up to here any ratio is fine: what fits into one request uncompressed, equal records compress a thousandfold. */
const RATIO_FREE_BYTES = 16 << 20;
const RATIO_MAX = 100;
/** Header and trailer; the trailer ends with the size modulo 2^32. */
const GZIP_BYTES_MIN = 18;

interface Codec {
  compress(bytes: Buffer): Buffer;
  /** Throws on damaged bytes and on more than `bytesMax` of output. */
  decompress(bytes: Buffer, bytesMax: number): Buffer;
}

const NAMES: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const CODECS: Record<CompressionName, Codec> = {
  none: { compress: (bytes) => bytes, decompress: (bytes) => bytes },
  gzip: { compress: (bytes) => gzipSync(bytes), decompress: decompressGzip },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: { compress: compressZstd, decompress: decompressZstd },
};

/** The number of a compression in a batch's attributes. */
export function compressionNumber(name: CompressionName): number {
  return NAMES.indexOf(name);
}

/** The compression of that number; undefined when Kafka knows none. */
export function compressionName(number: number): CompressionName | undefined {
  return NAMES[number];
}

/**
 * Decompresses the records of a batch; `compression` is the number in the batch's attributes (1..4), `bytesMax` a
 * limit below the one that always holds. The result may share memory with `bytes`. Throws VoikError
 * decompression_failed on bytes that are damaged, cut off or grow past the limit, compression_unsupported.
 */
export function decompressRecords(
  compression: number,
  bytes: Buffer,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): Buffer {
  const name = NAMES[compression];
  if (name === undefined)
    throw new VoikError("compression_unsupported", `compression ${compression} is unknown`);
  const limit = Math.min(
    bytesMax,
    DECOMPRESSED_BYTES_MAX,
    Math.max(RATIO_FREE_BYTES, bytes.length * RATIO_MAX),
  );
  try {
    return CODECS[name].decompress(bytes, limit);
  } catch (error) {
    // What zlib came to before it gave up is megabytes of garbage that the collector is in no hurry for.
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") Bun.gc(false);
    const why = error instanceof Error ? error.message : String(error);
    throw new VoikError("decompression_failed", `the records do not decompress as ${name}: ${why}`, {
      cause: error,
    });
  }
}

/** Compresses the records of a batch. */
export function compressRecords(name: CompressionName, bytes: Buffer): Buffer {
  return CODECS[name].compress(bytes);
}

function decompressGzip(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length < GZIP_BYTES_MIN) throw new Error("it is cut off");
  // An honest bomb is refused by its own trailer, before a byte of it is inflated.
  const declared = bytes.readUInt32LE(bytes.length - 4);
  if (declared > bytesMax) throw new Error(`it has ${declared} bytes, at most ${bytesMax} are allowed`);
  return gunzipSync(bytes, { maxOutputLength: bytesMax });
}
