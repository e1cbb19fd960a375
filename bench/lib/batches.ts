/** Record batches of a wanted size, of 1 KB records, with bytes that don't compress. */
import { seededRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";

export const RECORD_BYTES = 1_000;

/** A batch of as many 1 KB records as fit into `bytes` (at least one, which is cut to fit). */
export function batchOfBytes(bytes: number): Buffer {
  const random = seededRandom(bytes);
  const builder = new BatchBuilder(bytes + 64);
  const value = random.bytes(Math.min(RECORD_BYTES, bytes - 80));
  do builder.add(null, value, 1_700_000_000_000);
  while (builder.size + value.length + 12 <= bytes);
  return builder.build();
}
