/**
 * Named moments in the work on names, at which a test can stop the broker or cut its power: before or after one call on
 * the disk, or one change of the catalog or the journal. The broker runs from source, and failpoint-preload.ts puts
 * itself around those calls; the product knows nothing of it.
 *
 *   const points = new Failpoints({ points: FAILPOINTS.filter(({ story }) => story === "rolls") });
 *   VoikProcess.start({ command: points.command(), env: points.env() });
 *   points.arm();                                  from here on steps count
 *   await points.reached(voik);                    throws when one of them is never met
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PowerCut } from "./loop-disk.ts";
import { temporaryFolder, type VoikProcess } from "./voik-process.ts";

const ROOT = join(import.meta.dir, "../..");
const REACH_MS_MAX = 20_000;

export type StoryName = "rolls" | "journal" | "create" | "grow" | "delete" | "trim" | "retention";

export interface Failpoint {
  story: StoryName;
  /** What has just happened, or is just about to. */
  name: string;
  /** A call of the FileSystem or of a file, or "catalog." or "journal." and a method. */
  call: string;
  /** What the call's path has to match; for the catalog, its last argument. */
  on: string;
  /** "amid": a folder is half removed. */
  when: "before" | "amid" | "after";
  /** Which of those calls; the first when left out. */
  nth?: number;
}

/** What the preload is told. */
export interface FailpointPlan {
  points: readonly Failpoint[];
  /** Steps count once this file is there. */
  armed: string;
  /** Names of points are written to this file as they are met. */
  met: string;
  /** At the first point: cut the power of the file system mounted there, and end. */
  cut?: { mount: string; mode: PowerCut };
}

const SHARD = "/streams/\\w+/\\d+$";
const STREAM = "/streams/\\w+$";
const STREAMS = "/streams$";
const LOG = "/\\d{20}\\.log$";
const PENDING = "\\.log\\.pending$";

type Row = [when: Failpoint["when"], call: string, on: string, name: string, nth?: number];

const STORIES: Record<StoryName, Row[]> = {
  rolls: [
    ["before", "truncate", "\\.log(\\.pending)?$", "a full segment still has its reserved space"],
    ["after", "truncate", "\\.log(\\.pending)?$", "a full segment has lost its reserved space"],
    ["after", "open", PENDING, "the next segment has a file"],
    ["after", "open", "\\.index$", "the full segment has a file for its index"],
    ["after", "write", "\\.index$", "the full segment has an index"],
    ["after", "write", "\\.timeindex$", "the full segment has a time index"],
    ["after", "write", PENDING, "the next segment has a batch"],
    ["before", "rename", PENDING, "all before the next segment is synced"],
    ["after", "rename", PENDING, "the next segment has its name"],
    ["after", "syncFolder", SHARD, "the next segment's name is synced"],
    ["after", "sync", PENDING, "the next segment is synced"],
  ],
  journal: [
    ["after", "makeFolder", "/journal$", "the journal has a folder"],
    ["after", "open", "/journal/0$", "the journal's first file is made"],
    ["after", "write", "/journal/0$", "zeros are in the journal's first file"],
    ["after", "sync", "/journal/0$", "the journal's first file is synced"],
    ["after", "open", "/journal/1$", "the journal's second file is made"],
    ["after", "sync", "/journal/1$", "the journal's second file is synced"],
    ["after", "syncFolder", "/journal$", "the journal's names are synced"],
    ["before", "journal.put", "", "a round goes to the journal"],
    ["after", "journal.put", "", "a round is in the journal"],
    ["after", "journal.sync", "", "a round is synced in the journal"],
    ["after", "write", "/journal/1$", "a round is in the journal's second file", 2],
  ],
  create: [
    ["before", "catalog.addStream", "", "a stream is asked for"],
    ["after", "catalog.addStream", "", "a stream is being created"],
    ["after", "makeFolder", SHARD, "a shard has a folder"],
    ["after", "syncFolder", STREAM, "a shard's folder is synced"],
    ["after", "syncFolder", STREAMS, "a stream's folder is synced"],
    ["after", "open", LOG, "a shard has a segment"],
    ["after", "syncFolder", SHARD, "a shard's first segment has its name for good"],
    ["before", "catalog.setState", "active", "a stream is about to be active"],
    ["after", "catalog.setState", "active", "a stream is active"],
  ],
  grow: [
    ["after", "makeFolder", SHARD, "a further shard has a folder"],
    ["after", "syncFolder", SHARD, "a further shard's segment has its name for good"],
    ["before", "catalog.reshard", "", "a stream is about to grow"],
    ["after", "catalog.reshard", "", "a stream has grown"],
  ],
  delete: [
    ["before", "catalog.setState", "deleting", "a stream is about to be deleted"],
    ["after", "catalog.setState", "deleting", "a stream is deleted"],
    ["before", "removeFolder", STREAM, "a deleted stream's folder is there"],
    ["amid", "removeFolder", STREAM, "a deleted stream's folder is half gone"],
    ["after", "removeFolder", STREAM, "a deleted stream's folder is gone"],
    ["after", "syncFolder", STREAMS, "a deleted stream's folder is gone for good"],
    ["after", "catalog.removeStream", "", "a deleted stream is forgotten"],
  ],
  trim: [
    ["after", "write", "/start$", "a log's new start is written"],
    ["after", "sync", "/start$", "a log's new start is synced"],
    ["after", "syncFolder", SHARD, "a log's new start has its name for good"],
    ["before", "rename", LOG, "a trimmed segment is about to go"],
    ["after", "rename", LOG, "a trimmed segment is called deleted"],
    ["after", "syncFolder", SHARD, "a trimmed segment is called deleted for good", 2],
    ["after", "remove", "\\.deleted$", "a trimmed segment is gone, its indexes are there"],
    ["after", "remove", "\\.index$", "a trimmed segment's index is gone"],
    ["after", "remove", "\\.timeindex$", "a trimmed segment's time index is gone"],
    ["after", "rename", LOG, "a second trimmed segment is called deleted", 2],
  ],
  retention: [
    ["before", "rename", LOG, "an old segment is about to go"],
    ["after", "rename", LOG, "an old segment is called deleted"],
    ["after", "syncFolder", SHARD, "an old segment is called deleted for good"],
    ["after", "remove", "\\.deleted$", "an old segment is gone, its indexes are there"],
    ["after", "remove", "\\.timeindex$", "an old segment is gone with its indexes"],
    ["after", "rename", LOG, "a second old segment is called deleted", 2],
  ],
};

