/**
 * Bits that flip on the disk. Each of many copies of a log gets one flipped bit at a random place: every other record
 * stays readable, the damaged batch is an error and never a wrong record, and nothing is cut or deleted.
 *
 * VOIK_FAULT_FLIPS is the number of flips; VOIK_SEED repeats a run.
 */
import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { type Flip, flippableCopies, flipSomewhere, isHarmless } from "../helpers/bit-flips.ts";
import { withKafka } from "../helpers/plug.ts";
import { type BatchPlace, batchesIn, overwrite, ShardCopies } from "../helpers/shard-copies.ts";

const FLIPS = Number(process.env.VOIK_FAULT_FLIPS ?? 100);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const TIMEOUT_MS = 60_000 + FLIPS * 500;

test(
  `14: ${FLIPS} flipped bits in sealed segments cost their batch alone`,
  async () => {
    await using copies = await flippableCopies(FLIPS, SEED);
    const flips = flipEach(copies, (logs) => logs.slice(0, -1));
    await copies.voik.restart();
    await expectOnlyTheirBatches(copies, flips);
    expectNothingCut(flips);
    await copies.voik.stop();
  },
  TIMEOUT_MS,
);

test(
  "15: bits that flip under a running server cost their batch alone",
  async () => {
    await using copies = await flippableCopies(FLIPS, SEED);
    await copies.voik.restart();
    await expectOnlyTheirBatches(copies, []);
    const flips = flipEach(copies, (logs) => logs.slice(0, -1));
    await expectOnlyTheirBatches(copies, flips);
    await copies.voik.stop();
  },
  TIMEOUT_MS,
);

test(
  "16: a flipped bit in the active segment is not taken for a torn tail",
  async () => {
    await using copies = await flippableCopies(FLIPS, SEED);
    const flips = flipEach(copies, (logs) => logs.slice(-1), 1);
    await copies.voik.restart();
    await expectOnlyTheirBatches(copies, flips);
    expectNothingCut(flips);
    await copies.voik.stop();
  },
  TIMEOUT_MS,
);

test(
  "20: a whole batch that was written over another is told from it",
  async () => {
    await using copies = await ShardCopies.make({
      shards: 20,
      batches: Array.from({ length: 30 }, () => 5_000), // all of one size, so that each fits on each
      args: ["--segment-bytes", "64KiB"],
      seed: SEED,
    });
    const random = seededRandom(SEED);
    const harmed = Array.from({ length: copies.shards }, (_, shard): Flip => {
      const [first = "", path = ""] = copies.logs(shard);
      const batches = batchesIn(path);
      const batch = batches[randomBelow(random, batches.length)] as BatchPlace;
      const source = shard % 2 === 0 ? first : path;
      const others = batchesIn(source).filter(
        ({ offset, bytes }) => offset !== batch.offset && bytes === batch.bytes,
      );
      const other = others[randomBelow(random, others.length)] as BatchPlace;
      const bytes = readFileSync(source).subarray(other.position, other.position + other.bytes);
      overwrite(path, batch.position, bytes);
      return { shard, path, position: batch.position, batch, logEnd: 0 };
    });
    await copies.voik.restart();
    await expectOnlyTheirBatches(copies, harmed);
    await copies.voik.stop();
  },
  TIMEOUT_MS,
);

function flipEach(copies: ShardCopies, choose: (logs: string[]) => string[], sparedBatches = 0): Flip[] {
  const random = seededRandom(SEED);
  return Array.from({ length: copies.shards }, (_, shard) =>
    flipSomewhere(shard, choose(copies.logs(shard)), random, sparedBatches),
  );
}

function expectNothingCut(flips: readonly Flip[]): void {
  expect(flips.filter(({ path, logEnd }) => statSync(path).size < logEnd)).toEqual([]);
}

/** Every shard gives all its records but the flipped ones, and an error there. */
async function expectOnlyTheirBatches(copies: ShardCopies, flips: readonly Flip[]): Promise<void> {
  const breaches: string[] = [];
  await withKafka(copies.voik, async (client) => {
    for (const flip of flips) {
      const { shard, path, position, batch } = flip;
      const damagedOffset = isHarmless(flip) ? undefined : batch.offset;
      const found = await copies.survey(client, shard);
      for (const [offset, finding] of found.entries()) {
        if (finding === (offset === damagedOffset ? "error" : "right")) continue;
        const where = `byte ${position - batch.position} of batch ${batch.offset} is flipped in ${path}`;
        breaches.push(`shard ${shard}: ${finding} at ${offset}; ${where}`);
      }
    }
  });
  expect(breaches.slice(0, 20)).toEqual([]);
}
