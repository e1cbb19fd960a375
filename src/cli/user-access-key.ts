/** `voik user access-key NAME`: one more access key pair, or the end of one, so that keys can be changed in turn. */
import { AccessClient, dataDirArg } from "./access-client.ts";
import { command } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { printAccessKey } from "./user-create.ts";

export default command({
  name: "user access-key",
  description: "Make one more access key pair of a user and print it, once; or delete one",
  args: {
    name: { type: "positional", required: true, description: "Name of the user" },
    delete: { type: "string", valueHint: "id", description: "Delete this access key instead" },
    ...dataDirArg,
  },
  async run({ args: { name, delete: id, ...args } }) {
    await AccessClient.use(args, async (client) => {
      if (id === undefined) return printAccessKey(await client.ask("create-access-key", { name }));
      const user = (await client.ask("list-users", {})).find((candidate) => candidate.name === name);
      if (!user?.accessKeyIds.includes(id))
        throw new CliError(EXIT.failed, `user ${name} has no access key ${id}`);
      await client.ask("delete-access-key", { id });
      console.log(`deleted ${id}`);
    });
  },
});
