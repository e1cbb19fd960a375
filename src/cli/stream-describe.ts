/** `voik stream describe NAME`: its settings, and its shards with the offsets that can be read, as a table or JSON. */
import { formatDurationMs } from "../base/units.ts";
import { BrokerClient, brokerArg, EARLIEST, LATEST } from "./broker-client.ts";
import { command } from "./command.ts";

export default command({
  name: "stream describe",
  description: "Show a stream's shards and how many records they hold",
  args: {
    name: { type: "positional", required: true, description: "Name of the stream" },
    json: { type: "boolean", description: "Print JSON" },
    ...brokerArg,
  },
  async run({ args }) {
    const described = await BrokerClient.use(args.broker, async (client) => {
      const { name, id, shards } = await client.stream(args.name);
      const starts = await client.offsets(name, shards, EARLIEST);
      const ends = await client.offsets(name, shards, LATEST);
      const rows = shards.map((shard) => ({
        shard,
        start: starts.get(shard) ?? 0,
        end: ends.get(shard) ?? 0,
      }));
      return { name, id, ...(await client.settings(name)), shards: rows };
    });
    if (args.json) return console.log(JSON.stringify(described));
    const { name, id, durability, retentionMs } = described;
    console.log(
      `${name}  id ${id}  durability ${durability}  retention ${retentionMs < 0 ? "for ever" : formatDurationMs(retentionMs)}`,
    );
    console.log("shard  start offset  end offset  records");
    for (const { shard, start, end } of described.shards) {
      const cells = [
        String(shard).padStart(5),
        String(start).padStart(12),
        String(end).padStart(10),
        end - start,
      ];
      console.log(cells.join("  "));
    }
  },
});
