/** `voik group reset NAME STREAM --to …`: where a consumer group goes on reading; nobody may be in it meanwhile. */
import { BrokerClient, brokerArg, EARLIEST, LATEST } from "./broker-client.ts";
import { command, countOf } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { commitOffsets } from "./group-client.ts";
import { parseMomentMs } from "./moment.ts";

export default command({
  name: "group reset",
  description: "Set where a consumer group goes on reading a stream",
  args: {
    name: { type: "positional", required: true, description: "Name of the group" },
    stream: { type: "positional", required: true, description: "Name of the stream" },
    to: {
      type: "string",
      required: true,
      valueHint: "earliest|latest|offset|time",
      description: "earliest, latest, an offset, a time (2026-11-23T08:00:00Z) or how long ago (15m)",
    },
    shard: { type: "string", valueHint: "n", description: "Only this shard" },
    ...brokerArg,
  },
  async run({ args }) {
    const only = countOf(args.shard, "shard");
    const target = targetOf(args.to);
    const offsets = await BrokerClient.use(args.broker, async (client) => {
      const { shards } = await client.stream(args.stream);
      if (only !== undefined && !shards.includes(only)) {
        throw new CliError(EXIT.failed, `${args.stream} has no shard ${only}`);
      }
      const chosen = only === undefined ? shards : [only];
      const wanted = await offsetsAt(client, args.stream, chosen, target);
      await commitOffsets(client, args.name, args.stream, wanted);
      return wanted;
    });
    for (const [shard, offset] of offsets) console.log(`${args.stream} shard ${shard}: ${offset}`);
  },
});

type Target = { offset: number } | { timestamp: number };

function targetOf(text: string): Target {
  if (text === "earliest") return { timestamp: EARLIEST };
  if (text === "latest") return { timestamp: LATEST };
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const timestamp = parseMomentMs(text);
  if (timestamp === undefined) {
    throw new CliError(
      EXIT.usage,
      `--to takes earliest, latest, an offset, a time or how long ago, not "${text}"`,
    );
  }
  return { timestamp };
}

/** For each shard the offset that `target` is there: kept within what the shard holds; its end where nothing is that new. */
async function offsetsAt(
  client: BrokerClient,
  stream: string,
  shards: readonly number[],
  target: Target,
): Promise<Map<number, number>> {
  const ends = await client.offsets(stream, shards, LATEST);
  const starts = await client.offsets(stream, shards, EARLIEST);
  const found = "timestamp" in target ? await client.offsets(stream, shards, target.timestamp) : undefined;
  return new Map(
    shards.map((shard) => {
      const [start = 0, end = 0] = [starts.get(shard), ends.get(shard)];
      const offset = "offset" in target ? target.offset : (found?.get(shard) ?? -1);
      return [shard, offset < 0 ? end : Math.min(Math.max(offset, start), end)];
    }),
  );
}
