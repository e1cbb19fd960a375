/** `voik group delete NAME`: forgets a consumer group that nobody is in, with its offsets. */
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command } from "./command.ts";
import { deleteGroup } from "./group-client.ts";

export default command({
  name: "group delete",
  description: "Forget a consumer group and its offsets",
  args: {
    name: { type: "positional", required: true, description: "Name of the group" },
    ...brokerArg,
  },
  async run({ args }) {
    await BrokerClient.use(args.broker, (client) => deleteGroup(client, args.name));
    console.log(`deleted ${args.name}`);
  },
});
