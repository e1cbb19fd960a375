/**
 * Draws small panels of curves as one SVG, by hand: a title, both axes with their units, a grid, and a legend under
 * each title. x grows by powers of ten. Colours follow the reader's light or dark scheme.
 *
 *   | panel | panel | panel |      a row has a heading, and its panels share x
 *   | panel | panel | panel |
 */
export interface Series {
  name: string;
  /** One for each x of the row. */
  values: readonly number[];
}

export interface Panel {
  title: string;
  unit: string;
  /** Powers of ten, or evenly from 0. */
  scale: "log" | "linear";
  series: readonly Series[];
}

export interface PanelRow {
  heading: string;
  xLabel: string;
  xs: readonly number[];
  panels: readonly Panel[];
}

const PANEL_WIDTH = 270;
const ROW_HEIGHT = 290;
const TOP = 84;
const PLOT = { left: 48, width: 196, height: 140 };
const LEGEND_WIDTH = 106;
const LEGEND_LINE = 14;

const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #424a53; }
  .heading { font-size: 14px; font-weight: 600; fill: #1f2328; }
  .title { font-size: 12px; font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d1d9e0; } .axis { stroke: #818b98; }
  polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .c0 { stroke: #0969da; fill: #0969da; } .c1 { stroke: #bc4c00; fill: #bc4c00; }
  .c2 { stroke: #1a7f37; fill: #1a7f37; } .c3 { stroke: #8250df; fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } text { fill: #b1bac4; } .heading, .title { fill: #f0f6fc; }
    .grid { stroke: #30363d; } .axis { stroke: #6e7681; }
    .c0 { stroke: #58a6ff; fill: #58a6ff; } .c1 { stroke: #f0883e; fill: #f0883e; }
    .c2 { stroke: #3fb950; fill: #3fb950; } .c3 { stroke: #bc8cff; fill: #bc8cff; }
  }`;

/** The whole picture; `title` is what a screen reader says of it. */
export function curvesSvg(title: string, rows: readonly PanelRow[]): string {
  const width = PANEL_WIDTH * Math.max(...rows.map(({ panels }) => panels.length));
  const height = ROW_HEIGHT * rows.length;
  const body = rows.map((row, i) => group(0, i * ROW_HEIGHT, rowSvg(row)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function rowSvg({ heading, xLabel, xs, panels }: PanelRow): string {
  const drawn = panels.map((panel, i) => group(i * PANEL_WIDTH, 0, panelSvg(panel, xs, xLabel)));
  return [text(16, 24, heading, "heading"), ...drawn].join("\n");
}

function panelSvg({ title, unit, scale, series }: Panel, xs: readonly number[], xLabel: string): string {
  const y = yAxis(
    series.flatMap(({ values }) => values),
    scale,
  );
  const decades = Math.log10(xs.at(-1) as number);
  const xAt = (x: number) => (Math.log10(x) / decades) * PLOT.width;
  const yAt = (value: number) => PLOT.height * (1 - y.at(value));
  const ticks = y.ticks.map((value) =>
    [
      line(0, yAt(value), PLOT.width, yAt(value), "grid"),
      text(-6, yAt(value) + 4, short(value), "", "end"),
    ].join(""),
  );
  const columns = xs.map((x) => text(xAt(x), PLOT.height + 16, short(x), "", "middle"));
  const curves = series.map(({ values }, i) => curve(values, i, (n) => xAt(xs[n] as number), yAt));
  const plot = [
    ...ticks,
    line(0, PLOT.height, PLOT.width, PLOT.height, "axis"),
    ...columns,
    text(PLOT.width / 2, PLOT.height + 34, xLabel, "", "middle"),
    ...curves,
  ];
  return [
    text(16, 46, `${title}, ${unit}`, "title"),
    ...series.map(({ name }, i) => legend(name, i)),
    group(PLOT.left, TOP + LEGEND_LINE, plot.join("\n")),
  ].join("\n");
}

function curve(
  values: readonly number[],
  index: number,
  xAt: (n: number) => number,
  yAt: (value: number) => number,
): string {
  const points = values.map((value, n) => [xAt(n).toFixed(1), yAt(value).toFixed(1)] as const);
  const dots = points.map(([x, y]) => `<circle class="c${index}" cx="${x}" cy="${y}" r="2.5"/>`);
  return `<polyline class="c${index}" style="fill: none" points="${points.join(" ")}"/>${dots.join("")}`;
}

/** Two to a line. */
function legend(name: string, index: number): string {
  const x = 16 + (index % 2) * (LEGEND_WIDTH + 14);
  const y = 62 + (index >> 1) * LEGEND_LINE;
  return line(x, y - 4, x + 14, y - 4, `c${index}`) + text(x + 19, y, name, "");
}

/** Where values lie between 0 (bottom) and 1 (top), and which of them get a line. */
function yAxis(values: readonly number[], scale: Panel["scale"]) {
  const largest = Math.max(...values);
  if (scale === "linear") {
    const step = niceStep(largest / 4);
    const steps = Math.ceil(largest / step);
    const ticks = Array.from({ length: steps + 1 }, (_, i) => i * step);
    return { at: (value: number) => value / (steps * step), ticks };
  }
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(Math.ceil(Math.log10(largest)), low + 1);
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { at: (value: number) => (Math.log10(value) - low) / (high - low), ticks };
}

/** 1, 2 or 5 times a power of ten: the first one that is at least `wanted`. */
function niceStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10);
}

function short(value: number): string {
  return value >= 1 ? value.toLocaleString("en") : String(value);
}

function group(x: number, y: number, content: string): string {
  return `<g transform="translate(${x} ${y})">\n${content}\n</g>`;
}

function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  const at = [x1, y1, x2, y2].map((value) => Number(value.toFixed(1)));
  return `<line class="${className}" x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke-width="${className.startsWith("c") ? 2 : 1}"/>`;
}

function text(x: number, y: number, content: string, className: string, anchor = "start"): string {
  const style = className === "" ? "" : ` class="${className}"`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${style} text-anchor="${anchor}">${content}</text>`;
}
