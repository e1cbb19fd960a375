/**
 * Kafka's RecordBatch v2: the unit on the wire and on the disk (https://kafka.apache.org/documentation/#recordbatch,
 * KIP-98). This file knows the 61-byte header; record.ts opens the records behind it.
 *
 *   byte 0        8        12       16     17       21         23
 *        baseOffset length   epoch    magic  crc32c   attributes lastOffsetDelta
 *        i64        i32      i32      i8=2   u32      i16        i32
 *   byte 27            35            43          51             53           57          61
 *        baseTimestamp  maxTimestamp  producerId  producerEpoch  baseSequence recordCount  records…
 *        i64            i64           i64         i16            i32          i32
 *
 * `length` counts the bytes behind itself (12 less than the whole). The checksum covers byte 21 to the end, so the
 * broker can stamp base offset and leader epoch without touching it.
 * attributes: bits 0-2 compression, 3 timestamp type (1 = log append time), 4 transactional, 5 control, 6 has
 * delete horizon.
 */
import { readInt64, writeInt64 } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { VoikError } from "../base/errors.ts";

export const BATCH_HEADER_BYTES = 61;
/** Bytes in front of what `length` counts. */
export const BATCH_LENGTH_OVERHEAD = 12;
const MAGIC = 2;
const CRC_START = 21;

export const Attribute = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const;

export const NO_PRODUCER_ID = -1;

/** A shard has one leader for ever, so its epoch never changes. */
export const LEADER_EPOCH = 0;

/** Accessors of the header of the batch that starts at `at`. */
export const baseOffsetOf = (b: Buffer, at = 0): number => readInt64(b, at);
export const batchBytesOf = (b: Buffer, at = 0): number => b.readInt32BE(at + 8) + BATCH_LENGTH_OVERHEAD;
export const leaderEpochOf = (b: Buffer, at = 0): number => b.readInt32BE(at + 12);
export const magicOf = (b: Buffer, at = 0): number => b.readInt8(at + 16);
export const crcOf = (b: Buffer, at = 0): number => b.readUInt32BE(at + 17);
export const attributesOf = (b: Buffer, at = 0): number => b.readInt16BE(at + 21);
export const compressionOf = (b: Buffer, at = 0): number => attributesOf(b, at) & Attribute.compressionMask;
export const lastOffsetDeltaOf = (b: Buffer, at = 0): number => b.readInt32BE(at + 23);
export const baseTimestampOf = (b: Buffer, at = 0): number => readInt64(b, at + 27);
export const maxTimestampOf = (b: Buffer, at = 0): number => readInt64(b, at + 35);
export const producerIdOf = (b: Buffer, at = 0): number => readInt64(b, at + 43);
export const producerEpochOf = (b: Buffer, at = 0): number => b.readInt16BE(at + 51);
export const baseSequenceOf = (b: Buffer, at = 0): number => b.readInt32BE(at + 53);
export const recordCountOf = (b: Buffer, at = 0): number => b.readInt32BE(at + 57);
/** The offset behind the batch's last record. */
export const nextOffsetOf = (b: Buffer, at = 0): number => baseOffsetOf(b, at) + lastOffsetDeltaOf(b, at) + 1;

/** What the checksum of `batch` should be. */
export function computeCrc(batch: Buffer): number {
  return crc32c(batch.subarray(CRC_START));
}

/** Whether `batch` is one whole batch, by magic, length and checksum; used by recovery, never throws. */
export function isIntactBatch(batch: Buffer): boolean {
  return (
    batch.length >= BATCH_HEADER_BYTES &&
    batchBytesOf(batch) === batch.length &&
    magicOf(batch) === MAGIC &&
    recordCountOf(batch) >= 1 &&
    lastOffsetDeltaOf(batch) >= 0 &&
    crcOf(batch) === computeCrc(batch)
  );
}

