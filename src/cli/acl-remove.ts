/** `voik acl remove`: takes away the entries that the options describe, and shows them. */
import { AccessClient } from "./access-client.ts";
import { aclArgs, lineOf, readAclFilters } from "./acl-args.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";

export default command({
  name: "acl remove",
  description: "Remove the ACL entries that the options describe",
  args: aclArgs,
  async run({ args }) {
    const filters = readAclFilters(args, "literal");
    const says = filters.some((filter) => Object.values(filter).some((value) => value !== undefined));
    if (!says) throw new CliError(EXIT.usage, "say which: --principal, --topic, …");
    const gone = await AccessClient.use(args, async (client) => {
      const removed = [];
      for (const filter of filters) removed.push(...(await client.ask("delete-acls", { filter })));
      return removed;
    });
    if (gone.length === 0)
      throw new CliError(EXIT.failed, "there is no such entry: voik acl list shows them");
    for (const entry of gone) console.log(lineOf(entry));
  },
});
