/** `voik stream list`: one stream a line, its shard count behind a tab. */
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command } from "./command.ts";

export default command({
  name: "stream list",
  description: "List the streams and their shard counts",
  args: { ...brokerArg },
  async run({ args }) {
    const streams = await BrokerClient.use(args.broker, (client) => client.streams());
    for (const { name, shards } of streams) console.log(`${name}\t${shards.length}`);
  },
});
