/** `voik user create NAME`: makes a user with a password, an access key pair, or both. */
import type { AccessKey } from "../access/access.ts";
import { AccessClient, dataDirArg } from "./access-client.ts";
import { command } from "./command.ts";
import { readNewPassword } from "./password.ts";

export default command({
  name: "user create",
  description: "Create a user",
  args: {
    name: { type: "positional", required: true, description: "Name of the new user" },
    "access-key": {
      type: "boolean",
      description:
        "Make an AWS access key pair and print it, once; no password unless --password is given too",
    },
    password: { type: "boolean", description: "Take a password: prompt, standard input or VOIK_PASSWORD" },
    ...dataDirArg,
  },
  async run({ args }) {
    const wantsKey = args["access-key"] === true;
    const password = wantsKey && args.password !== true ? undefined : await readNewPassword(args.name);
    await AccessClient.use(args, async (client) => {
      await client.ask("create-user", { name: args.name, password });
      if (wantsKey) printAccessKey(await client.ask("create-access-key", { name: args.name }));
      else console.log(`created ${args.name}`);
    });
  },
});

/** As the lines of ~/.aws/credentials, to be put there as they are. */
export function printAccessKey({ id, secret }: AccessKey): void {
  console.log(`aws_access_key_id = ${id}\naws_secret_access_key = ${secret}`);
}
