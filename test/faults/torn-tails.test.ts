/**
 * What a crash leaves at the end of a log: the last batch cut at each of its bytes, zeros, rubbish, an old batch. All
 * of it counts as the end: earlier batches stay, the tail is cut and reported, and offsets go on without a gap.
 */
import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import { produceBatch, readPartition } from "../helpers/kafka-records.ts";
import { withKafka } from "../helpers/plug.ts";
import { batchesIn, type BatchPlace, batchOf, ShardCopies } from "../helpers/shard-copies.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const KIB = 1024;
const TAIL_BYTES = [1, 61, 4 * KIB, 100 * KIB, 1024 * KIB, 8 * 1024 * KIB];
/** Makes one batch of header and record of some bytes. */
const LAST_VALUE_BYTES = 20;

test("7: the last batch cut at any of its bytes costs that batch alone, and the cut is told with its byte count", async () => {
  const lastBytes = batchOf(Buffer.alloc(LAST_VALUE_BYTES)).length;
  await using copies = await ShardCopies.make({
    shards: lastBytes,
    batches: [1_000, 5_000, LAST_VALUE_BYTES],
    seed: SEED,
  });
  const { voik, shards } = copies;
  const tornBytes: number[] = [];
  for (let kept = 0; kept < shards; kept++) {
    const [log = ""] = copies.logs(kept);
    const { position } = batchesIn(log).at(-1) as BatchPlace;
    truncateSync(log, position + kept);
    rmSync(join(dirname(log), "checkpoint")); // it says that the batch was synced, so this would be damage
    // Zeros at the end may as well be space that was reserved and never written: they don't count.
    const torn =
      readFileSync(log)
        .subarray(position)
        .findLastIndex((byte) => byte !== 0) + 1;
    if (torn > 0) tornBytes.push(torn);
  }
  await voik.restart();
  const cuts = linesOf(voik.stderr).filter(({ msg }) => msg === "cut a torn tail");
  expect(cuts.map(({ bytes }) => Number(bytes)).sort((a, b) => a - b)).toEqual(
    tornBytes.sort((a, b) => a - b),
  );
  await expectToGoOn(copies, 2);
}, 60_000);

test("8: zeros, rubbish or an old batch at the end of a log is its end", async () => {
  const random = seededRandom(SEED);
  const tails: ((log: string) => Uint8Array)[] = [
    ...TAIL_BYTES.map((bytes) => () => Buffer.alloc(bytes)),
    ...TAIL_BYTES.map((bytes) => () => random.bytes(bytes)),
    (log) => piece(log, 0),
    (log) => piece(log, 1),
    (log) => Buffer.concat([piece(log, 2), piece(log, 2)]),
    (log) => Buffer.concat([Buffer.alloc(4 * KIB), piece(log, 1)]),
  ];
  await using copies = await ShardCopies.make({
    shards: tails.length,
    batches: [1_000, 5_000, 300],
    seed: SEED,
  });
  tails.forEach((tail, shard) => {
    const [log = ""] = copies.logs(shard);
    const bytes = tail(log);
    const { position, bytes: lastBytes } = batchesIn(log).at(-1) as BatchPlace;
    truncateSync(log, position + lastBytes); // nothing else may lie between the last batch and the tail
    appendFileSync(log, bytes);
  });
  await copies.voik.restart();
  await expectToGoOn(copies, 3);
}, 60_000);

/** The bytes of batch `i` of a log file. */
function piece(log: string, i: number): Buffer {
  const { position, bytes } = batchesIn(log)[i] as BatchPlace;
  return readFileSync(log).subarray(position, position + bytes);
}

/** Each shard holds its first `count` records and no other, takes a new one behind them, and keeps all that. */
async function expectToGoOn(copies: ShardCopies, count: number): Promise<void> {
  const { voik, topic } = copies;
  const added = Buffer.from("written after the crash");
  await withKafka(voik, async (client) => {
    for (let shard = 0; shard < copies.shards; shard++) {
      const records = await readPartition(client, topic, shard);
      expect([shard, records.length, copies.isRight(records)]).toEqual([shard, count, true]);
      expect(await produceBatch(client, topic, shard, batchOf(added))).toBe(count);
    }
  });
  await voik.kill();
  await voik.restart();
  await withKafka(voik, async (client) => {
    for (let shard = 0; shard < copies.shards; shard++) {
      const records = await readPartition(client, topic, shard);
      expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: count + 1 }, (_, i) => i));
      expect(copies.isRight(records.slice(0, -1))).toBe(true);
      expect(records.at(-1)?.value?.equals(added)).toBe(true);
    }
  });
  await voik.stop();
}

/** Log lines, as JSON. */
function linesOf(stderr: string): Record<string, unknown>[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}
