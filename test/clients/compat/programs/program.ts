/** What the programs of JavaScript clients share: their words, the values of standard input, who they log in as. */
import { readFileSync } from "node:fs";

export const {
  COMPAT_BROKER: broker = "",
  COMPAT_USER: user,
  COMPAT_PASSWORD: password,
  COMPAT_CA,
} = process.env;
export const ca = COMPAT_CA === undefined ? undefined : readFileSync(COMPAT_CA, "utf8");
export const [, , verb = "", first = "", second = ""] = process.argv;

export async function inputValues(): Promise<string[]> {
  const text = await Bun.stdin.text();
  return text.split("\n").filter((line) => line !== "");
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Has `leave` run on SIGTERM, and the process end behind it. */
export function onLeave(leave: () => Promise<void>): void {
  process.on("SIGTERM", () => {
    void leave().finally(() => process.exit(0));
  });
}
