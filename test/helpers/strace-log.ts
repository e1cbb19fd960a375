/**
 * What strace -f -yy wrote of a process, call by call, in the order in which calls began and ended:
 *
 *   7 pwrite64(5</d/a.log>, "…", 9, 0) = 9                begins and ends
 *   8 fdatasync(5</d/a.log> <unfinished ...>              begins
 *   7 rename("/d/b.pending", "/d/b") = 0                  begins and ends meanwhile
 *   8 <... fdatasync resumed>) = 0                        ends
 */
import { resolve } from "node:path";

export interface TracedCall {
  readonly name: string;
  /** Everything between the parentheses and behind them; until it has ended, what was said when it began. */
  args: string;
}

/** A call begins or ends; `at` is the number of the line that says so. */
export interface Moment {
  readonly at: number;
  readonly call: TracedCall;
  readonly kind: "begins" | "ends";
}

export function* momentsIn(log: string): Iterable<Moment> {
  const unfinished = new Map<string, TracedCall>();
  for (const [at, line] of log.split("\n").entries()) {
    const [, thread = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed) {
      const call = unfinished.get(thread);
      unfinished.delete(thread);
      if (!call) continue;
      call.args += resumed[2];
      yield { at, call, kind: "ends" };
      continue;
    }
    const [, name = "", args = ""] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (name === "") continue;
    const call = { name, args: args.replace(/ ?<unfinished \.\.\.>$/, "") };
    yield { at, call, kind: "begins" };
    if (call.args === args) yield { at, call, kind: "ends" };
    else unfinished.set(thread, call);
  }
}

/** What an ended call returned; -1 when it failed or the process died in it. */
export function resultOf({ args }: TracedCall): number {
  const [, result = "-1"] = /\)\s+= (-?\d+)[^"]*$/.exec(args) ?? [];
  return Number(result);
}

/** What the call's first argument, a descriptor, stands for: a path, or a socket's two ends. */
export function targetOf({ args }: TracedCall): string {
  const [, target = "", gone] = /^\d+<((?:->|[^>])*)>(\(deleted\))?/.exec(args) ?? [];
  return gone ? "" : target;
}

/** Paths among the arguments, those that are relative to a folder's descriptor resolved against it. */
export function pathsIn({ args }: TracedCall): string[] {
  const quoted = args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"/g);
  return [...quoted].map(([, folder = "/", path = ""]) => resolve(folder, path));
}

/** Whole numbers behind the last string or descriptor among the arguments: counts, lengths and positions. */
export function numbersIn({ args }: TracedCall): number[] {
  const [, numbers = ""] = /[>"\]]((?:, \d+)*)\)\s+= -?\d+[^"]*$/.exec(args) ?? [];
  return numbers.split(", ").slice(1).map(Number);
}

/** The bytes of a write or a send, as they were given. Throws when strace was told to show fewer. */
export function bytesOf({ args, name }: TracedCall): Buffer {
  const pieces: Buffer[] = [];
  for (let start = args.indexOf('"'); start >= 0;) {
    const end = closingQuote(args, start + 1);
    if (args.startsWith("...", end + 1)) throw new Error(`${name} wrote more than the trace shows`);
    pieces.push(unescape(args.slice(start + 1, end)));
    start = args.indexOf('"', end + 1);
  }
  return Buffer.concat(pieces);
}

/** The next quote with an even number of backslashes before it. */
function closingQuote(args: string, from: number): number {
  for (let end = args.indexOf('"', from); ; end = args.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (args[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", v: "\v", f: "\f" };

/** A string as strace -x prints it: all of it in hexadecimal, or all of it printable. */
function unescape(text: string): Buffer {
  if (text.startsWith("\\x")) return Buffer.from(text.replaceAll("\\x", ""), "hex");
  return Buffer.from(text.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter));
}
