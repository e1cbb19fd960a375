/** The matrix as docs/kafka.md prints it: what each client is tested to do. `make docs` writes it; a test compares. */
import { table, withPart } from "../../../src/kafka/reference.ts";
import { type CompatClient, type Feature, FEATURES } from "./client.ts";
import { CLIENTS } from "./clients.ts";

const BEGIN = "<!-- clients: written by `make docs` from test/clients/compat/matrix.ts -->";
const END = "<!-- end of clients -->";
const ROWS = Object.keys(FEATURES) as Feature[];

/** Table and notes as Markdown. */
function renderMatrix(): string {
  const head = ["", ...CLIENTS.map(({ name, version }) => `${name} ${version}`)];
  const rows = ROWS.map((feature) => [FEATURES[feature], ...CLIENTS.map((client) => cell(client, feature))]);
  const notes = CLIENTS.flatMap((client) => ROWS.flatMap((feature) => note(client, feature)));
  return [table([head, ...rows]), "", ...notes].join("\n");
}

function cell({ cannot, notes }: CompatClient, feature: Feature): string {
  if (cannot[feature]) return "no";
  return notes[feature] === undefined ? "yes" : "yes, but";
}

function note({ name, cannot, notes }: CompatClient, feature: Feature): string[] {
  const text = cannot[feature]?.why ?? notes[feature];
  return text === undefined ? [] : [`- **${name}**, ${FEATURES[feature]}: ${text}.`];
}

export function withMatrix(page: string): string {
  return withPart(page, BEGIN, END, renderMatrix());
}

if (import.meta.main) {
  const path = new URL("../../../docs/kafka.md", import.meta.url);
  await Bun.write(path, withMatrix(await Bun.file(path).text()));
}
