/**
 * kill -9 under load, twenty times at random moments, on one data folder that grows: after each restart every acked
 * record is there once, at its offset, with its bytes; nothing is there that was never sent; offsets are dense.
 *
 * Three Kafka connections with pipelined Produce requests, three Kinesis writers and a consumer run at full speed;
 * segments are small, so that kills hit rolls too, and every third start is killed as well, somewhere in its recovery.
 * Logs are written to files, then, with fewer kills, to mappings. VOIK_KILLS and VOIK_SEED change count and seed.
 */
import { expect, test } from "bun:test";
import { rmSync, statSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import { History } from "../helpers/history.ts";
import { kinesisClient, readStream } from "../helpers/kinesis-records.ts";
import { breachesOf, loadAndKill, makeTopic } from "../helpers/plug.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const KILLS = Number(process.env.VOIK_KILLS ?? 20);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const LOAD_MS_MIN = 30;
const LOAD_MS_MAX = 500;
/** Starts take 60 ms and more. */
const START_MS_MAX = 80;
const READY_MS_MAX = 2_000;
const TIMEOUT_MS = 60_000 + KILLS * 6_000;

test.each([
  ["--log-io=file", KILLS],
  ["--log-io=mmap", Math.ceil(KILLS / 3)],
])(
  "kill -9 under load at random moments loses no acked record (%s, %i kills)",
  async (logIo, kills) => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    await using voik = await VoikProcess.start({ args: ["--segment-bytes", "1MiB", logIo] });
    const topic = await makeTopic(voik, "killed", PARTITIONS);

    const history = new History();
    for (let kill = 0; kill < kills; kill++) {
      const ackedBefore = history.ackedCount;
      const loadMs = LOAD_MS_MIN + (random.uint32() % (LOAD_MS_MAX - LOAD_MS_MIN));
      const load = { history, topic, partitions: PARTITIONS, stopped: false };
      await loadAndKill(voik, load, loadMs, random.uint32());
      if (kill % 3 === 2) await voik.crashWhileStarting(random.uint32() % START_MS_MAX);
      await voik.restart();
      expect(voik.readyMs).toBeLessThan(READY_MS_MAX);
      expect(await breachesOf(voik, load)).toEqual([]);
      if (loadMs > 200) expect(history.ackedCount).toBeGreaterThan(ackedBefore);
    }
    console.log(`${kills} kills: ${history.sentCount} records sent, ${history.ackedCount} acked, all there`);

    const kinesis = kinesisClient(voik.addresses.kinesis);
    const values = (await readStream(kinesis, topic.name)).map(({ shard, data }) => ({ shard, value: data }));
    const partitions = new Map(
      Map.groupBy(values, ({ shard }) => Number(shard.slice(-12)))
        .entries()
        .map(([shard, list]) => [shard, list.map(({ value }, offset) => ({ offset, value }))] as const),
    );
    expect(history.check(partitions).slice(0, 20)).toEqual([]);
    kinesis.destroy();
    await voik.stop();
  },
  TIMEOUT_MS,
);

test("a log that loses its tail behind the broker's back is found out", async () => {
  await using voik = await VoikProcess.start();
  const topic = await makeTopic(voik, "cut", PARTITIONS);
  const load = { history: new History(), topic, partitions: PARTITIONS, stopped: false };
  await loadAndKill(voik, load, 300, SEED);
  const [log = ""] = [
    ...new Bun.Glob(`streams/${topic.id}/0/*.log`).scanSync({ cwd: voik.folder, absolute: true }),
  ];
  truncateSync(log, Math.floor(statSync(log).size / 3)); // up to half of it is space reserved
  rmSync(join(dirname(log), "checkpoint")); // with it, the broker itself would find out
  await voik.restart();
  const breaches = await breachesOf(voik, load);
  expect(breaches.length).toBeGreaterThan(0);
  expect(breaches.filter((text) => !/^(lost|changed): /.test(text))).toEqual([]);
}, 30_000);
