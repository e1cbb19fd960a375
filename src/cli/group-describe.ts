/** `voik group describe NAME`: how far a consumer group has read each shard, how far behind it is, and who reads it. */
import { BrokerClient, brokerArg } from "./broker-client.ts";
import { command } from "./command.ts";
import { describeGroup } from "./group-client.ts";

export default command({
  name: "group describe",
  description: "Show a consumer group's members, offsets and lag",
  args: {
    name: { type: "positional", required: true, description: "Name of the group" },
    json: { type: "boolean", description: "Print JSON" },
    ...brokerArg,
  },
  async run({ args }) {
    const group = await BrokerClient.use(args.broker, (client) => describeGroup(client, args.name));
    if (args.json) return console.log(JSON.stringify(group));
    const { length } = group.members;
    console.log(`${group.name}  ${group.state}, ${length} ${length === 1 ? "member" : "members"}`);
    const wide = Math.max(6, ...group.shards.map(({ stream }) => stream.length));
    const line = (...[stream, shard, committed, end, lag, member]: (string | number | null)[]) =>
      [
        String(stream).padEnd(wide),
        String(shard).padStart(5),
        String(committed ?? "-").padStart(12),
        String(end).padStart(12),
        String(lag ?? "-").padStart(12),
        member ?? "-",
      ].join("  ");
    console.log(line("stream", "shard", "committed", "end", "lag", "member"));
    for (const { stream, shard, committed, end, lag, member } of group.shards) {
      console.log(line(stream, shard, committed, end, lag, member));
    }
  },
});
