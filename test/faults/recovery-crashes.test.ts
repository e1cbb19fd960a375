/**
 * A crash while recovering: SIGKILL at random moments of the start on many torn logs, again and again, ends in the
 * same files, byte for byte, as one recovery that nobody disturbs.
 */
import { expect, test } from "bun:test";
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { ShardCopies } from "../helpers/shard-copies.ts";
import { temporaryFolder } from "../helpers/voik-process.ts";

const CRASHES = Number(process.env.VOIK_FAULT_CRASHES ?? 10);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const SHARDS = 40;
const TORN_BYTES_MAX = 1024 * 1024;
/** The executable itself takes this long to get to its data. */
const START_MS_MIN = 40;
/** Everything but the socket of the process that is gone. */
const COPY = { recursive: true, filter: (from: string) => !from.endsWith(".sock") };
/** Crashes in a row before the undisturbed start. */
const CRASHES_IN_A_ROW = 5;

test(
  `5: ${CRASHES} crashes during recovery end in the same bytes as one recovery`,
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    await using copies = await ShardCopies.make({
      shards: SHARDS,
      batches: Array.from({ length: 40 }, () => 20_000),
      args: ["--segment-bytes", "256KiB"],
      seed: SEED,
    });
    for (let shard = 0; shard < SHARDS; shard++) {
      const log = copies.logs(shard).at(-1) as string;
      appendFileSync(log, random.bytes(random.uint32() % TORN_BYTES_MAX));
    }
    const { voik } = copies;
    const torn = temporaryFolder("torn");
    try {
      cpSync(voik.folder, torn, COPY);
      await voik.restart();
      const { readyMs } = voik;
      await voik.stop();
      const expected = filesOf(voik.folder);
      expect(expected.keys().some((name) => name.endsWith(".torn"))).toBe(true);
      for (let done = 0; done < CRASHES; done += CRASHES_IN_A_ROW) {
        rmSync(voik.folder, { recursive: true });
        cpSync(torn, voik.folder, COPY);
        for (let crash = 0; crash < CRASHES_IN_A_ROW; crash++)
          await voik.crashWhileStarting(START_MS_MIN + randomBelow(random, Math.ceil(readyMs)));
        await voik.restart();
        await voik.stop();
        expect(filesOf(voik.folder)).toEqual(expected);
      }
    } finally {
      rmSync(torn, { recursive: true });
    }
  },
  60_000 + CRASHES * 2_000,
);

/** Hashes of all files of all streams, by name, but for the indexes: hints, that each start makes as it needs them. */
function filesOf(folder: string): Map<string, string> {
  const streams = join(folder, "streams");
  const names = (readdirSync(streams, { recursive: true }) as string[]).sort();
  return new Map(
    names
      .filter((name) => !/index$/.test(name) && statSync(join(streams, name)).isFile())
      .map((name) => [name, Bun.SHA1.hash(readFileSync(join(streams, name)), "hex")]),
  );
}
