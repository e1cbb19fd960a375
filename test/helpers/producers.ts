/** Batches of idempotent producers. */
import { writeInt64 } from "../../src/base/bytes.ts";
import { Attribute, attributesOf, computeCrc } from "../../src/log/record-batch.ts";

/** `batch`, changed in place to come from producer `id`, its checksum made to fit. */
export function ofProducer(batch: Buffer, id: number, epoch: number, sequence: number): Buffer {
  writeInt64(batch, id, 43);
  batch.writeInt16BE(epoch, 51);
  batch.writeInt32BE(sequence, 53);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}

/** `batch`, changed in place to be part of a transaction of producer `id`. */
export function inTransaction(batch: Buffer, id: number, epoch: number, sequence: number): Buffer {
  batch.writeInt16BE(attributesOf(batch) | Attribute.transactional, 21);
  return ofProducer(batch, id, epoch, sequence);
}
