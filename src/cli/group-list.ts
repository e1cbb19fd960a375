/** `voik group list`: one consumer group a line, its state behind a tab. */
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command } from "./command.ts";
import { listGroups } from "./group-client.ts";

export default command({
  name: "group list",
  description: "List the consumer groups and their states",
  args: { ...brokerArg },
  async run({ args }) {
    for (const { name, state } of await BrokerClient.use(args.broker, listGroups)) {
      console.log(`${name}\t${state}`);
    }
  },
});
