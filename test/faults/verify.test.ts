/** `voik log verify` on logs with flipped bits: it finds each of them and says where. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { flippableCopies, flipSomewhere, isHarmless } from "../helpers/bit-flips.ts";
import { voikExecutable } from "../helpers/voik-process.ts";

const FLIPS = Number(process.env.VOIK_FAULT_FLIPS ?? 100);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const TIMEOUT_MS = 60_000 + FLIPS * 500;
const DAMAGED = 74;

test(
  `23: voik log verify finds ${FLIPS} flipped bits and names file, byte and offset`,
  async () => {
    await using copies = await flippableCopies(FLIPS, SEED);
    const random = seededRandom(SEED);
    const flips = Array.from({ length: FLIPS }, (_, shard) =>
      flipSomewhere(shard, copies.logs(shard).slice(0, -1), random),
    );
    const { folder } = copies.voik;
    const verify = Bun.spawnSync([voikExecutable(), "log", "verify", "--json", "--data-dir", folder]);
    expect(verify.exitCode).toBe(DAMAGED);
    const { damage } = JSON.parse(verify.stdout.toString());
    for (const flip of flips.filter((flip) => !isHarmless(flip))) {
      const { path, batch } = flip;
      const found = damage.find((range: { path: string }) => range.path === path);
      expect(found).toMatchObject({ path, position: batch.position, offset: batch.offset });
    }
  },
  TIMEOUT_MS,
);
