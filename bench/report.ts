/**
 * Measures growth and writes what came out into the documentation: the curves as docs/growth.svg, and the table into
 * docs/performance.md, between its two marks. A part of bench/main.ts that runs in the repository's root, where `make
 * bench-report` is; about two minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type Growth, type GrowthCase, HEADINGS, measureGrowth, rowOf, SEGMENTS_OF_SHARD } from "./growth.ts";
import { curvesSvg, type PanelRow } from "./lib/curves.ts";
import type { GrowthFigures } from "./lib/growth-probe.ts";

const PICTURE = "docs/growth.svg";
const PAGE = "docs/performance.md";
const MARKS = { begin: "<!-- growth: begin -->", end: "<!-- growth: end -->" };

/** The panels of one row; the same questions for segments and for shards. */
function panelsOf(cases: readonly GrowthCase[]): PanelRow["panels"] {
  const clean = (name: string, figure: (figures: GrowthFigures) => number) => ({
    name,
    values: cases.map((measured) => figure(measured.clean)),
  });
  const killed = (name: string, figure: (figures: GrowthFigures) => number) => ({
    name,
    values: cases.map((measured) => figure(measured.killed)),
  });
  const after = (figure: (figures: GrowthFigures) => number) => [
    clean("after a clean stop", figure),
    killed("after kill -9", figure),
  ];
  return [
    { title: "Opening", unit: "ms", scale: "log", series: after(({ openMs }) => openMs) },
    { title: "Resident memory", unit: "MB", scale: "linear", series: after(({ residentMb }) => residentMb) },
    { title: "Descriptors", unit: "open", scale: "linear", series: after(({ descriptors }) => descriptors) },
    {
      title: "One call",
      unit: "µs",
      scale: "log",
      series: [
        clean("append", ({ appendUs }) => appendUs),
        clean("look-up", ({ warmLookupUs }) => warmLookupUs),
        clean("by time", ({ timeLookupUs }) => timeLookupUs),
        clean("cold look-up", ({ coldLookupUs }) => coldLookupUs),
      ],
    },
  ];
}

function pictureOf({ bySegments, byShards }: Growth): string {
  return curvesSvg("Opening time, memory, descriptors and the cost of a call, by segments and by shards", [
    {
      heading: "One shard with 1 to 10,000 segments",
      xLabel: "segments",
      xs: bySegments.map(({ segments }) => segments),
      panels: panelsOf(bySegments),
    },
    {
      heading: `1 to 1,000 shards with ${SEGMENTS_OF_SHARD} segments each`,
      xLabel: "shards",
      xs: byShards.map(({ shards }) => shards),
      panels: panelsOf(byShards),
    },
  ]);
}

function tableOf({ bySegments, byShards }: Growth): string {
  const one = bySegments[0] as GrowthCase;
  const rows = [
    HEADINGS,
    HEADINGS.map(() => "--:"),
    ...[...bySegments, ...byShards].map((row) => rowOf(row, one)),
  ];
  return rows.map((cells) => `| ${cells.map((cell) => cell.trim()).join(" | ")} |`).join("\n");
}

/** The page up to the table and from its end on. */
function aroundTable(): { before: string; after: string } {
  const page = readFileSync(PAGE, "utf8");
  const begin = page.indexOf(MARKS.begin);
  const end = page.indexOf(MARKS.end);
  if (begin < 0 || end < begin) throw new Error(`${PAGE} lacks ${MARKS.begin} and ${MARKS.end}`);
  return { before: page.slice(0, begin + MARKS.begin.length), after: page.slice(end) };
}

export async function run(): Promise<void> {
  aroundTable(); // a page that can't take the table is better known of before than after it is measured
  const growth = await measureGrowth((line) => console.log(line));
  writeFileSync(PICTURE, pictureOf(growth));
  const { before, after } = aroundTable();
  writeFileSync(PAGE, `${before}\n\n${tableOf(growth)}\n\n${after}`);
  console.log(`wrote ${PICTURE} and the table in ${PAGE}`);
}
