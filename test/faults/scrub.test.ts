/**
 * The background scrub of a running server: it finds every flipped bit that `voik log verify` finds, and at its default
 * speed it takes next to nothing of a core.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { flippableCopies, flipSomewhere, isHarmless } from "../helpers/bit-flips.ts";
import { cpuShare } from "../helpers/cpu-share.ts";
import { ShardCopies } from "../helpers/shard-copies.ts";
import type { VoikProcess } from "../helpers/voik-process.ts";

const FLIPS = Number(process.env.VOIK_FAULT_FLIPS ?? 100);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const TIMEOUT_MS = 60_000 + FLIPS * 500;
const FIND_MS_MAX = 30_000 + FLIPS * 200;
const CPU_MS = 4_000;
const LOOKS_MAX = 5;
const CPU_SHARE_MAX = 0.02;
/** More than the scrub reads while it is watched. */
const SCRUBBED_BYTES = 96 << 20;
const BATCH_BYTES = 256 << 10;

test(
  `23: the scrub of a running server finds ${FLIPS} flipped bits`,
  async () => {
    await using copies = await flippableCopies(FLIPS, SEED, ["--scrub-bytes-per-second", "1GiB"]);
    const random = seededRandom(SEED);
    const flips = Array.from({ length: FLIPS }, (_, shard) =>
      flipSomewhere(shard, copies.logs(shard).slice(0, -1), random),
    );
    const harmful = flips.filter((flip) => !isHarmless(flip));
    const { voik } = copies;
    await voik.restart();
    await until(async () => (await metric(voik, "voik_log_damage_found_total")) >= harmful.length);
    const lines = voik.stderr.split("\n").filter((line) => line.includes("the scrub found damage"));
    const found = lines.map((line) => JSON.parse(line) as { file: string; byte: number; fromOffset: number });
    const wanted = harmful.map(({ path: file, batch }) => [file, batch.position, batch.offset]);
    expect(found.map(({ file, byte, fromOffset }) => [file, byte, fromOffset]).sort()).toEqual(wanted.sort());
    await voik.stop();
  },
  TIMEOUT_MS,
);

test("23: at its default speed the scrub takes at most a fiftieth of a core", async () => {
  await using copies = await ShardCopies.make({
    shards: 1,
    batches: Array.from({ length: SCRUBBED_BYTES / BATCH_BYTES }, () => BATCH_BYTES),
    args: ["--segment-bytes", "4MiB"],
    seed: SEED,
  });
  const { voik } = copies;
  await voik.restart();
  const scrubbed = () => metric(voik, "voik_log_scrub_bytes_total");
  await until(async () => (await scrubbed()) > 0);
  const before = await scrubbed();
  // A busy machine only ever adds to it, so the quietest of a few looks counts.
  let share = await cpuShare(voik.pid, CPU_MS);
  for (let look = 1; share >= CPU_SHARE_MAX && look < LOOKS_MAX; look++)
    share = Math.min(share, await cpuShare(voik.pid, CPU_MS));
  const bytes = (await scrubbed()) - before;
  console.log(`${(share * 100).toFixed(2)} % of a core while ${Math.round(bytes / 1024)} KiB are scrubbed`);
  expect(bytes).toBeGreaterThan(1 << 20);
  expect(share).toBeLessThan(CPU_SHARE_MAX);
  await voik.stop();
}, 60_000);

async function metric(voik: VoikProcess, name: string): Promise<number> {
  const text = await (await fetch(`${voik.addresses.admin}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + FIND_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("the scrub does not get there");
    await Bun.sleep(20);
  }
}
