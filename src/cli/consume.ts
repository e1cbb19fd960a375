/**
 * `voik consume STREAM`: writes records to standard output, one a line, in order within each shard. Without --follow
 * it ends where the stream ended when it started; with it, it waits for more until it is interrupted. With it, and in a
 * group, it goes on when a broker that went away is back: behind the last record, or what the group has committed. Records
 * of transactions are shown once these are committed, unless --uncommitted asks for all.
 */
import { VoikError } from "../base/errors.ts";
import { intactBatchAt } from "../log/intact-batch.ts";
import { RecordReader } from "../log/record.ts";
import { BATCH_HEADER_BYTES, baseOffsetOf, batchBytesOf, nextOffsetOf } from "../log/record-batch.ts";
import {
  BrokerClient,
  brokerArg,
  EARLIEST,
  type FetchedShard,
  type Isolation,
  LATEST,
  READ_COMMITTED,
  READ_UNCOMMITTED,
  type StreamSummary,
} from "./broker-client.ts";
import { command, countOf } from "./command.ts";
import { CommittedFilter } from "./committed-filter.ts";
import { CliError, EXIT } from "./exit.ts";
import { GroupMember } from "./group-member.ts";
import { parseMomentMs } from "./moment.ts";
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
    group: {
      type: "string",
      valueHint: "name",
      description:
        "Read as a member of this consumer group, on from where it is, and commit what was written",
    },
    uncommitted: {
      type: "boolean",
      description: "Also records of transactions that are open or were aborted",
    },
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
      if (shard !== undefined && args.group !== undefined) {
        throw new CliError(EXIT.usage, "the group says which shards are read: leave out --shard or --group");
      }
      const shards = shard === undefined ? stream.shards : [shard];
      const isolation = args.uncommitted ? READ_UNCOMMITTED : READ_COMMITTED;
      const ends = args.follow ? undefined : await client.offsets(stream.name, shards, LATEST, isolation);
      const start = (of: readonly number[]) => startOf(client, stream, of, args.from, isolation);
      if (args.follow || args.group !== undefined) client.kafka.patienceMs = Infinity;
      const consumer = new Consumer(client, stream, args.format as Format, countMax, isolation, ends);
      if (args.group === undefined) await consumer.read(await start(shards));
      else await consumer.readAs(new GroupMember(client, args.group, stream), start);
    });
  },
});

/** Shard to first offset, from the words of --from. */
async function startOf(
  client: BrokerClient,
  { name }: StreamSummary,
  shards: readonly number[],
  from: string,
  isolation: Isolation,
): Promise<Map<number, number>> {
  if (from === "earliest") return client.offsets(name, shards, EARLIEST);
  if (from === "latest") return client.offsets(name, shards, LATEST, isolation);
  if (/^\d{1,15}$/.test(from)) {
    if (shards.length === 1) return new Map(shards.map((shard) => [shard, Number(from)]));
    throw new CliError(
      EXIT.usage,
      `an offset belongs to one shard, ${name} has ${shards.length}: give --shard as well`,
    );
  }
  const timeMs = parseMomentMs(from);
  if (timeMs === undefined) {
    throw new CliError(
      EXIT.usage,
      `--from takes earliest, latest, an offset, a time or how long ago, not "${from}"`,
    );
  }
  const offsets = await client.offsets(name, shards, timeMs);
  const ends = await client.offsets(name, shards, LATEST, isolation);
  // Where nothing is that new, what comes next is.
  return new Map(
    [...offsets].map(([shard, offset]) => [shard, offset < 0 ? (ends.get(shard) ?? 0) : offset]),
  );
}

class Consumer {
  private readonly output = new Output();
  private count = 0;
  /** Shard to the offset to read next. */
  private positions = new Map<number, number>();

  constructor(
    private readonly client: BrokerClient,
    private readonly stream: StreamSummary,
    private readonly format: Format,
    private readonly countMax: number,
    private readonly isolation: Isolation,
    /** Shard to the offset to stop at; undefined to follow. */
    private readonly ends: ReadonlyMap<number, number> | undefined,
  ) {}

  /** Reads shards from these offsets on. */
  async read(positions: Map<number, number>): Promise<void> {
    this.positions = positions;
    while (!this.done && (await this.round(WAIT_MS)));
    await this.output.flush();
  }

  /** Reads what the group gives to `member`; `start` says where, in shards that the group has not read yet. */
  async readAs(
    member: GroupMember,
    start: (shards: readonly number[]) => Promise<Map<number, number>>,
  ): Promise<void> {
    while (!this.done) {
      await member.beat();
      await this.take(member, start);
      const waitMs = Math.min(member.idleMs, WAIT_MS);
      const had = this.positions.size > 0;
      if (await this.round(waitMs)) await this.commitAs(member);
      else if (had) break;
      else await Bun.sleep(waitMs);
    }
    await member.leave();
  }

  /** Where the reader has gone, nobody knows how much of the last round it has read. */
  private async commitAs(member: GroupMember): Promise<void> {
    if (!this.output.closed) await member.commit(this.positions);
  }

  /** Goes on with the shards that `member` has, and with no others. */
  private async take(
    member: GroupMember,
    start: (shards: readonly number[]) => Promise<Map<number, number>>,
  ): Promise<void> {
    const { shards } = member;
    for (const shard of [...this.positions.keys()]) if (!shards.includes(shard)) this.positions.delete(shard);
    const added = shards.filter((shard) => !this.positions.has(shard));
    if (added.length === 0) return;
    const committed = await member.committed(added);
    const unread = added.filter((shard) => (committed.get(shard) ?? -1) < 0);
    const first = unread.length > 0 ? await start(unread) : new Map<number, number>();
    for (const shard of added) this.positions.set(shard, first.get(shard) ?? committed.get(shard) ?? 0);
  }

  /** One fetch, written out; false when every shard is at its end. */
  private async round(waitMs: number): Promise<boolean> {
    const open = [...this.positions]
      .map(([shard, offset]) => ({ shard, offset }))
      .filter((at) => !this.isAtEnd(at.shard));
    if (open.length === 0) return false;
    const { client, stream, isolation } = this;
    for (const fetched of await client.fetch(stream, open, waitMs, isolation)) await this.writeShard(fetched);
    await this.output.flush();
    return true;
  }

  private async writeShard({ shard, batches, aborted }: FetchedShard): Promise<void> {
    const filter = new CommittedFilter(aborted);
    for (let at = 0; at < batches.length && !this.done;) {
      if (batches.length - at < BATCH_HEADER_BYTES || batches.length - at < batchBytesOf(batches, at)) break;
      const position = this.positions.get(shard) ?? 0;
      // The checksum does not cover a base offset, but batches follow one another; the first may lie behind a gap.
      const batch = intactBatchAt(batches, at, at === 0 ? baseOffsetOf(batches) : position);
      if (!batch || nextOffsetOf(batch) <= position) throw await this.damage(shard, position);
      at += batch.length;
      if (filter.shows(batch)) await this.writeBatch(shard, batch);
      else this.positions.set(shard, nextOffsetOf(batch));
    }
  }

  /** What was read before it is written all the same. */
  private async damage(shard: number, position: number): Promise<VoikError> {
    await this.output.flush();
    return new VoikError(
      "storage_damaged",
      `records of shard ${shard} are damaged from offset ${position} on: ` +
        "go on behind them with --shard and --from (voik log verify names them all)",
    );
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
      this.positions.set(shard, reader.offset + 1);
    }
    if (!this.done) this.positions.set(shard, nextOffsetOf(batch));
  }
}
