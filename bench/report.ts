/**
 * Measures growth and writes what came out into the documentation: the curves as docs/growth.svg, and the table into
 * docs/performance.md, between its two marks. `make bench-report`; about two minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Growth, type GrowthCase, HEADINGS, measureGrowth, rowOf, SEGMENTS_OF_SHARD } from "./growth.ts";
import { curvesSvg, type PanelRow } from "./lib/curves.ts";
import type { GrowthFigures } from "./lib/growth-probe.ts";

const DOCS = join(import.meta.dir, "../docs");
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

function writeTable(table: string): void {
  const path = join(DOCS, "performance.md");
  const page = readFileSync(path, "utf8");
  const begin = page.indexOf(MARKS.begin);
  const end = page.indexOf(MARKS.end);
  if (begin < 0 || end < begin) throw new Error(`${path} lacks ${MARKS.begin} and ${MARKS.end}`);
  writeFileSync(path, `${page.slice(0, begin + MARKS.begin.length)}\n\n${table}\n\n${page.slice(end)}`);
}

const growth = await measureGrowth((line) => console.log(line));
writeFileSync(join(DOCS, "growth.svg"), pictureOf(growth));
writeTable(tableOf(growth));
console.log("wrote docs/growth.svg and the table in docs/performance.md");
