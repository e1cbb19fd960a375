/**
 * A run of the executable under load, on both protocols and with topics made and deleted meanwhile, whose system calls
 * were recorded with their bytes; and what the executable makes of the states that a disk may be left in at any of them.
 */
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freeBytesOf } from "../../src/base/disk.ts";
import { DeleteTopics } from "../../src/kafka/messages/20-delete-topics.ts";
import type { CrashMode } from "../sim/sim-inode.ts";
import type { SimRandom } from "../sim/sim-random.ts";
import { History } from "./history.ts";
import { createTopic } from "./kafka-records.ts";
import type { Load } from "./load.ts";
import { ackedMoreThan, journalSyncs, loadUntil, makeTopic, readTopic, withKafka } from "./plug.ts";
import { recorded, recordingOf } from "./strace.ts";
import { type Moment, momentsIn } from "./strace-log.ts";
import { topicsOf, wrongFolders } from "./topic-folders.ts";
import { ANSWER_CALLS, TracedAnswers } from "./traced-answers.ts";
import { DISK_CALLS, type Lies, TracedDisk } from "./traced-disk.ts";
import { temporaryFolder, voikExecutable, VoikProcess } from "./voik-process.ts";

/** Enough shards to be synced together, through the journal. */
const PARTITIONS = 16;
const LOAD_MS = 400;
export const JOURNAL_SYNCS_MIN = 5;
/** Enough for segments to roll. */
const RECORDS_MIN = 800;
const TOPICS_MIN = 10;
const SHOWN_BYTES = 4 << 20;
const ARGS = ["--segment-bytes", "64KiB", "--log-io", "file"];
/** Where states are written when it has this much room: nothing waits for a device there. */
const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 1 << 30;

/** The file, the position in it, and how many bytes are asked for. */
const SENDFILE = /^\d+<TCP[^ ]*>, \d+<([^>]+)>, \[(\d+)\].*?, (\d+)(?:\)| ?$)/;

/** A topic that was made, and perhaps deleted, while the calls were recorded. */
interface MadeTopic {
  name: string;
  id: string;
  deleted: boolean;
}

export interface Breaking {
  modes: readonly CrashMode[];
  lies?: Lies;
  /** The first state with a breach is enough. */
  enough?: boolean;
}

export class RecordedRun {
  private readonly states = temporaryFolder("states", hasRoom(MEMORY) ? MEMORY : undefined);

  private constructor(
    private readonly home: string,
    readonly load: Load,
    readonly moments: readonly Moment[],
    private readonly answers: TracedAnswers,
    private readonly made: readonly MadeTopic[],
  ) {}

  static async make(seed: number): Promise<RecordedRun> {
    const home = temporaryFolder("replay");
    const [folder, log] = [join(home, "data"), join(home, "strace.log")];
    const load = await withUsedJournal(folder, seed);
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
    const acked = load.history.ackedCount;
    await loadUntil(voik, load, seed, async () => {
      const changing = changeTopics(voik, load);
      await Bun.sleep(LOAD_MS); // the load itself
      await ackedMoreThan(load, acked + RECORDS_MIN); // a busy machine may be late
      while ((await journalSyncs(voik)) < JOURNAL_SYNCS_MIN) await Bun.sleep(20);
      load.stopped = true;
      made = await changing;
    });
    await voik.stop();
    const text = await recordingOf(log, pid);
    const ports = { kafka: kafkaPort, kinesis: Number(new URL(addresses.kinesis).port) };
    const answers = new TracedAnswers(text, ports, load.topic.id);
    return new RecordedRun(home, load, [...momentsIn(text)], answers, made);
  }

  remove(): void {
    for (const folder of [this.home, this.states]) rmSync(folder, { recursive: true, force: true });
  }

  /** Records that the trace shows to have been answered. */
  ackedInTrace(): number {
    const { load, answers } = this;
    return [...load.history.acks()].filter(([...record]) => answers.ackedAt(...record) !== undefined).length;
  }

  /** What consumers were sent, by sendfile, although a power cut could still have taken it; and how often they were sent something. */
  sentTooEarly(lies?: Lies): { sent: number; tooEarly: string[] } {
    const disk = TracedDisk.of(join(this.home, "data"), { before: join(this.home, "before"), lies });
    const tooEarly: string[] = [];
    let sent = 0;
    for (const moment of this.moments) {
      const { at, call, kind } = moment;
      const [, path = "", from = "", bytes = ""] = (kind === "begins" && SENDFILE.exec(call.args)) || [];
      if (call.name === "sendfile" && path !== "") {
        sent++;
        if (!disk.isDurable(path, Number(from), Number(bytes)))
          tooEarly.push(`line ${at}: ${bytes} bytes of ${path} from ${from} on`);
      }
      disk.take(moment);
    }
    return { sent, tooEarly };
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
    const found = await topicsOf(voik);
    const wrong = wrongFolders(voik, found);
    for (const { name, id, deleted } of this.made) {
      const [madeAt = Infinity, , deletedAt = Infinity] = this.answers.repliesWith(name);
      const there = found.get(name);
      if (there !== undefined && there !== id) wrong.push(`foreign: ${name} has another id`);
      if (!deleted && madeAt <= cut && there === undefined) wrong.push(`lost: topic ${name}`);
      if (deletedAt <= cut && there !== undefined) wrong.push(`revived: topic ${name}`);
    }
    const names = new Set([this.load.topic.name, ...this.made.map(({ name }) => name)]);
    for (const name of found.keys()) if (!names.has(name)) wrong.push(`foreign: topic ${name}`);
    return wrong;
  }
}

function hasRoom(folder: string): boolean {
  return existsSync(folder) && freeBytesOf(folder) >= MEMORY_BYTES_MIN;
}

/** Starts once to make the topic and the journal, which the recording then finds. */
async function withUsedJournal(folder: string, seed: number): Promise<Load> {
  await using voik = await VoikProcess.start({ folder, args: ARGS });
  const topic = await makeTopic(voik, "replayed", PARTITIONS);
  const load = { history: new History(), topic, partitions: PARTITIONS, stopped: false };
  await loadUntil(voik, load, seed + 100, async () => {
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
