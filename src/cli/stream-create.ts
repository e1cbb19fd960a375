/** `voik stream create NAME`: makes a stream; done when it is durable. */
import { parseDurationMs } from "../base/units.ts";
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command, countOf } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";

export default command({
  name: "stream create",
  description: "Create a stream",
  args: {
    name: { type: "positional", required: true, description: "Name of the new stream" },
    shards: { type: "string", default: "1", valueHint: "n", description: "Shards (partitions for Kafka)" },
    retention: { type: "string", valueHint: "duration", description: "How long to keep records, such as 7d" },
    ...brokerArg,
  },
  async run({ args }) {
    const shardCount = countOf(args.shards, "shards") ?? 1;
    const retentionMs = args.retention === undefined ? undefined : parseDurationMs(args.retention);
    if (args.retention !== undefined && retentionMs === undefined) {
      throw new CliError(
        EXIT.usage,
        `--retention takes a duration such as 7d or 12h, not "${args.retention}"`,
      );
    }
    await BrokerClient.use(args.broker, (client) => client.create(args.name, shardCount, retentionMs));
    console.log(`created ${args.name} with ${shardCount} ${shardCount === 1 ? "shard" : "shards"}`);
  },
});
