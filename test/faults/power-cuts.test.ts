/**
 * Power cuts under load on real file systems (ext4 and XFS, each with its journal flushed or dropped at the cut; logs
 * written and synced in each of the ways there are), and proof that this harness has teeth: with every sync made a
 * lie, the same cuts lose acked records and are found out.
 *
 * VOIK_FAULT_CUTS is the number of cuts in all; VOIK_SEED repeats a run.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import type { Load } from "../helpers/load.ts";
import { type DiskKind, LoopDisk, type PowerCut, sudo } from "../helpers/loop-disk.ts";
import { breachesOf, journalSyncs, loadAndKill, loadUntil, makeTopic } from "../helpers/plug.ts";
import { straced, SYNC_CALLS } from "../helpers/strace.ts";
import { voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const CUTS = Number(process.env.VOIK_FAULT_CUTS ?? 20);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const DISK_MIB = 400;
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 500;
/** Cuts on one disk, before what it holds takes too long to check. */
const CUTS_PER_DISK_MAX = 10;
const KINDS: DiskKind[] = ["ext4", "xfs"];
const MODES: PowerCut[] = ["drop journal", "flush journal"];
const ARGS = ["--segment-bytes", "1MiB"];
/** Enough to be synced together, through the journal. */
const MANY_PARTITIONS = 16;
const JOURNAL_WAYS = ["file", "mmap"].map((io) => ["--log-io", io, "--sync", "auto"]);
/** Each cut meets another way of writing and of syncing. */
const WAYS = ["file", "mmap"].flatMap((io) =>
  ["file", "filesystem"].map((sync) => ["--log-io", io, "--sync", sync]),
);

describeAsRoot("power cuts", ["mkfs.ext4", "mkfs.xfs", "strace"], () => {
  for (const kind of KINDS) {
    const cuts = Math.ceil(CUTS / KINDS.length);
    test(
      `2: ${cuts} power cuts on ${kind} under load lose no acked record`,
      async () => {
        console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
        const random = seededRandom(SEED);
        let acked = 0;
        for (let done = 0; done < cuts; done += CUTS_PER_DISK_MAX)
          acked += await cutRepeatedly(kind, Math.min(CUTS_PER_DISK_MAX, cuts - done), random);
        console.log(`${cuts} power cuts on ${kind}: ${acked} records acked, all there`);
      },
      60_000 + cuts * 6_000,
    );

    test(
      `2: ${cuts} power cuts on ${kind} lose no record that only the journal had`,
      async () => {
        console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
        const random = seededRandom(SEED);
        let acked = 0;
        for (let done = 0; done < cuts; done += CUTS_PER_DISK_MAX)
          acked += await cutJournal(kind, Math.min(CUTS_PER_DISK_MAX, cuts - done), random);
        console.log(`${cuts} power cuts on ${kind} with a journal: ${acked} records acked, all there`);
      },
      60_000 + cuts * 10_000,
    );

    test.each(["file", "mmap"])(
      `4: with every sync a lie, a power cut on ${kind} (log files by %s) loses acked records and is found out`,
      async (io) => {
        const args = [...ARGS, "--log-io", io];
        await using disk = await LoopDisk.make(kind, DISK_MIB);
        const command = straced(SYNC_CALLS, "retval=0", voikExecutable());
        const folder = join(disk.folder, "data");
        const load = await withTopic(folder, command);
        await sudo("sync", "-f", disk.folder); // the topic itself is not what is to be lost
        {
          await using voik = await VoikProcess.start({ folder, args, command });
          await loadAndCut(voik, disk, "drop journal", load, 500, SEED);
        }
        expect(load.history.ackedCount).toBeGreaterThan(100);
        await using voik = await VoikProcess.start({ folder, args: ARGS });
        const breaches = await breachesOf(voik, load);
        expect(breaches.length).toBeGreaterThan(0);
        expect(breaches.filter((text) => !/^(lost|changed): /.test(text))).toEqual([]);
      },
      60_000,
    );

    test(`6: what a consumer saw after kill -9 and a restart outlives a power cut on ${kind}`, async () => {
      await using disk = await LoopDisk.make(kind, DISK_MIB);
      const folder = join(disk.folder, "data");
      const load = await withTopic(folder);
      const random = seededRandom(SEED);
      for (const mode of MODES) {
        await using voik = await VoikProcess.start({ folder, args: ARGS });
        load.stopped = false;
        await loadAndKill(voik, load, 200, random.uint32());
        await voik.restart();
        // All that is there counts as seen from here on, acked or not.
        expect(await breachesOf(voik, load)).toEqual([]);
        disk.cutPower(mode);
        await voik.kill();
        await disk.remount();
        await voik.restart();
        expect(await breachesOf(voik, load)).toEqual([]);
        await voik.stop();
      }
    }, 60_000);
  }
});

