/** `voik user password NAME`: sets a new password; who is logged in already stays so. */
import { AccessClient, dataDirArg } from "./access-client.ts";
import { command } from "./command.ts";
import { readNewPassword } from "./password.ts";

export default command({
  name: "user password",
  description: "Set a user's password: prompt, standard input or VOIK_PASSWORD",
  args: { name: { type: "positional", required: true, description: "Name of the user" }, ...dataDirArg },
  async run({ args }) {
    const password = await readNewPassword(args.name);
    await AccessClient.use(args, (client) => client.ask("set-password", { name: args.name, password }));
    console.log(`changed the password of ${args.name}`);
  },
});
