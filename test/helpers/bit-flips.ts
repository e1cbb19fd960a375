/** Copies of a log with one flipped bit each, at random places, in headers as often as in records. */
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { type BatchPlace, batchesIn, flipBit, ShardCopies } from "./shard-copies.ts";

const HEADER_BYTES = 61;
/** Of a header the leader epoch alone is free of meaning and of checks. */
const EPOCH_AT = 12;
const EPOCH_BYTES = 4;

export interface Flip {
  shard: number;
  path: string;
  position: number;
  batch: BatchPlace;
  /** Where the file's last batch ends. */
  logEnd: number;
}

/** Copies of a log with a handful of sealed segments, the indexes of which know most batches. */
export async function flippableCopies(
  shards: number,
  seed: number,
  args: readonly string[] = [],
): Promise<ShardCopies> {
  console.log(`seed ${seed} (VOIK_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  return ShardCopies.make({
    shards,
    batches: Array.from({ length: 24 }, () => 500 + randomBelow(random, 20_000)),
    args: ["--segment-bytes", "64KiB", ...args],
    seed,
  });
}

/** Flips one bit of one batch in one of `logs`, but in none of the last `sparedBatches` of it. */
export function flipSomewhere(shard: number, logs: string[], random: Random, sparedBatches = 0): Flip {
  const path = logs[randomBelow(random, logs.length)] as string;
  const batches = batchesIn(path);
  const batch = batches[randomBelow(random, Math.max(1, batches.length - sparedBatches))] as BatchPlace;
  const within = random.uint32() % 2 === 0 ? HEADER_BYTES : batch.bytes;
  const position = batch.position + randomBelow(random, within);
  flipBit(path, position, randomBelow(random, 8));
  const last = batches.at(-1) as BatchPlace;
  return { shard, path, position, batch, logEnd: last.position + last.bytes };
}

/** Whether a flip there changes nothing that anybody reads or checks. */
export function isHarmless({ position, batch }: Flip): boolean {
  const at = position - batch.position;
  return at >= EPOCH_AT && at < EPOCH_AT + EPOCH_BYTES;
}
