/**
 * A file system that turns read-only under load, as an error in its structures makes it: the process ends with 74 as
 * for a failed sync, doesn't start on it, and goes on where it was when it can be written again.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { produceBatch, readPartition } from "../helpers/kafka-records.ts";
import type { Load } from "../helpers/load.ts";
import { LoopDisk, turnReadOnly } from "../helpers/loop-disk.ts";
import { breachesOf, loadUntil, makeTopic, withKafka } from "../helpers/plug.ts";
import { batchOf } from "../helpers/shard-copies.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const STORAGE_FAILED = 74;
const END_MS_MAX = 1_000;
const LOAD_MS_MAX = 10_000;

describeAsRoot("a read-only disk", ["mkfs.ext4"], () => {
  test.each(["file", "mmap"])(
    "31: a file system that turns read-only ends the process with 74, and no start until it is writable (--log-io %s)",
    async (io) => {
      await using disk = await LoopDisk.make("ext4", 200, { mount: ["errors=remount-ro"] });
      const start = { folder: join(disk.folder, "data"), args: ["--log-io", io] };
      await using voik = await VoikProcess.start(start);
      const topic = await makeTopic(voik, "failing", PARTITIONS);
      const history = new History();
      const load: Load = { history, topic, partitions: PARTITIONS, stopped: false, failing: true };
      await loadUntil(voik, load, SEED, async () => {
        const deadline = performance.now() + LOAD_MS_MAX;
        while (history.ackedCount < 100 && performance.now() < deadline) await Bun.sleep(5);
        await turnReadOnly(disk);
        expect(await voik.ended(END_MS_MAX)).toBe(STORAGE_FAILED);
        expect(voik.stderr).toMatch(/^voik: the disk failed/m);
      });
      const outcome = await voik.restart().then(
        () => "started",
        (error: Error) => error.message,
      );
      expect(outcome).toMatch(/read-only|EROFS/);
      await disk.remount();
      await voik.restart();
      expect(await breachesOf(voik, load)).toEqual([]);
      await voik.stop();
    },
    30_000,
  );

  test.each(["file", "mmap"])(
    "31: the first write to a file system that turned read-only while nobody wrote ends the process too (--log-io %s)",
    async (io) => {
      await using disk = await LoopDisk.make("ext4", 200, { mount: ["errors=remount-ro"] });
      const start = { folder: join(disk.folder, "data"), args: ["--log-io", io] };
      await using voik = await VoikProcess.start(start);
      const topic = await makeTopic(voik, "quiet", 1);
      await withKafka(voik, async (client) => {
        const values = ["first", "second", "third"].map((text) => Buffer.from(text));
        for (const value of values) await produceBatch(client, topic, 0, batchOf(value));
        await turnReadOnly(disk);
        const acked = await produceBatch(client, topic, 0, batchOf(Buffer.from("lost"))).then(
          () => true,
          () => false,
        );
        expect(acked).toBe(false);
        expect(await voik.ended(END_MS_MAX)).toBe(STORAGE_FAILED);
        await disk.remount();
        await voik.restart();
        await withKafka(voik, async (again) => {
          const records = await readPartition(again, topic, 0);
          expect(records.slice(0, 3).map(({ value }) => value)).toEqual(values);
        });
      });
      await voik.stop();
    },
    30_000,
  );
});
