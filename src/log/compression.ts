/** The compressions of record batches: gzip and zstd through node:zlib; snappy and lz4 follow. */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { VoikError } from "../base/errors.ts";

export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";
const NAMES: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

export const DECOMPRESSED_BYTES_MAX = 64 << 20;

export function compressionNumber(name: CompressionName): number {
  return NAMES.indexOf(name);
}

export function compressionName(number: number): CompressionName | undefined {
  return NAMES[number];
}

/** Decompresses the records of a batch; `compression` is the number in the batch's attributes (1..4). */
export function decompressRecords(compression: number, bytes: Buffer): Buffer {
  try {
    if (compression === 1) return gunzipSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
    if (compression === 4) return zstdDecompressSync(bytes, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
  } catch (error) {
    throw new VoikError("decompression_failed", String(error));
  }
  throw new VoikError("compression_unsupported", `compression ${compression}`);
}

export function compressRecords(name: CompressionName, bytes: Buffer): Buffer {
  if (name === "gzip") return gzipSync(bytes);
  if (name === "zstd") return zstdCompressSync(bytes);
  throw new VoikError("compression_unsupported", `compression ${name}`);
}
