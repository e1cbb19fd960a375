/** `voik user delete NAME`: forgets a user with password and access keys; ACL entries about it stay. */
import { AccessClient, dataDirArg } from "./access-client.ts";
import { command } from "./command.ts";

export default command({
  name: "user delete",
  description: "Delete a user; ACL entries stay",
  args: { name: { type: "positional", required: true, description: "Name of the user" }, ...dataDirArg },
  async run({ args }) {
    await AccessClient.use(args, (client) => client.ask("delete-user", { name: args.name }));
    console.log(`deleted ${args.name}`);
  },
});
