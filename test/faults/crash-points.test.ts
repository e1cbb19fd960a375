/**
 * Many crash points of one run: copy-on-write clones of the disk's image, taken while the load runs, each one what a
 * crash at that moment leaves on a disk whose cache survives. Every clone is mounted and checked against what had
 * been acked and seen before it was taken.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import type { Load } from "../helpers/load.ts";
import { type DiskKind, LoopDisk, sudo } from "../helpers/loop-disk.ts";
import { breachesOf, loadUntil, makeTopic } from "../helpers/plug.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const CLONES = Number(process.env.VOIK_FAULT_CLONES ?? 10);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const OUTER_MIB = 4_000;
const INNER_MIB = 400;
const PARTITIONS = 4;
const CLONES_PER_RUN_MAX = 25;
const BETWEEN_MS = 50;
const ARGS = ["--segment-bytes", "1MiB"];

describeAsRoot("crash points", ["mkfs.xfs", "mkfs.ext4", "cp"], () => {
  const kinds: DiskKind[] = ["ext4", "xfs"];
  for (const kind of kinds) {
    const clones = Math.ceil(CLONES / kinds.length);
    test(
      `3: ${clones} clones of a disk under load (${kind}) each hold what was acked before`,
      async () => {
        for (let done = 0; done < clones; done += CLONES_PER_RUN_MAX)
          await checkClones(kind, Math.min(CLONES_PER_RUN_MAX, clones - done), SEED + done);
      },
      60_000 + clones * 5_000,
    );
  }
});

async function checkClones(kind: DiskKind, count: number, seed: number): Promise<void> {
  await using outer = await LoopDisk.make("xfs", OUTER_MIB, { make: ["-m", "reflink=1"] });
  const histories: History[] = [];
  const clone = (i: number) => join(outer.folder, `clone-${i}.img`);
  let load: Load;
  {
    await using inner = await LoopDisk.make(kind, INNER_MIB, { parent: outer.folder });
    await using voik = await VoikProcess.start({ folder: join(inner.folder, "data"), args: ARGS });
    const topic = await makeTopic(voik, "cloned", PARTITIONS);
    load = { history: new History(), topic, partitions: PARTITIONS, stopped: false };
    await loadUntil(voik, load, seed, async () => {
      for (let i = 0; i < count; i++) {
        await Bun.sleep(BETWEEN_MS); // the load itself
        histories.push(load.history.snapshot());
        await sudo("cp", "--reflink=always", inner.image, clone(i));
      }
      load.stopped = true;
    });
    await voik.kill();
  }
  expect(histories.at(-1)?.ackedCount).toBeGreaterThan(0);
  for (const [i, history] of histories.entries()) {
    await using disk = await LoopDisk.open(kind, clone(i));
    await using voik = await VoikProcess.start({ folder: join(disk.folder, "data"), args: ARGS });
    expect([i, await breachesOf(voik, { ...load, history })]).toEqual([i, []]);
    await voik.kill();
  }
}
