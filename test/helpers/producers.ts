/** Batches of idempotent producers. */
import { Attribute, attributesOf, stampProducer } from "../../src/log/record-batch.ts";

/** `batch`, changed in place to come from producer `id`, its checksum made to fit. */
export function ofProducer(batch: Buffer, id: number, epoch: number, sequence: number): Buffer {
  stampProducer(batch, id, epoch, sequence);
  return batch;
}

/** `batch`, changed in place to be part of a transaction of producer `id`. */
export function inTransaction(batch: Buffer, id: number, epoch: number, sequence: number): Buffer {
  batch.writeInt16BE(attributesOf(batch) | Attribute.transactional, 21);
  return ofProducer(batch, id, epoch, sequence);
}
