/** `voik stream delete NAME`: removes a stream and its records; done when it stays deleted after a crash. */
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command } from "./command.ts";

export default command({
  name: "stream delete",
  description: "Delete a stream and its records",
  args: {
    name: { type: "positional", required: true, description: "Name of the stream" },
    ...brokerArg,
  },
  async run({ args }) {
    await BrokerClient.use(args.broker, (client) => client.delete(args.name));
    console.log(`deleted ${args.name}`);
  },
});