/** Cuts the power of one new disk `cuts` times, checking everything after each; resolves to the records acked. */
async function cutRepeatedly(kind: DiskKind, cuts: number, random: Random): Promise<number> {
  await using disk = await LoopDisk.make(kind, DISK_MIB);
  const folder = join(disk.folder, "data");
  const load = await withTopic(folder);
  await cutUnderLoad(disk, folder, load, { cuts, random, ways: WAYS });
  return load.history.ackedCount;
}

/** The same with so many busy shards that they share the journal, which has to have been used. */
async function cutJournal(kind: DiskKind, cuts: number, random: Random): Promise<number> {
  await using disk = await LoopDisk.make(kind, DISK_MIB);
  const folder = join(disk.folder, "data");
  const load = await withTopic(folder, undefined, MANY_PARTITIONS);
  {
    await using voik = await VoikProcess.start({ folder, args: ARGS });
    await loadUntil(voik, load, random.uint32(), async () => {
      while ((await journalSyncs(voik)) === 0) await Bun.sleep(20);
      load.stopped = true;
    });
    await voik.stop();
  }
  const syncs = await cutUnderLoad(disk, folder, load, { cuts, random, ways: JOURNAL_WAYS });
  expect(syncs).toBeGreaterThan(cuts);
  return load.history.ackedCount;
}

/** Resolves to the number of times that the journal was synced. */
async function cutUnderLoad(
  disk: LoopDisk,
  folder: string,
  load: Load,
  { cuts, random, ways }: { cuts: number; random: Random; ways: readonly string[][] },
): Promise<number> {
  let syncs = 0;
  for (let cut = 0; cut < cuts; cut++) {
    const way = ways[Math.floor(cut / MODES.length) % ways.length] as string[];
    await using voik = await VoikProcess.start({ folder, args: [...ARGS, ...way] });
    const loadMs = LOAD_MS_MIN + (random.uint32() % (LOAD_MS_MAX - LOAD_MS_MIN));
    load.stopped = false;
    await loadAndCut(
      voik,
      disk,
      MODES[cut % MODES.length] as PowerCut,
      load,
      loadMs,
      random.uint32(),
      async () => {
        if (ways === JOURNAL_WAYS) syncs += await journalSyncs(voik);
      },
    );
    await voik.restart();
    expect(await breachesOf(voik, load)).toEqual([]);
    await voik.stop();
  }
  return syncs;
}

/** Loads for `loadMs`, cuts the power, and mounts the disk again when everybody is gone. */
async function loadAndCut(
  voik: VoikProcess,
  disk: LoopDisk,
  mode: PowerCut,
  load: Load,
  loadMs: number,
  seed: number,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await loadUntil(voik, load, seed, async () => {
    await Bun.sleep(loadMs); // the load itself: the moment of the cut is what the test is about
    await before();
    load.stopped = true;
    load.history.powerIsOff = true;
    disk.cutPower(mode);
    await voik.kill();
  });
  load.history.powerIsOff = false;
  await disk.remount();
}

/** Starts once to make the topic that the load goes to. */
async function withTopic(
  folder: string,
  command?: readonly string[],
  partitions = PARTITIONS,
): Promise<Load> {
  await using voik = await VoikProcess.start({ folder, args: ARGS, command });
  const topic = await makeTopic(voik, "cut", partitions);
  await voik.stop();
  return { history: new History(), topic, partitions, stopped: false };
}
