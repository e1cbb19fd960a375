/**
 * A disk whose syncs take half a second each: acks come late and none is lost, the event loop never waits for the
 * disk, and what waits is bounded.
 */
import { expect, test } from "bun:test";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import type { Load } from "../helpers/load.ts";
import { produceBatch } from "../helpers/kafka-records.ts";
import { breachesOf, loadUntil, makeTopic, withKafka } from "../helpers/plug.ts";
import { straced } from "../helpers/strace.ts";
import { voikExecutable, VoikProcess } from "../helpers/voik-process.ts";

const SYNC_DELAY_US = 500_000;
const LOAD_MS = 4_000;
const LAG_P99_MS_MAX = 50;
const PROBES_MIN = 200;
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;
const SIDE_BY_SIDE_DELAY_MS = 1_000;
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);

describeAsRoot("a slow disk", ["strace"], () => {
  test("32: with syncs of half a second the event loop stays free, memory flat, and no ack is lost", async () => {
    const slow = straced("fdatasync,syncfs", `delay_enter=${SYNC_DELAY_US}`, voikExecutable());
    await using voik = await VoikProcess.start({ command: slow });
    const topic = await makeTopic(voik, "slow", 4);
    const load: Load = { history: new History(), topic, partitions: 4, stopped: false };
    const residentBytes = voik.residentBytes();
    let lags: number[] = [];
    await loadUntil(voik, load, SEED, async () => {
      lags = await probe(`${voik.addresses.admin}/livez`, LOAD_MS);
      load.stopped = true;
    });
    expect(lags.length).toBeGreaterThan(PROBES_MIN);
    const p99Ms = lags.sort((a, b) => a - b)[Math.floor(lags.length * 0.99)] as number;
    console.log(
      `/livez answered ${lags.length} times, p99 ${p99Ms.toFixed(1)} ms, ${load.history.ackedCount} acked`,
    );
    expect(p99Ms).toBeLessThan(LAG_P99_MS_MAX);
    expect(voik.peakResidentBytes() - residentBytes).toBeLessThan(GROWTH_BYTES_MAX);
    // The writers have ended because they were told to, each with an answer to all that it sent.
    expect(load.history.ackedCount).toBe(load.history.sentCount);
    await voik.kill();
    await using again = await VoikProcess.start({ folder: voik.folder });
    expect(await breachesOf(again, load)).toEqual([]);
  }, 60_000);

  test("four busy shards do not wait for each other's syncs, however few processors there are", async () => {
    const slow = straced("fdatasync", `delay_enter=${SIDE_BY_SIDE_DELAY_MS * 1_000}`, voikExecutable());
    await using voik = await VoikProcess.start({ command: slow });
    const topic = await makeTopic(voik, "side-by-side", 4);
    await withKafka(voik, async (client) => {
      const startedAt = performance.now();
      await Promise.all([0, 1, 2, 3].map((shard) => produceBatch(client, topic, shard, largeBatch())));
      const tookMs = performance.now() - startedAt;
      console.log(`4 shards acked in ${tookMs.toFixed(0)} ms, a sync takes ${SIDE_BY_SIDE_DELAY_MS}`);
      expect(tookMs).toBeGreaterThanOrEqual(SIDE_BY_SIDE_DELAY_MS);
      expect(tookMs).toBeLessThan(2 * SIDE_BY_SIDE_DELAY_MS);
    });
  }, 60_000);
});

/** Too large for the journal. */
function largeBatch(): Buffer {
  const batch = new BatchBuilder();
  batch.add(null, Buffer.alloc(256 * 1024, 1), Date.now());
  return batch.build();
}

/** Asks one address again and again for `forMs`; resolves to how long each answer took, in milliseconds. */
async function probe(address: string, forMs: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (const end = performance.now() + forMs; performance.now() < end;) {
    const startedAt = performance.now();
    const answer = await fetch(address);
    await answer.text();
    tookMs.push(performance.now() - startedAt);
    expect(answer.status).toBe(200);
    await Bun.sleep(5);
  }
  return tookMs;
}
