/**
 * A disk that fails: syncs that return an error (injected), a device that really can't take the bytes (a file system
 * on a thin image). The process ends with 74, and nothing that it acked is lost.
 *
 * An injected failure leaves the bytes in the page cache, where a wrong ack would pass unseen; so each of these tests
 * ends with a power cut, which takes everything that no sync has covered.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import type { Load } from "../helpers/load.ts";
import { dropPageCache, LoopDisk, ThinDisk } from "../helpers/loop-disk.ts";
import { ackedMoreThan, breachesOf, loadUntil, makeTopic } from "../helpers/plug.ts";
import { Fault, SYNC_CALLS } from "../helpers/strace.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const DISK_MIB = 200;
const STORAGE_FAILED = 74;
/** From the failed call to the end of the process. */
const END_MS_MAX = 1_000;
/** Until the load has filled what it is to fill, or has made the calls that fail. */
const LOAD_MS_MAX = 20_000;

describeAsRoot("a failing disk", ["mkfs.ext4", "strace"], () => {
  test.each([
    ["25", "EIO", 3, "file", "file"],
    ["25", "EIO", 1, "filesystem", "file"],
    ["25", "EIO", 2, "file", "mmap"],
    ["30", "ENOSPC", 3, "file", "file"],
    ["30", "EDQUOT", 2, "filesystem", "mmap"],
  ] as const)(
    "%s: after one sync that answers %s (call %i, --sync %s, --log-io %s) nothing more is acked, and the process ends with 74",
    async (_number, error, when, sync, io) => {
      await using disk = await LoopDisk.make("ext4", DISK_MIB);
      const args = ["--sync", sync, "--log-io", io];
      await using voik = await VoikProcess.start({ folder: join(disk.folder, "data"), args });
      const load = await startLoad(voik);
      await loadUntil(voik, load, SEED, async () => {
        await ackedMoreThan(load, 100);
        await using _fault = await Fault.attach(voik.pid, SYNC_CALLS, `error=${error}:when=${when}`);
        await expectEnd(voik);
      });
      disk.cutPower("drop journal");
      await disk.remount();
      expect(load.history.ackedCount).toBeGreaterThan(0);
      await voik.restart();
      expect(await breachesOf(voik, load)).toEqual([]);
      await voik.stop();
    },
    30_000,
  );

  test("25: a sync of the catalog that answers EIO ends the process with 74, and the catalog is whole afterwards", async () => {
    await using disk = await LoopDisk.make("ext4", DISK_MIB);
    await using voik = await VoikProcess.start({ folder: join(disk.folder, "data") });
    await makeTopic(voik, "before", 1);
    {
      const wal = join(voik.folder, "voik.db-wal");
      await using _fault = await Fault.attach(voik.pid, SYNC_CALLS, "error=EIO", wal);
      const refused = makeTopic(voik, "during", 1).then(
        () => "created",
        () => "refused",
      );
      await expectEnd(voik);
      expect(await refused).toBe("refused");
    }
    disk.cutPower("drop journal");
    await disk.remount();
    await voik.restart();
    await makeTopic(voik, "after", 1);
    await voik.stop();
  }, 30_000);

  test("26: on a device that takes no more bytes nothing acked is missing after the page cache is dropped", async () => {
    await using thin = await ThinDisk.make();
    const { disk } = thin;
    await using voik = await VoikProcess.start({ folder: join(disk.folder, "data") });
    const load = await startLoad(voik);
    await loadUntil(voik, load, SEED, () => expectEnd(voik, LOAD_MS_MAX));
    expect(load.history.ackedCount).toBeGreaterThan(0);
    await thin.grow();
    await disk.remount(); // the failed journal has made it read-only
    await dropPageCache();
    await voik.restart();
    expect(await breachesOf(voik, load)).toEqual([]);
    await voik.stop();
  }, 60_000);
});

/** A topic and an empty history; the disk fails at any time from here on. */
async function startLoad(voik: VoikProcess): Promise<Load> {
  const topic = await makeTopic(voik, "failing", PARTITIONS);
  return { history: new History(), topic, partitions: PARTITIONS, stopped: false, failing: true };
}

/** Waits for the end, which has to be exit code 74 with one line that says why. */
async function expectEnd(voik: VoikProcess, timeoutMs = END_MS_MAX): Promise<void> {
  expect(await voik.ended(timeoutMs)).toBe(STORAGE_FAILED);
  expect(voik.stderr).toMatch(/^voik: the disk failed/m);
}
