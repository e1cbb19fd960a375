/** `voik acl list`: the entries, one a line; with a stream or group, those that bear on it. */
import { AccessClient } from "./access-client.ts";
import { aclArgs, lineOf, readAclFilters } from "./acl-args.ts";
import { command } from "./command.ts";

export default command({
  name: "acl list",
  description: "List ACL entries; with --topic and the like, all that bear on it",
  args: { json: { type: "boolean", description: "Print JSON" }, ...aclArgs },
  async run({ args }) {
    const filters = readAclFilters(args, "match");
    const found = await AccessClient.use(args, (client) =>
      Promise.all(filters.map((filter) => client.ask("list-acls", { filter }))),
    );
    if (args.json === true) return console.log(JSON.stringify(found.flat()));
    for (const entry of found.flat()) console.log(lineOf(entry));
  },
});
