/**
 * How a command ends: 0 when it did what was asked, else one plain line on standard error and one of these codes
 * (the numbers are those of BSD's sysexits.h; docs/operations.md lists them).
 */
import { AssertionError } from "../base/assert.ts";
import { type ErrorCode, VoikError } from "../base/errors.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  unavailable: 69,
  bug: 70,
  folderInUse: 73,
  storageFailed: 74,
  config: 78,
} as const;

/** Ends the command with `exitCode` and, unless it is empty, the line `message`. */
export class CliError extends Error {
  override name = "CliError";
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

const CODES: Partial<Record<ErrorCode, number>> = {
  config_invalid: EXIT.config,
  folder_in_use: EXIT.folderInUse,
  storage_failed: EXIT.storageFailed,
  storage_damaged: EXIT.storageFailed,
};

/** The code for `error` when it ends the process. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof VoikError) return CODES[error.code] ?? EXIT.failed;
  if (isBug(error)) return EXIT.bug;
  return (error as { name?: string }).name === "CLIError" ? EXIT.usage : EXIT.failed;
}

/** What to print for `error`: a line for what can be expected, the stack for a bug in voik. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isBug(error) && error.stack) return error.stack;
  return Bun.stripANSI(error.message).replaceAll("\n", " ");
}

/** From now on an error or a rejection that nobody catches ends the process, with its stack on standard error. */
export function endOnBugs(): void {
  const end = (error: unknown) => {
    const stack = error instanceof Error && error.stack ? error.stack : String(error);
    process.stderr.write(`voik: this is a bug in voik: ${stack}\n`);
    process.exit(EXIT.bug);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

function isBug(error: unknown): boolean {
  return error instanceof AssertionError || error instanceof TypeError || error instanceof RangeError;
}
