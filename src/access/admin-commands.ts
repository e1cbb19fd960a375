/**
 * What an administrator can ask, as plain JSON in and out: the control socket answers it, and the command line asks
 * it there or, without a running broker, right here on the opened data folder. One line of the table a command.
 */
import { z } from "zod";
import { VoikError } from "../base/errors.ts";
import type { Access, AccessKey, User } from "./access.ts";
import { ACL_OPERATIONS, type AclEntry, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES } from "./acl.ts";

const name = z.string();
const named = z.object({ name });
const entry = z.object({
  resourceType: z.enum(RESOURCE_TYPES),
  resourceName: z.string(),
  patternType: z.enum(PATTERN_TYPES),
  principal: z.string(),
  host: z.string(),
  operation: z.enum(ACL_OPERATIONS),
  permission: z.enum(PERMISSIONS),
});
const filter = entry.extend({ patternType: z.enum([...PATTERN_TYPES, "match"]) }).partial();

interface Command<In, Out> {
  input: z.ZodType<In>;
  run(access: Access, input: In): Out | Promise<Out>;
}

function command<In, Out>(input: z.ZodType<In>, run: Command<In, Out>["run"]): Command<In, Out> {
  return { input, run };
}

/** THE table. */
const COMMANDS = {
  "create-user": command(
    z.object({ name, password: z.string().optional() }),
    ({ users }, { name, password }) => users.create(name, password),
  ),
  "list-users": command(z.object({}), ({ users }): User[] => users.list()),
  "delete-user": command(named, ({ users }, { name }) => users.delete(name)),
  "set-password": command(z.object({ name, password: z.string() }), ({ users }, { name, password }) =>
    users.setPassword(name, password),
  ),
  "create-access-key": command(named, ({ users }, { name }): AccessKey => users.createAccessKey(name)),
  "delete-access-key": command(z.object({ id: z.string() }), ({ users }, { id }) =>
    users.deleteAccessKey(id),
  ),
  "add-acls": command(z.object({ entries: z.array(entry) }), ({ acls }, { entries }) => acls.add(entries)),
  "list-acls": command(z.object({ filter }), ({ acls }, { filter }): AclEntry[] => acls.list(filter)),
  "delete-acls": command(z.object({ filter }), ({ acls }, { filter }): AclEntry[] => acls.delete(filter)),
};

export type AdminCommand = keyof typeof COMMANDS;
export type AdminInput<C extends AdminCommand> = z.infer<(typeof COMMANDS)[C]["input"]>;
export type AdminOutput<C extends AdminCommand> = Awaited<ReturnType<(typeof COMMANDS)[C]["run"]>>;

/** Runs one command. Throws VoikError, unsupported for a command that is none. */
export async function runAdminCommand(access: Access, name: string, input: unknown): Promise<unknown> {
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new VoikError(
      "unsupported",
      `there is no command ${name}: is the running voik of the same version?`,
    );
  }
  const { input: shape, run } = COMMANDS[name as AdminCommand] as Command<unknown, unknown>;
  const read = shape.safeParse(input);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new VoikError("argument_invalid", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  return run(access, read.data);
}