/**
 * Accepts or refuses `batch`, the record data of one partition of a produce request, without opening its records.
 * Order of checks as Kafka's (UnifiedLog.analyzeAndValidateRecords, LogValidator). Throws VoikError batch_corrupt,
 * batch_invalid, batch_too_large or compression_unsupported.
 */
export function validateBatch(batch: Buffer, maxBytes: number): void {
  if (batch.length < BATCH_HEADER_BYTES) {
    throw new VoikError(
      "batch_corrupt",
      `a record batch has at least ${BATCH_HEADER_BYTES} bytes, this one ${batch.length}`,
    );
  }
  if (magicOf(batch) !== MAGIC) {
    throw new VoikError(
      "batch_invalid",
      `record format ${magicOf(batch)} is not supported: use a client that writes format 2 (Kafka 0.11 or newer)`,
    );
  }
  const bytes = batchBytesOf(batch);
  if (bytes < batch.length)
    throw new VoikError("batch_invalid", "one record batch a partition and request is allowed");
  if (bytes !== batch.length)
    throw new VoikError("batch_corrupt", `the batch says ${bytes} bytes, ${batch.length} came`);
  if (bytes > maxBytes) {
    throw new VoikError(
      "batch_too_large",
      `the batch has ${bytes} bytes, at most ${maxBytes} are allowed: send smaller batches or raise --batch-bytes-max`,
    );
  }
  if (crcOf(batch) !== computeCrc(batch)) {
    throw new VoikError(
      "batch_corrupt",
      "the batch's CRC-32C does not match its bytes: it was damaged on the way",
    );
  }
  if (baseOffsetOf(batch) !== 0) throw new VoikError("batch_invalid", "a produced batch starts at offset 0");
  const count = recordCountOf(batch);
  if (count < 1 || count !== lastOffsetDeltaOf(batch) + 1) {
    throw new VoikError(
      "batch_invalid",
      `the batch counts ${count} records and ends at offset delta ${lastOffsetDeltaOf(batch)}`,
    );
  }
  const attributes = attributesOf(batch);
  if ((attributes & Attribute.compressionMask) > 4) {
    throw new VoikError(
      "compression_unsupported",
      `compression ${attributes & Attribute.compressionMask} is unknown: use gzip, snappy, lz4 or zstd`,
    );
  }
  if (attributes & Attribute.control)
    throw new VoikError("batch_invalid", "clients may not write control batches");
  if (producerIdOf(batch) > NO_PRODUCER_ID && (baseSequenceOf(batch) < 0 || producerEpochOf(batch) < 0)) {
    throw new VoikError("batch_invalid", "a batch with a producer id needs an epoch and a sequence");
  }
  if (attributes & Attribute.transactional && producerIdOf(batch) <= NO_PRODUCER_ID)
    throw new VoikError("batch_invalid", "a batch of a transaction needs a producer id");
}

/** Writes the checksum of a batch whose header or records were changed. */
export function sealBatch(batch: Buffer): void {
  batch.writeUInt32BE(computeCrc(batch), 17);
}

/** Makes the batch one of producer `id` (KIP-98): of its epoch, its first record at `sequence`. */
export function stampProducer(batch: Buffer, id: number, epoch: number, sequence: number): void {
  writeInt64(batch, id, 43);
  batch.writeInt16BE(epoch, 51);
  batch.writeInt32BE(sequence, 53);
  sealBatch(batch);
}

/** Makes `arrivalMs` the time of every record of the batch, as log append time. */
export function stampArrival(batch: Buffer, arrivalMs: number): void {
  batch.writeInt16BE(attributesOf(batch) | Attribute.logAppendTime, 21);
  writeInt64(batch, arrivalMs, 35);
  sealBatch(batch);
}

/** Writes base offset and leader epoch into the header; neither is under the checksum. */
export function stampBatch(batch: Buffer, baseOffset: number, leaderEpoch: number): void {
  writeInt64(batch, baseOffset, 0);
  batch.writeInt32BE(leaderEpoch, 12);
}
