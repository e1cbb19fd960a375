/**
 * Power cuts in the middle of what changes names on the disk: segments that roll all the time, topics that are made
 * and deleted all the time. No acked record is lost, a topic whose creation was acked is there, one whose deletion
 * was acked stays deleted with its files, and nothing is there that nobody asked for.
 *
 * The moments are chance here, and many things go on at once; failpoints.test.ts chooses its moments.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { KafkaClient } from "../../src/kafka/client.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import type { Load } from "../helpers/load.ts";
import { type DiskKind, LoopDisk, type PowerCut } from "../helpers/loop-disk.ts";
import { breachesOf, loadUntil, makeTopic } from "../helpers/plug.ts";
import { topicsOf, wrongFolders } from "../helpers/topic-folders.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const CUTS = Math.ceil(Number(process.env.VOIK_FAULT_CUTS ?? 20) / 5);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
const LOAD_MS_MIN = 50;
const LOAD_MS_MAX = 400;
const CHANGE_MS_MAX = 20_000;
const MODES: PowerCut[] = ["drop journal", "flush journal"];
const CUTS_PER_DISK_MAX = 6;
/** One batch in three begins a new segment. */
const ARGS = ["--segment-bytes", "64KiB"];

describeAsRoot("power cuts while names change", ["mkfs.ext4", "mkfs.xfs"], () => {
  for (const kind of ["ext4", "xfs"] as const) {
    test(
      `9: ${CUTS} power cuts on ${kind} at segment rolls, creations and deletions lose and revive nothing`,
      async () => {
        console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
        const random = seededRandom(SEED);
        for (let done = 0; done < CUTS; done += CUTS_PER_DISK_MAX)
          await cutRepeatedly(kind, Math.min(CUTS_PER_DISK_MAX, CUTS - done), random);
      },
      60_000 + CUTS * 6_000,
    );
  }
});

async function cutRepeatedly(kind: DiskKind, cuts: number, random: Random): Promise<void> {
  await using disk = await LoopDisk.make(kind, 400);
  await using voik = await VoikProcess.start({ folder: join(disk.folder, "data"), args: ARGS });
  const topic = await makeTopic(voik, "rolled", PARTITIONS);
  const load: Load = { history: new History(), topic, partitions: PARTITIONS, stopped: false };
  const names = new ExpectedTopics();
  for (let cut = 0; cut < cuts; cut++) {
    load.stopped = false;
    await loadUntil(voik, load, random.uint32(), async () => {
      const changing = names.change(voik.kafkaPort, load);
      await Bun.sleep(LOAD_MS_MIN + (random.uint32() % (LOAD_MS_MAX - LOAD_MS_MIN))); // the load itself
      if (cut % MODES.length === 0) await names.changed(); // a busy machine may be late
      load.stopped = true;
      load.history.powerIsOff = true;
      disk.cutPower(MODES[cut % MODES.length] as PowerCut);
      await voik.kill();
      await changing;
    });
    load.history.powerIsOff = false;
    await disk.remount();
    await voik.restart();
    expect(await breachesOf(voik, load)).toEqual([]);
    await names.expectIn(voik, topic);
  }
  expect(names.changes).toBeGreaterThan(0);
  await voik.stop();
}

/** Topics that are there for certain, and those that were being made or deleted when the power went. */
class ExpectedTopics {
  /** Acked creations and deletions. */
  changes = 0;
  private readonly there = new Map<string, string>();
  private readonly unsure = new Set<string>();
  private number = 0;

  /** Makes topics and deletes every other one until the connection ends. */
  async change(port: number, load: Load): Promise<void> {
    let client: KafkaClient | undefined;
    try {
      client = await KafkaClient.connect({ host: "127.0.0.1", port });
      while (!load.stopped) {
        const name = `made-${this.number++}`;
        this.unsure.add(name);
        const id = await createTopic(client, name, 1);
        if (load.stopped) break; // said by a machine whose power is off
        this.unsure.delete(name);
        this.there.set(name, id);
        this.changes++;
        if (this.number % 2 === 0) await this.delete(client, name, load);
      }
    } catch (error) {
      if (!load.stopped) throw error;
    } finally {
      client?.close();
    }
  }

  /** Resolves when one more change was acked. */
  async changed(): Promise<void> {
    const deadline = performance.now() + CHANGE_MS_MAX;
    for (const before = this.changes; this.changes === before;) {
      if (performance.now() > deadline) throw new Error("no topic is made or deleted");
      await Bun.sleep(5);
    }
  }

  /** The server and its folder hold exactly these topics and `other`. */
  async expectIn(voik: VoikProcess, other: { name: string; id: string }): Promise<void> {
    const found = await topicsOf(voik);
    for (const [name, id] of this.there) expect([name, found.get(name)]).toEqual([name, id]);
    const asked = new Set([other.name, ...this.there.keys(), ...this.unsure]);
    expect([...found.keys()].filter((name) => !asked.has(name))).toEqual([]);
    expect(wrongFolders(voik, found)).toEqual([]);
    for (const name of this.unsure) {
      const id = found.get(name);
      if (id !== undefined) this.there.set(name, id);
    }
    this.unsure.clear();
  }

  private async delete(client: KafkaClient, name: string, load: Load): Promise<void> {
    const id = this.there.get(name) as string;
    this.there.delete(name);
    this.unsure.add(name);
    const wanted = { topics: [{ name }], topicNames: [name], timeoutMs: 10_000 };
    const { responses } = await client.request(DeleteTopics, wanted);
    if (responses[0]?.errorCode !== 0)
      throw new Error(`DeleteTopics ${name} (${id}): ${responses[0]?.errorCode}`);
    if (load.stopped) return;
    this.unsure.delete(name);
    this.changes++;
  }
}
