/** `voik acl add`: allows, or denies, a user some operations on a stream, a group, the broker. */
import { WILDCARD } from "../access/acl.ts";
import { AccessClient } from "./access-client.ts";
import { aclArgs, lineOf, readAclArgs } from "./acl-args.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";

export default command({
  name: "acl add",
  description: "Allow or deny a user something",
  args: aclArgs,
  async run({ args }) {
    const { principal, operations, resourceType, resourceName, prefixed, host, deny } = readAclArgs(args);
    if (!principal || !operations || !resourceType || resourceName === undefined)
      throw new CliError(EXIT.usage, "give --principal, --operation, and what it is about, such as --topic");
    const entries = operations.map((operation) => ({
      resourceType,
      resourceName,
      patternType: prefixed ? ("prefixed" as const) : ("literal" as const),
      principal,
      host: host ?? WILDCARD,
      operation,
      permission: deny ? ("deny" as const) : ("allow" as const),
    }));
    await AccessClient.use(args, (client) => client.ask("add-acls", { entries }));
    for (const entry of entries) console.log(lineOf(entry));
  },
});
