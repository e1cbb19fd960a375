/**
 * One run of the executable under load, its system calls recorded with every byte, and then power cuts at any of them:
 * each state that a disk without mercy may be left in (traced-disk.ts) is put into a folder and opened by the
 * executable. What was answered before the cut is there, nothing that was never sent, no topic that was deleted.
 *
 * Real cuts (power-cuts.test.ts) show what ext4 and XFS leave; they write names down in order, and mostly in time, and
 * hide a folder sync that is missing. Models: ALICE (OSDI 2014), CrashMonkey (OSDI 2018).
 *
 * VOIK_FAULT_STATES is the number of states, VOIK_SEED repeats a choice (not the run itself). With --log-io=file: stores
 * to a mapping are no system calls. What consumers saw is not looked at here.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freeBytesOf } from "../../src/base/disk.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import { History } from "../helpers/history.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { createTopic } from "../helpers/kafka-records.ts";
import type { Load } from "../helpers/load.ts";
import { loadUntil, makeTopic, readTopic, withKafka } from "../helpers/plug.ts";
import { recorded, recordingOf } from "../helpers/strace.ts";
import { type Moment, momentsIn, targetOf } from "../helpers/strace-log.ts";
import { ANSWER_CALLS, TracedAnswers } from "../helpers/traced-answers.ts";
import { DISK_CALLS, type Lies, TracedDisk } from "../helpers/traced-disk.ts";
import { temporaryFolder, voikExecutable, VoikProcess } from "../helpers/voik-process.ts";
import type { CrashMode } from "../sim/sim-inode.ts";
import { SimRandom } from "../sim/sim-random.ts";

const STATES = Number(process.env.VOIK_FAULT_STATES ?? 20);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
/** Enough to be synced together, through the journal. */
const PARTITIONS = 16;
const LOAD_MS = 400;
const JOURNAL_SYNCS_MIN = 5;
const TOPICS_MIN = 10;
const SHOWN_BYTES = 4 << 20;
const ARGS = ["--segment-bytes", "64KiB", "--log-io", "file"];
const MODES: CrashMode[] = ["all", "none", "moment", "mixed", "mixed"];
/** Where states are written when it has this much room: nothing waits for a device there. */
const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 1 << 30;

