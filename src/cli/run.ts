/** The command tree: finds the command, prints help, and turns every failure into one line and an exit code. */
import { type CommandDef, defineCommand, renderUsage, runCommand } from "citty";
import { VERSION } from "../base/version.ts";
import { CliError, EXIT, exitCodeOf, messageOf } from "./exit.ts";

type Subcommands = Record<string, () => Promise<CommandDef>>;

// A null prototype, so that `voik constructor` is no command.
const table = (commands: Subcommands): Subcommands => Object.assign(Object.create(null), commands);

const pick = (module: { default: unknown }): CommandDef => module.default as CommandDef;

const stream = defineCommand({
  meta: { name: "stream", description: "Create, list, describe and delete streams" },
  subCommands: table({
    create: () => import("./stream-create.ts").then(pick),
    list: () => import("./stream-list.ts").then(pick),
    describe: () => import("./stream-describe.ts").then(pick),
    delete: () => import("./stream-delete.ts").then(pick),
  }),
});

const log = defineCommand({
  meta: { name: "log", description: "Look at and repair logs on the disk, without a server" },
  subCommands: table({
    dump: () => import("./log-dump.ts").then(pick),
    verify: () => import("./log-verify.ts").then(pick),
    repair: () => import("./log-repair.ts").then(pick),
    stats: () => import("./log-stats.ts").then(pick),
  }),
});

const group = defineCommand({
  meta: { name: "group", description: "List, describe, reset and delete consumer groups" },
  subCommands: table({
    list: () => import("./group-list.ts").then(pick),
    describe: () => import("./group-describe.ts").then(pick),
    reset: () => import("./group-reset.ts").then(pick),
    delete: () => import("./group-delete.ts").then(pick),
  }),
});

const user = defineCommand({
  meta: { name: "user", description: "Create, list and delete users, their passwords and access keys" },
  subCommands: table({
    create: () => import("./user-create.ts").then(pick),
    list: () => import("./user-list.ts").then(pick),
    delete: () => import("./user-delete.ts").then(pick),
    password: () => import("./user-password.ts").then(pick),
    "access-key": () => import("./user-access-key.ts").then(pick),
  }),
});

const acl = defineCommand({
  meta: { name: "acl", description: "Say who may do what: add, list and remove ACL entries" },
  subCommands: table({
    add: () => import("./acl-add.ts").then(pick),
    list: () => import("./acl-list.ts").then(pick),
    remove: () => import("./acl-remove.ts").then(pick),
  }),
});

const root = defineCommand({
  meta: { name: "voik", version: VERSION, description: "Durable streams for Kinesis and Kafka clients" },
  subCommands: table({
    serve: () => import("./serve.ts").then(pick),
    stream: async () => stream as CommandDef,
    group: async () => group as CommandDef,
    user: async () => user as CommandDef,
    acl: async () => acl as CommandDef,
    produce: () => import("./produce.ts").then(pick),
    consume: () => import("./consume.ts").then(pick),
    log: async () => log as CommandDef,
    health: () => import("./health.ts").then(pick),
    version: () => import("./version.ts").then(pick),
  }),
});

/** Runs the command that `argv` (without the program's own name) asks for; returns the exit code, never throws. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const found = await find(argv);
    const options = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined);
    if (options.includes("--help") || options.includes("-h")) {
      await printUsage(found);
      return EXIT.ok;
    }
    if (argv[0] === "--version" || argv[0] === "-v") {
      console.log(VERSION);
      return EXIT.ok;
    }
    if (found.command.subCommands) throw new CliError(EXIT.usage, missing(found));
    await runCommand(found.command, { rawArgs: [...found.rest] });
    return EXIT.ok;
  } catch (error) {
    const message = messageOf(error);
    if (message !== "") process.stderr.write(`voik: ${message}\n`);
    return exitCodeOf(error);
  }
}

interface Found {
  path: string[];
  command: CommandDef;
  parent: CommandDef | undefined;
  rest: readonly string[];
}

async function find(argv: readonly string[]): Promise<Found> {
  let found: Found = { path: ["voik"], command: root as CommandDef, parent: undefined, rest: argv };
  for (;;) {
    const [name, ...rest] = found.rest;
    const load =
      name === undefined ? undefined : (found.command.subCommands as Subcommands | undefined)?.[name];
    if (!load || name === undefined) return found;
    found = { path: [...found.path, name], command: await load(), parent: found.command, rest };
  }
}

function missing({ path, command, rest }: Found): string {
  const names = Object.keys(command.subCommands as Subcommands).join(", ");
  const problem =
    rest[0] === undefined
      ? "a command is missing"
      : `there is no command "${[...path.slice(1), rest[0]].join(" ")}"`;
  return `${problem}: give one of ${names} (${path.join(" ")} --help says more)`;
}

async function printUsage({ command, path }: Found): Promise<void> {
  const meta = command.meta as { description?: string };
  const usage = await renderUsage({
    ...command,
    meta: { ...meta, name: path.join(" "), version: VERSION },
  } as CommandDef);
  console.log(process.stdout.isTTY ? usage : Bun.stripANSI(usage));
}
