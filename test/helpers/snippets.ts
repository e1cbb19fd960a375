/**
 * Snippets of the documentation, run as they stand there but for the address: the code blocks of a page's section
 * "Connecting", and tests that run where the tools for them are.
 */
import { test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AWS_ENV } from "./installed.ts";

/** What Maven and Go fetch for a snippet takes a while. */
const TOOLS_MS = 600_000;
const SLOW = process.env.VOIK_TEST_CLIENTS === "1";

const HOME = process.env.HOME ?? "/root";

/** Maven, Go and Cargo keep what they fetch below HOME. */
export const TOOL_ENV = {
  ...AWS_ENV,
  HOME,
  PATH: `${HOME}/.cargo/bin:/usr/local/go/bin:/usr/bin:/bin:${process.env.PATH}`,
};

export interface Snippet {
  /** The bold words before it. */
  title: string;
  language: string;
  code: string;
}

/** The code blocks of docs/`page`, section "Connecting"; `documented` is the address that each of them holds. */
export function snippetsOf(page: string, documented: string): Snippet[] {
  const text = readFileSync(join(import.meta.dir, "../../docs", page), "utf8");
  const start = text.indexOf("## Connecting");
  const section = text.slice(start, text.indexOf("\n## ", start + 1));
  let title = "";
  return [...section.matchAll(/^\*\*(.+?)\*\*|^```(\w+)\n(.*?)^```/gms)].flatMap(
    ([, bold, language = "", code = ""]) => {
      if (bold !== undefined) {
        title = bold;
        return [];
      }
      // A manifest says what to fetch, and nothing of where voik is.
      if (language !== "toml" && !code.includes(documented))
        throw new Error(`${page}: a snippet does not speak to ${documented}:\n${code}`);
      return [{ title, language, code }];
    },
  );
}

/** The one code block of docs/`page` in `language` that has `words`. */
export function blockOf(page: string, language: string, words: string): string {
  const text = readFileSync(join(import.meta.dir, "../../docs", page), "utf8");
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, of, code = ""]) => of === language && code.includes(words))
    .map(([, , code = ""]) => code);
  if (blocks.length !== 1)
    throw new Error(`docs/${page}: ${blocks.length} blocks of ${language} with ${words}`);
  return blocks[0] as string;
}

/**
 * A test that runs where its tools are; elsewhere it is skipped and says why, or fails where clients are required. A slow
 * one is for `make test-clients`.
 */
export function testWith(
  name: string,
  tools: readonly string[],
  slow: boolean,
  body: () => Promise<void>,
): void {
  const absent = tools.find((tool) => Bun.which(tool, { PATH: TOOL_ENV.PATH }) === null);
  const missing = absent === undefined ? undefined : `${absent} is not installed`;
  if (missing !== undefined && process.env.VOIK_REQUIRE_CLIENTS === "1" && !slow)
    throw new Error(`${name}: ${missing}`);
  const reason = missing ?? (slow && !SLOW ? "it is for make test-clients" : undefined);
  if (reason === undefined) return test(name, body, slow ? TOOLS_MS : 60_000);
  console.log(`skipped: ${name}: ${reason}`);
  test.skip(`${name} (${reason})`, () => {});
}