describeAsRoot("replayed system calls", ["strace"], () => {
  let run: Recording;
  beforeAll(async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} chooses the same states)`);
    run = await Recording.make();
  }, 60_000);
  afterAll(() => run?.remove());

  test("11: the run that is replayed rolls, makes, deletes, and uses the journal", () => {
    const calls = run.moments.filter(({ kind }) => kind === "ends").map(({ call }) => call);
    const count = (name: string, on: RegExp) =>
      calls.filter((call) => call.name === name && on.test(call.args)).length;
    expect(count("fdatasync", /\/journal\//)).toBeGreaterThanOrEqual(JOURNAL_SYNCS_MIN);
    expect(count("fdatasync", /\.log/)).toBeGreaterThan(0);
    expect(count("rename", /\.log\.pending/)).toBeGreaterThan(PARTITIONS / 2);
    expect(count("pwrite64", /voik\.db-wal/)).toBeGreaterThan(0);
    expect(run.load.history.refused).toEqual([]);
    expect(run.ackedInTrace()).toBeGreaterThan(500);
  });

  test(
    `11: ${STATES} states that a power cut may leave hold all that was answered, and nothing else`,
    async () => {
      const random = new SimRandom(SEED);
      const last = run.moments.at(-1)?.at ?? 0;
      const cuts = Array.from({ length: STATES }, () => random.below(last + 1)).sort((a, b) => a - b);
      const breaches = await run.breachesAfter(cuts, random, { modes: MODES });
      expect(breaches).toEqual([]);
      console.log(`${STATES} states of ${last} lines, ${run.ackedInTrace()} records acked meanwhile`);
    },
    60_000 + STATES * 3_000,
  );

  test.each<[string, RegExp]>([
    ["log files", /\.log/],
    ["the journal", /\/journal\//],
    ["folders", /\/streams(\/\w+)*$/],
    ["the catalog", /voik\.db/],
  ])(
    "11: without syncs of %s it is found out",
    async (_, path) => {
      const random = new SimRandom(SEED);
      const lies: Lies = { sync: (synced) => path.test(synced) };
      const options: Breaking = { modes: ["none"], lies, enough: true };
      const breaches = await run.breachesAfter(run.answersToMakers(), random, options);
      expect(breaches.length).toBeGreaterThan(0);
    },
    60_000,
  );

  test("11: one write to a log that never reached the disk is found out", async () => {
    const random = new SimRandom(SEED);
    const writes = run.moments.filter(
      ({ call, kind }) => kind === "ends" && call.name === "pwrite64" && /\/\d{20}\.log/.test(targetOf(call)),
    );
    const lost = random.pick(writes).call;
    const options: Breaking = { modes: ["all"], lies: { write: (call) => call === lost } };
    const end = run.moments.at(-1)?.at ?? 0;
    expect((await run.breachesAfter([end], random, options)).length).toBeGreaterThan(0);
  }, 60_000);
});

/** A topic that was made, and perhaps deleted, while the calls were recorded. */
interface MadeTopic {
  name: string;
  id: string;
  deleted: boolean;
}

interface Breaking {
  modes: readonly CrashMode[];
  lies?: Lies;
  /** The first state with a breach is enough. */
  enough?: boolean;
}

class Recording {
  private readonly states = temporaryFolder("states", hasRoom(MEMORY) ? MEMORY : undefined);

  private constructor(
    private readonly home: string,
    readonly load: Load,
    readonly moments: readonly Moment[],
    private readonly answers: TracedAnswers,
    private readonly made: readonly MadeTopic[],
  ) {}

  static async make(): Promise<Recording> {
    const home = temporaryFolder("replay");
    const [folder, log] = [join(home, "data"), join(home, "strace.log")];
    const load = await withUsedJournal(folder);
    cpSync(folder, join(home, "before"), { recursive: true });
    const command = recorded(
      log,
      [...new Set([...DISK_CALLS, ...ANSWER_CALLS])],
      SHOWN_BYTES,
      voikExecutable(),
    );
    await using voik = await VoikProcess.start({ folder, command, args: ARGS });
    const { pid, kafkaPort, addresses } = voik;
    let made: MadeTopic[] = [];
    load.stopped = false;
    await loadUntil(voik, load, SEED, async () => {
      const changing = changeTopics(voik, load);
      await Bun.sleep(LOAD_MS); // the load itself
      while ((await journalSyncs(voik)) < JOURNAL_SYNCS_MIN) await Bun.sleep(20);
      load.stopped = true;
      made = await changing;
    });
    await voik.stop();
    const text = await recordingOf(log, pid);
    const ports = { kafka: kafkaPort, kinesis: Number(new URL(addresses.kinesis).port) };
    const answers = new TracedAnswers(text, ports, load.topic.id);
    return new Recording(home, load, [...momentsIn(text)], answers, made);
  }

  remove(): void {
    for (const folder of [this.home, this.states]) rmSync(folder, { recursive: true, force: true });
  }

  /** Records that the trace shows to have been answered. */
  ackedInTrace(): number {
    const { load, answers } = this;
    return [...load.history.acks()].filter(([...record]) => answers.ackedAt(...record) !== undefined).length;
  }

  /** Lines on which a topic that stays was answered for, and nothing has happened since. */
  answersToMakers(): number[] {
    const kept = this.made.filter(({ deleted }) => !deleted);
    return kept.map(({ name }) => this.answers.repliesWith(name)[0] as number);
  }

  /** Opens a state that the disk may be in at each of these lines, which ascend; resolves to what is wrong. */
  async breachesAfter(cuts: readonly number[], random: SimRandom, breaking: Breaking): Promise<string[]> {
    const before = join(this.home, "before");
    const disk = TracedDisk.of(join(this.home, "data"), { before, lies: breaking.lies });
    const breaches: string[] = [];
    let next = 0;
    for (const moment of this.moments) {
      for (; (cuts[next] ?? Infinity) < moment.at; next++) {
        breaches.push(
          ...(await this.breachesOf(disk, cuts[next] as number, random, random.pick(breaking.modes))),
        );
        if (breaking.enough && breaches.length > 0) return breaches;
      }
      disk.take(moment);
    }
    for (; next < cuts.length; next++)
      breaches.push(
        ...(await this.breachesOf(disk, cuts[next] as number, random, random.pick(breaking.modes))),
      );
    return breaches;
  }

  private async breachesOf(
    disk: TracedDisk,
    cut: number,
    random: SimRandom,
    mode: CrashMode,
  ): Promise<string[]> {
    const folder = join(this.states, "state");
    const { load, answers } = this;
    const known = (at: number | undefined) => at === undefined || at <= cut;
    const history = load.history.withAcked((...record) => known(answers.ackedAt(...record)));
    try {
      disk.writeTo(folder, random, mode);
      await using voik = await VoikProcess.start({ folder, args: ARGS });
      const breaches = history.check(await readTopic(voik, load.topic, load.partitions));
      breaches.push(...(await this.wrongTopics(voik, cut)));
      await voik.kill();
      return breaches.slice(0, 5).map((breach) => `cut at line ${cut}, ${mode}: ${breach}`);
    } catch (error) {
      return [`cut at line ${cut}, ${mode}: ${(error as Error).message}`];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** A topic is answered for three times: made, described for its id, deleted. */
  private async wrongTopics(voik: VoikProcess, cut: number): Promise<string[]> {
    const { topics } = await withKafka(voik, (client) =>
      client.request(Metadata, { topics: null, allowAutoTopicCreation: false }),
    );
    const found = new Map(topics.map(({ name, topicId }) => [name ?? "", topicId]));
    const wrong: string[] = [];
    for (const { name, id, deleted } of this.made) {
      const [madeAt = Infinity, , deletedAt = Infinity] = this.answers.repliesWith(name);
      const there = found.get(name);
      if (there !== undefined && there !== id) wrong.push(`foreign: ${name} has another id`);
      if (!deleted && madeAt <= cut && there === undefined) wrong.push(`lost: topic ${name}`);
      if (deletedAt <= cut && there !== undefined) wrong.push(`revived: topic ${name}`);
    }
    const names = new Set([this.load.topic.name, ...this.made.map(({ name }) => name)]);
    for (const name of found.keys()) if (!names.has(name)) wrong.push(`foreign: topic ${name}`);
    const ids = new Set(found.values());
    for (const id of readdirSync(join(voik.folder, "streams")))
      if (!ids.has(id)) wrong.push(`revived: the folder ${id}`);
    return wrong;
  }
}

function hasRoom(folder: string): boolean {
  return existsSync(folder) && freeBytesOf(folder) >= MEMORY_BYTES_MIN;
}

/** Starts once to make the topic and the journal, which the recording then finds. */
async function withUsedJournal(folder: string): Promise<Load> {
  await using voik = await VoikProcess.start({ folder, args: ARGS });
  const topic = await makeTopic(voik, "replayed", PARTITIONS);
  const load = { history: new History(), topic, partitions: PARTITIONS, stopped: false };
  await loadUntil(voik, load, SEED + 100, async () => {
    while ((await journalSyncs(voik)) === 0) await Bun.sleep(20);
    load.stopped = true;
  });
  await voik.stop();
  return load;
}

/** Makes topics and deletes every other one, until the load ends, and some at least. */
async function changeTopics(voik: VoikProcess, load: Load): Promise<MadeTopic[]> {
  const made: MadeTopic[] = [];
  await withKafka(voik, async (client) => {
    for (let number = 0; !load.stopped || number < TOPICS_MIN; number++) {
      const name = `made-${String(number).padStart(5, "0")}`;
      const topic = { name, id: await createTopic(client, name, 1), deleted: number % 2 === 1 };
      made.push(topic);
      if (!topic.deleted) continue;
      const wanted = { topics: [{ name }], topicNames: [name], timeoutMs: 10_000 };
      const { responses } = await client.request(DeleteTopics, wanted);
      if (responses[0]?.errorCode !== 0) throw new Error(`DeleteTopics ${name}: ${responses[0]?.errorCode}`);
    }
  });
  return made;
}

async function journalSyncs(voik: VoikProcess): Promise<number> {
  const metrics = await (await fetch(`${voik.addresses.admin}/metrics`)).text();
  return Number(/voik_sync_seconds_count\{kind="journal"\} (\d+)/.exec(metrics)?.[1]);
}
