/**
 * A citty command that refuses what it doesn't know: citty by itself lets a misspelt flag or a surplus argument
 * pass unnoticed, and `voik serve --kafka-prot 9093` would listen on 9092.
 */
import { type ArgsDef, type CommandContext, type CommandDef, defineCommand } from "citty";
import { CliError, EXIT } from "./exit.ts";

export interface CommandSpec<T extends ArgsDef> {
  name: string;
  description: string;
  args: T;
  run: (context: CommandContext<T>) => Promise<void>;
}

/** Defines a command; an unknown flag or argument ends it with exit code 64. */
export function command<const T extends ArgsDef>(spec: CommandSpec<T>): CommandDef<T> {
  return defineCommand<T>({
    meta: { name: spec.name, description: spec.description },
    args: spec.args,
    setup: (context) => refuseUnknown(spec, context.args),
    run: spec.run,
  });
}

function refuseUnknown<T extends ArgsDef>(spec: CommandSpec<T>, given: { _: string[] } & object): void {
  const known = new Set(["_"]);
  let positionals = 0;
  for (const [name, arg] of Object.entries(spec.args as ArgsDef)) {
    known.add(name).add(name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()));
    if (arg.type === "positional") positionals++;
    else for (const alias of [("alias" in arg && arg.alias) || []].flat()) known.add(alias);
  }
  const help = `see voik ${spec.name} --help`;
  for (const name of Object.keys(given)) {
    if (!known.has(name))
      throw new CliError(EXIT.usage, `unknown option ${name.length > 1 ? "--" : "-"}${name}: ${help}`);
  }
  if (given._.length > positionals) {
    throw new CliError(EXIT.usage, `unexpected argument "${given._[positionals]}": ${help}`);
  }
}

/** A whole number from an option's text; undefined when it was not given. Throws CliError. */
export function countOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new CliError(EXIT.usage, `--${flag} takes a whole number, not "${text}"`);
  return Number(text);
}
