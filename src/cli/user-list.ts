/** `voik user list`: one user a line, what it can log in with behind a tab; secrets are not shown. */
import { AccessClient, dataDirArg } from "./access-client.ts";
import { command } from "./command.ts";

export default command({
  name: "user list",
  description: "List the users",
  args: { json: { type: "boolean", description: "Print JSON" }, ...dataDirArg },
  async run({ args }) {
    const users = await AccessClient.use(args, (client) => client.ask("list-users", {}));
    if (args.json === true) return console.log(JSON.stringify(users));
    for (const { name, mechanisms, accessKeyIds } of users)
      console.log(`${name}\t${[...mechanisms, ...accessKeyIds].join(" ")}`);
  },
});
