/**
 * Power cuts at named moments (failpoints.ts) between any two steps of what changes names on the disk: segments that
 * roll, the journal's making, streams that are made, grow and are deleted, segments that trims and retention delete. The
 * broker runs from source and dies within the call; the executable then opens what the disk has.
 *
 * ext4 and XFS write names down with the next sync of almost anything, and so hide a folder sync that is missing. So the
 * stories are also told to their end without a cut, their system calls recorded, and the executable opens what a disk
 * has that keeps only what was synced: all is well, and without the syncs of one folder it is found out.
 *
 * VOIK_FAULT_POINTS is how many of the cuts are made, of all points on two file systems in two modes; VOIK_SEED chooses.
 */
import { expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Failpoint, FAILPOINTS, Failpoints, type StoryName } from "../helpers/failpoints.ts";
import { describeAsRoot } from "../helpers/installed.ts";
import { type DiskKind, LoopDisk, type PowerCut } from "../helpers/loop-disk.ts";
import { type Story, STORY_ARGS, storyOf } from "../helpers/name-stories.ts";
import { recorded, recordingOf } from "../helpers/strace.ts";
import { type Moment, momentsIn } from "../helpers/strace-log.ts";
import { DISK_CALLS, type Lies, TracedDisk } from "../helpers/traced-disk.ts";
import { temporaryFolder, VoikProcess } from "../helpers/voik-process.ts";
import { SimRandom } from "../sim/sim-random.ts";

const POINTS = Number(process.env.VOIK_FAULT_POINTS ?? 4);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const DISK_MIB = 400;
const KINDS: DiskKind[] = ["ext4", "xfs"];
const MODES: PowerCut[] = ["drop journal", "flush journal"];
const SHOWN_BYTES = 4 << 20;
const SHARD = "/streams/\\w+/\\d+$";
const STREAM = "/streams/\\w+$";

interface Cut {
  point: Failpoint;
  mode: PowerCut;
}

describeAsRoot("power cuts at failpoints", ["mkfs.ext4", "mkfs.xfs"], () => {
  const random = new SimRandom(SEED);
  const all = FAILPOINTS.flatMap((point) => MODES.map((mode) => ({ point, mode })));
  for (const kind of KINDS) {
    const cuts = shuffled(all, random).slice(0, Math.ceil(POINTS / KINDS.length));
    test(
      `9: power cuts on ${kind} at ${cuts.length} of ${all.length} failpoints lose and revive nothing`,
      async () => {
        console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
        await using disk = await LoopDisk.make(kind, DISK_MIB);
        for (const [i, cut] of cuts.entries()) await cutAt(disk, cut, i);
      },
      60_000 + cuts.length * 10_000,
    );
  }
});

describeAsRoot("a disk that keeps only what was synced", ["strace"], () => {
  test.each<[StoryName, ...string[]]>([
    ["rolls", SHARD],
    ["journal"], // logs sync what it holds at any time: whether something is lost without it is chance here
    ["create", "/streams$", STREAM, SHARD],
    ["grow", STREAM],
    ["delete", "/streams$"],
    ["trim", SHARD],
    ["retention"], // nobody was told: segments may come back
  ])(
    "9: the story %s meets all its failpoints, and needs each of its folder syncs",
    async (name, ...needed) => {
      const told = await ToldStory.tell(name);
      try {
        expect(await told.breaches(undefined)).toEqual([]);
        for (const unsynced of needed)
          expect([unsynced, await told.breaches(new RegExp(unsynced))]).not.toEqual([unsynced, []]);
      } finally {
        told.remove();
      }
    },
    60_000,
  );
});

/** Tells a story on a new folder until its points are met, and kills the broker; resolves to the story. */
async function tell(name: StoryName, points: Failpoints, folder: string, command = points.command()) {
  const story = storyOf(name, SEED);
  await using voik = await VoikProcess.start({ folder, args: STORY_ARGS, command, env: points.env() });
  await story.prepare(voik);
  points.arm();
  await story.run(voik, points.reached(voik));
  const { pid } = voik;
  if (voik.running) await voik.kill();
  return { story, pid };
}

async function cutAt(disk: LoopDisk, { point, mode }: Cut, number: number): Promise<void> {
  const folder = join(disk.folder, `data-${number}`);
  using points = new Failpoints({ points: [point], cut: { mount: disk.folder, mode } });
  const { story } = await tell(point.story, points, folder);
  await disk.remount();
  await using voik = await VoikProcess.start({ folder, args: STORY_ARGS });
  expect([point.name, mode, await story.breaches(voik)]).toEqual([point.name, mode, []]);
  await voik.stop();
  rmSync(folder, { recursive: true });
}

/** A story that was told to its end, with its system calls. */
class ToldStory {
  private constructor(
    private readonly home: string,
    private readonly story: Story,
    private readonly moments: readonly Moment[],
    /** Opened when the first failpoint is met. */
    private readonly met: string,
  ) {}

  static async tell(name: StoryName): Promise<ToldStory> {
    const home = temporaryFolder("told");
    const log = join(home, "strace.log");
    mkdirSync(join(home, "before"));
    using points = new Failpoints({ points: FAILPOINTS.filter(({ story }) => story === name) });
    const command = recorded(log, DISK_CALLS, SHOWN_BYTES, ...points.command());
    const { story, pid } = await tell(name, points, join(home, "data"), command);
    return new ToldStory(home, story, [...momentsIn(await recordingOf(log, pid))], points.met);
  }

  /** What is wrong when the disk kept what was synced alone, and of what is `unsynced` no sync from the first point on. */
  async breaches(unsynced: RegExp | undefined): Promise<string[]> {
    const folder = join(this.home, "left");
    let begun = false;
    const lies: Lies = { sync: (path) => begun && unsynced?.test(path) === true };
    const disk = TracedDisk.of(join(this.home, "data"), { before: join(this.home, "before"), lies });
    for (const moment of this.moments) {
      begun ||= moment.call.args.includes(this.met);
      disk.take(moment);
    }
    try {
      disk.writeTo(folder, new SimRandom(SEED), "none");
      await using voik = await VoikProcess.start({ folder, args: STORY_ARGS });
      return await this.story.breaches(voik).catch((error: Error) => [error.message]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

function shuffled<Item>(items: readonly Item[], random: SimRandom): Item[] {
  return items
    .map((item) => ({ item, at: random.uint32() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
