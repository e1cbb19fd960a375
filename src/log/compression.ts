/** placeholder: the compression helper owns this file */
export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";
export function compressionNumber(name: CompressionName): number {
  return ["none", "gzip", "snappy", "lz4", "zstd"].indexOf(name);
}
/** Decompresses the records of a batch; `compression` is the number in the batch's attributes (1..4). */
export declare function decompressRecords(compression: number, bytes: Buffer): Buffer;
export declare function compressRecords(name: CompressionName, bytes: Buffer): Buffer;