export const FAILPOINTS: readonly Failpoint[] = Object.entries(STORIES).flatMap(([story, rows]) =>
  rows.map(([when, call, on, name, nth]) => ({ story: story as StoryName, when, call, on, name, nth })),
);

/** Size of the journal's files in a broker with failpoints: small, so that the second one is reached. */
export const JOURNAL_FILE_BYTES = 1 << 20;

export class Failpoints implements Disposable {
  private readonly folder = temporaryFolder("points");
  private readonly plan: FailpointPlan;

  constructor(plan: Omit<FailpointPlan, "armed" | "met">) {
    this.plan = { ...plan, armed: join(this.folder, "armed"), met: join(this.folder, "met") };
  }

  /** The broker from source, with the failpoints in it. */
  command(): string[] {
    const [preload, main] = ["test/helpers/failpoint-preload.ts", "src/main.ts"].map((path) =>
      join(ROOT, path),
    );
    return [process.execPath, "--preload", preload as string, main as string];
  }

  env(): Record<string, string> {
    return { PATH: process.env.PATH ?? "", VOIK_FAILPOINTS: JSON.stringify(this.plan) };
  }

  /** The file that the broker opens when it meets a point. */
  get met(): string {
    return this.plan.met;
  }

  arm(): void {
    writeFileSync(this.plan.armed, "");
  }

  /** Resolves when every point was met, one of them being enough for a cut. Throws when the broker ends before, or in 20 s. */
  async reached(voik: VoikProcess): Promise<void> {
    const deadline = performance.now() + REACH_MS_MAX;
    for (;;) {
      const running = voik.running;
      const missing = this.missing();
      if (this.plan.cut ? !running && missing.length < this.plan.points.length : missing.length === 0) return;
      if (!running || performance.now() > deadline)
        throw new Error(`never met: ${missing.join("; ")}\n${voik.stderr.slice(-2000)}`);
      await Bun.sleep(5);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private missing(): string[] {
    const { points, met } = this.plan;
    const names = existsSync(met) ? readFileSync(met, "utf8").split("\n") : [];
    return points.map(({ name }) => name).filter((name) => !names.includes(name));
  }
}
