/** `voik stream create NAME`: makes a stream; done when it is durable. */
import { parseDurationMs } from "../base/units.ts";
import { DURABILITIES, type Durability } from "../log/log-factory.ts";
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
    durability: {
      type: "string",
      valueHint: DURABILITIES.join("|"),
      description: "Acknowledge records once they are on the disk (sync), or once they are written (os)",
    },
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
    const { durability } = args;
    if (durability !== undefined && !DURABILITIES.includes(durability as Durability)) {
      throw new CliError(EXIT.usage, `--durability takes ${DURABILITIES.join(" or ")}, not "${durability}"`);
    }
    const settings = {
      ...(retentionMs === undefined ? {} : { retentionMs }),
      ...(durability === undefined ? {} : { durability }),
    };
    await BrokerClient.use(args.broker, (client) => client.create(args.name, shardCount, settings));
    console.log(`created ${args.name} with ${shardCount} ${shardCount === 1 ? "shard" : "shards"}`);
  },
});
