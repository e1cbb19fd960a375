/** Batches for the simulated logs: small and large records, times that go back and forth. */
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { markerBatch } from "../../src/log/control-batch.ts";
import { stampBatch } from "../../src/log/record-batch.ts";
import { inTransaction } from "../helpers/producers.ts";
import type { ModelBatch } from "./model-log.ts";
import type { ModelPart, ModelTransactions } from "./model-transactions.ts";
import type { SimRandom } from "./sim-random.ts";

/** Where the bytes of all records come from. */
const POOL = Buffer.alloc(
  1 << 16,
  "The sea, once it casts its spell, holds one in its net of wonder forever. ",
);

/** A batch as it is appended, and as it has to lie in the log when it gets `baseOffset`. */
export function makeBatch(
  random: SimRandom,
  nowMs: number,
  recordBytesMax: number,
  baseOffset: number,
): { sent: Buffer; batch: ModelBatch } {
  const builder = new BatchBuilder();
  const timestampsMs: number[] = [];
  for (let count = random.between(1, 5); count > 0; count--) {
    const bytes = random.below(random.oneIn(3) ? recordBytesMax : 60);
    const from = random.below(POOL.length - bytes);
    const timestampMs = nowMs - random.below(500);
    timestampsMs.push(timestampMs);
    builder.add(null, POOL.subarray(from, from + bytes), timestampMs);
  }
  const sent = builder.build();
  const bytes = Buffer.from(sent);
  stampBatch(bytes, baseOffset, 0);
  return { sent, batch: { baseOffset, endOffset: baseOffset + timestampsMs.length, bytes, timestampsMs } };
}

/** Like `makeBatch`, but most batches are part of one of a few transactions, or end it. */
export function makeTransactionalBatch(
  random: SimRandom,
  nowMs: number,
  recordBytesMax: number,
  baseOffset: number,
  transactions: ModelTransactions,
): { sent: Buffer; batch: ModelBatch } {
  const plain = makeBatch(random, nowMs, recordBytesMax, baseOffset);
  if (random.oneIn(3)) return plain;
  const { openIds } = transactions;
  const begins = openIds.length === 0 || (openIds.length < 4 && random.oneIn(3));
  const producerId = begins ? transactions.newProducerId() : random.pick(openIds);
  if (begins || !random.oneIn(3)) {
    const sent = inTransaction(plain.sent, producerId, 0, transactions.nextSequence(producerId));
    return stamped(sent, { ...plain.batch, part: { producerId, kind: "records" } });
  }
  const kind = random.oneIn(2) ? "commit" : "abort";
  const part: ModelPart = { producerId, kind };
  const sent = markerBatch(kind, producerId, 0, nowMs);
  return stamped(sent, { ...plain.batch, endOffset: baseOffset + 1, timestampsMs: [nowMs], part });
}

function stamped(sent: Buffer, batch: ModelBatch): { sent: Buffer; batch: ModelBatch } {
  const bytes = Buffer.from(sent);
  stampBatch(bytes, batch.baseOffset, 0);
  return { sent, batch: { ...batch, bytes } };
}
