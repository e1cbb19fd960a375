/**
 * Where a password comes from: VOIK_PASSWORD, a prompt that does not show it, or the first line of standard input.
 * Never an argument: every user of the machine can read those (/proc/<pid>/cmdline), and shells remember them.
 */
import { createInterface } from "node:readline";
import { CliError, EXIT } from "./exit.ts";

export const PASSWORD_ENV = "VOIK_PASSWORD";
const LINE_BYTES_MAX = 64 * 1024;

const KEY = { interrupt: "\u0003", end: "\u0004", backspace: "\u007f", rubout: "\b" } as const;

/** A new password for `name`. Throws CliError when there is none. */
export async function readNewPassword(name: string): Promise<string> {
  const given = process.env[PASSWORD_ENV];
  if (given !== undefined && given !== "") return given;
  if (!process.stdin.isTTY) return firstLine();
  const password = await prompt(`New password for ${name}: `);
  if ((await prompt("Again: ")) !== password)
    throw new CliError(EXIT.failed, "the two passwords differ: nothing was changed");
  return password;
}

async function firstLine(): Promise<string> {
  let bytes = 0;
  process.stdin.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LINE_BYTES_MAX) process.stdin.destroy();
  });
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdin.destroy();
    if (line !== "") return line;
    break;
  }
  throw new CliError(
    EXIT.usage,
    `a password is missing: type it when asked, pipe one line in, or set ${PASSWORD_ENV}`,
  );
}

/** Asks on standard error, without showing what is typed. */
function prompt(question: string): Promise<string> {
  const { stdin, stderr } = process;
  // Before the question: whoever answers at once must not see the answer.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.resume();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = "";
  const onData = (chunk: Buffer) => {
    for (const key of chunk.toString("utf8")) {
      if (key === "\r" || key === "\n") return resolve(typed);
      if (key === KEY.interrupt || key === KEY.end)
        return reject(new CliError(EXIT.failed, "given up: nothing was changed"));
      typed = key === KEY.backspace || key === KEY.rubout ? typed.slice(0, -1) : typed + key;
    }
  };
  stdin.on("data", onData);
  return promise.finally(() => {
    stdin.off("data", onData);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  });
}
