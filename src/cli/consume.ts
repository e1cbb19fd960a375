/**
 * `voik consume STREAM`: writes records to standard output, one a line, in order within each shard. Without --follow
 * it ends where the stream ended when it started; with it, it waits for more until it is interrupted.
 */
import { parseDurationMs } from "../base/units.ts";
import { RecordReader } from "../log/record.ts";
import { BATCH_HEADER_BYTES, batchBytesOf, nextOffsetOf } from "../log/record-batch.ts";
import { BrokerClient, brokerArg, EARLIEST, LATEST, type StreamSummary } from "./broker-client.ts";
import { command, countOf } from "./command.ts";
import { CliError, EXIT } from "./exit.ts";
import { Output } from "./output.ts";
import { FORMATS, type Format, formatRecord } from "./record-format.ts";

const WAIT_MS = 1_000;

export default command({
  name: "consume",
  description: "Read records from a stream",
  args: {
    stream: { type: "positional", required: true, description: "Name of the stream" },
    from: {
      type: "string",
      default: "earliest",
      valueHint: "where",
      description: "earliest, latest, an offset, a time (2026-11-23T08:00:00Z) or how long ago (15m)",
    },
    follow: { type: "boolean", description: "Wait for more records" },
    format: {
      type: "enum",
      options: [...FORMATS],
      default: "value",
      description: "What to write of a record",
    },
    shard: { type: "string", valueHint: "n", description: "Read this shard only" },
    count: { type: "string", valueHint: "n", description: "End after this many records" },
    ...brokerArg,
  },
  async run({ args }) {
    const countMax = countOf(args.count, "count") ?? Infinity;
    const shard = countOf(args.shard, "shard");
    await BrokerClient.use(args.broker, async (client) => {
      const stream = await client.stream(args.stream);
      if (shard !== undefined && !stream.shards.includes(shard)) {
        throw new CliError(
          EXIT.failed,
          `${stream.name} has no shard ${shard}: it has ${stream.shards.join(", ")}`,
        );
      }
      const shards = shard === undefined ? stream.shards : [shard];
      const positions = await startOf(client, stream, shards, args.from);
      const ends = args.follow ? undefined : await client.offsets(stream.name, shards, LATEST);
      await new Consumer(client, stream, args.format as Format, countMax, positions, ends).run();
    });
  },
});

/** Shard to first offset, from the words of --from. */
async function startOf(
  client: BrokerClient,
  { name }: StreamSummary,
  shards: readonly number[],
  from: string,
): Promise<Map<number, number>> {
  if (from === "earliest") return client.offsets(name, shards, EARLIEST);
  if (from === "latest") return client.offsets(name, shards, LATEST);
  if (/^\d+$/.test(from)) {
    if (shards.length === 1) return new Map(shards.map((shard) => [shard, Number(from)]));
    throw new CliError(
      EXIT.usage,
      `an offset belongs to one shard, ${name} has ${shards.length}: give --shard as well`,
    );
  }
  const agoMs = parseDurationMs(from);
  const timeMs = agoMs === undefined ? Date.parse(from) : Date.now() - agoMs;
  if (Number.isNaN(timeMs)) {
    throw new CliError(
      EXIT.usage,
      `--from takes earliest, latest, an offset, a time or how long ago, not "${from}"`,
    );
  }
  const offsets = await client.offsets(name, shards, timeMs);
  const ends = await client.offsets(name, shards, LATEST);
  // Where nothing is that new, what comes next is.
  return new Map(
    [...offsets].map(([shard, offset]) => [shard, offset < 0 ? (ends.get(shard) ?? 0) : offset]),
  );
}

class Consumer {
  private readonly output = new Output();
  private count = 0;

  constructor(
    private readonly client: BrokerClient,
    private readonly stream: StreamSummary,
    private readonly format: Format,
    private readonly countMax: number,
    /** Shard to the offset to read next. */
    private readonly positions: Map<number, number>,
    /** Shard to the offset to stop at; undefined to follow. */
    private readonly ends: ReadonlyMap<number, number> | undefined,
  ) {}

  async run(): Promise<void> {
    while (!this.done) {
      const open = [...this.positions]
        .map(([shard, offset]) => ({ shard, offset }))
        .filter((at) => !this.isAtEnd(at.shard));
      if (open.length === 0) break;
      for (const { shard, batches } of await this.client.fetch(this.stream, open, WAIT_MS)) {
        for (let at = 0; at < batches.length && !this.done;) {
          if (batches.length - at < BATCH_HEADER_BYTES || batches.length - at < batchBytesOf(batches, at))
            break;
          const batch = batches.subarray(at, at + batchBytesOf(batches, at));
          at += batch.length;
          await this.writeBatch(shard, batch);
        }
      }
      await this.output.flush();
    }
    await this.output.flush();
  }

  private get done(): boolean {
    return this.count >= this.countMax || this.output.closed;
  }

  private isAtEnd(shard: number): boolean {
    return this.ends !== undefined && (this.positions.get(shard) ?? 0) >= (this.ends.get(shard) ?? 0);
  }

  private async writeBatch(shard: number, batch: Buffer): Promise<void> {
    const reader = new RecordReader(batch);
    const first = this.positions.get(shard) ?? 0;
    const end = this.ends?.get(shard) ?? Infinity;
    while (!this.done && reader.next()) {
      if (reader.offset < first || reader.offset >= end) continue;
      await this.output.write(formatRecord(this.format, shard, reader));
      this.count++;
    }
    this.positions.set(shard, nextOffsetOf(batch));
  }
}
