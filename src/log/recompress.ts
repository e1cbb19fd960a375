/** A record batch with the same records under another compression. Opens the batch; nothing else of it changes. */
import {
  type CompressionName,
  compressionNumber,
  compressRecords,
  decompressRecords,
} from "./compression.ts";
import {
  Attribute,
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_OVERHEAD,
  compressionOf,
  sealBatch,
} from "./record-batch.ts";

/**
 * `batch` itself when it is compressed so already, else a new one. Throws VoikError decompression_failed when its
 * records can't be opened.
 */
export function recompress(batch: Buffer, name: CompressionName): Buffer {
  const from = compressionOf(batch);
  const to = compressionNumber(name);
  if (from === to) return batch;
  const records = batch.subarray(BATCH_HEADER_BYTES);
  const opened = from === 0 ? records : decompressRecords(from, records);
  const made = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), compressRecords(name, opened)]);
  made.writeInt32BE(made.length - BATCH_LENGTH_OVERHEAD, 8);
  made.writeInt16BE((attributesOf(batch) & ~Attribute.compressionMask) | to, 21);
  sealBatch(made);
  return made;
}
