/**
 * What does a log cost as it grows, in segments and in shards: opening after a clean stop and after a kill -9, memory,
 * descriptors, appends and look-ups, against one shard with one segment in the same run? Segments are small (16 KiB),
 * so that many can be made; what is measured here hangs on their number, not on their size.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOf } from "./lib/child.ts";
import type { GrowthFigures } from "./lib/growth-probe.ts";

/** One shard with so many segments; so many shards with SEGMENTS_OF_SHARD each. */
export const SEGMENT_COUNTS = [1, 10, 100, 1_000, 10_000];
export const SHARD_COUNTS = [1, 10, 100, 1_000];
export const SEGMENTS_OF_SHARD = 3;

export interface GrowthCase {
  shards: number;
  segments: number;
  /** After a clean stop; costs are measured then. */
  clean: GrowthFigures;
  /** After a kill -9 in the middle of an append to every shard. */
  killed: GrowthFigures;
}

export interface Growth {
  bySegments: GrowthCase[];
  byShards: GrowthCase[];
}

/** One step of the probe; `args` as it takes them. */
async function step(name: "fill" | "measure" | "kill", ...args: (string | number)[]) {
  const command = commandOf("growth-probe", name, ...args.map(String));
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const printed = await new Response(child.stdout).text();
  await child.exited;
  const endedBy = child.signalCode ?? child.exitCode;
  if (endedBy !== (name === "kill" ? "SIGKILL" : 0))
    throw new Error(`the step ${name} ended with ${endedBy}`);
  return name === "measure" ? (JSON.parse(printed) as GrowthFigures) : undefined;
}

async function measureCase(root: string, shards: number, segments: number): Promise<GrowthCase> {
  const [folder, folderOfOne] = ["case-", "one-"].map((name) => mkdtempSync(join(root, name))) as [
    string,
    string,
  ];
  const measured = () => step("measure", folder, shards, segments, folderOfOne) as Promise<GrowthFigures>;
  try {
    await step("fill", folder, shards, segments);
    await step("fill", folderOfOne, 1, 1);
    const clean = await measured();
    await step("kill", folder, shards, segments);
    const killed = await measured();
    return { shards, segments, clean, killed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(folderOfOne, { recursive: true, force: true });
  }
}

/** Measures all cases, telling of each one as it is done. */
export async function measureGrowth(tell: (line: string) => void): Promise<Growth> {
  const root = mkdtempSync(join(tmpdir(), "voik-bench-"));
  const measured = async (shards: number, segments: number, one?: GrowthCase) => {
    const found = await measureCase(root, shards, segments);
    tell(rowOf(found, one ?? found).join("  "));
    return found;
  };
  try {
    tell(HEADINGS.join("  "));
    const [one, ...more] = SEGMENT_COUNTS as [number, ...number[]];
    const bySegments = [await measured(1, one)];
    for (const segments of more) bySegments.push(await measured(1, segments, bySegments[0]));
    const byShards: GrowthCase[] = [];
    for (const shards of SHARD_COUNTS)
      byShards.push(await measured(shards, SEGMENTS_OF_SHARD, bySegments[0]));
    return { bySegments, byShards };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Column headings of `rowOf`; a figure and its ratio to that of one shard with one segment share a column. */
export const HEADINGS = [
  "shards × segments",
  "open, clean, ms",
  "open, killed, ms",
  "resident, MB",
  "descriptors",
  "append, µs",
  "in turn, µs",
  "roll, µs",
  "look-up, µs",
  "cold look-up, µs",
  "by time, µs",
  "first by time, ms",
];

export function rowOf({ shards, segments, clean, killed }: GrowthCase, one: GrowthCase): string[] {
  const beside = (figure: (figures: GrowthFigures) => number) =>
    `${figure(clean).toFixed(1)} (${(figure(clean) / figure(one.clean)).toFixed(2)})`;
  const cells = [
    `${shards.toLocaleString("en")} × ${segments.toLocaleString("en")}`,
    clean.openMs.toFixed(0),
    killed.openMs.toFixed(0),
    `${clean.residentMb.toFixed(0)} / ${killed.residentMb.toFixed(0)}`,
    `${clean.descriptors} / ${killed.descriptors}`,
    `${clean.appendUs.toFixed(1)} (${clean.appendRatio.toFixed(2)})`,
    clean.spreadAppendUs.toFixed(1),
    clean.rollUs.toFixed(0),
    beside(({ warmLookupUs }) => warmLookupUs),
    clean.coldLookupUs.toFixed(0),
    beside(({ timeLookupUs }) => timeLookupUs),
    (clean.firstTimeLookupUs / 1_000).toFixed(1),
  ];
  return cells.map((cell, i) => cell.padStart((HEADINGS[i] as string).length));
}

export async function run(): Promise<void> {
  console.log("growth: the log by segments and shards; in brackets against one shard with one segment");
  await measureGrowth((line) => console.log(`  ${line}`));
}
