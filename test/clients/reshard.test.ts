/**
 * Resharding under load, on the executable: three writers of PutRecords and three readers that follow ChildShards as the
 * Kinesis Client Library does (GetRecords, GetRecords in small pages, SubscribeToShard), while shards are split, merged
 * and scaled; then the same with kill -9 at random moments. Every reader is given every acked record once, each key in
 * order across all shards that held it.
 *
 * VOIK_RESHARD_KILLS and VOIK_SEED change count and seed.
 */
import { expect, test } from "bun:test";
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  RegisterStreamConsumerCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { checkNoHole } from "../helpers/kcl/checks.ts";
import { fanOut, type Fetcher, polling } from "../helpers/kcl/fetchers.ts";
import { LeaseTable, SHARD_END } from "../helpers/kcl/lease-table.ts";
import { KclWorker } from "../helpers/kcl/worker.ts";
import { createStream, readStream } from "../helpers/kinesis-records.ts";
import { Lineage, lineageWriter } from "../helpers/lineage.ts";
import { VoikProcess } from "../helpers/voik-process.ts";

const KILLS = Number(process.env.VOIK_RESHARD_KILLS ?? 20);
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const STREAM = "resharded";
const READERS = ["polling", "small-pages", "fan-out"] as const;
const SHARDS_MAX = 8;

const isOpen = (shard: Shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined;

/** One stream of one server, and everything that goes on with it over several lives of that server. */
class Scenario {
  readonly lineage = new Lineage();
  private readonly tables = new Map(READERS.map((reader) => [reader, new LeaseTable()]));
  private consumer = "";
  private lives = 0;
  private client!: KinesisClient;
  /** HTTP/2, one connection for each request, as AWS's client does it by itself. */
  private pushed!: KinesisClient;
  private load = { lineage: this.lineage, stream: STREAM, stopped: false };
  private workers: KclWorker[] = [];
  private running: Promise<unknown>[] = [];
  private writing: Promise<unknown>[] = [];

  constructor(private readonly voik: VoikProcess) {}

  /** Creates the stream, and leases for its first shards; all others come from ChildShards. */
  async prepare(): Promise<void> {
    this.connect();
    await createStream(this.client, STREAM, 4);
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${STREAM}`;
    const answer = await this.client.send(
      new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "fan-out" }),
    );
    this.consumer = answer.Consumer?.ConsumerARN ?? "";
    const shards = await this.shards();
    for (const table of this.tables.values()) table.addRoots(shards);
  }

  /** Starts writers and readers, which go on where they were. */
  begin(seed: number): void {
    this.connect();
    this.lives++;
    this.load = { lineage: this.lineage, stream: STREAM, stopped: false };
    const { client, load } = this;
    const fetchers: Record<(typeof READERS)[number], Fetcher> = {
      polling: polling(client, STREAM),
      "small-pages": polling(client, STREAM, 7),
      "fan-out": fanOut(this.pushed, this.consumer),
    };
    this.workers = READERS.map((name) => {
      const table = this.tables.get(name) as LeaseTable;
      table.release(`${name}-${this.lives - 1}`);
      return new KclWorker({
        name: `${name}-${this.lives}`,
        table,
        fetch: fetchers[name],
        process: (records, shardId) => this.lineage.see(name, records, shardId),
      });
    });
    this.writing = ["a", "b", "c"].map((writer, i) => lineageWriter(load, client, writer, seed + i));
    this.running = this.workers.map((worker) => worker.run());
  }

  /** kill -9, with writers and readers in the middle of whatever they do. */
  async kill(): Promise<void> {
    this.load.stopped = true;
    for (const worker of this.workers) worker.die();
    await this.voik.kill();
    await Promise.all([...this.writing, ...this.running]);
    this.disconnect();
  }

  /** Ends the writers, and the readers once they have everything that is there. */
  async finish(): Promise<void> {
    this.load.stopped = true;
    await Promise.all(this.writing);
    const { length } = await readStream(this.client, STREAM);
    const caughtUp = async () => {
      while (READERS.some((name) => this.lineage.givenCount(name) < length)) await Bun.sleep(10);
    };
    await Promise.race([caughtUp(), ...this.running]);
    for (const worker of this.workers) worker.stop();
    await Promise.all(this.running);
    // Behind what was read from the shards themselves, nothing more may have come.
    for (const name of READERS) expect([name, this.lineage.givenCount(name)]).toEqual([name, length]);
    this.disconnect();
  }

  /** Shards that every reader has found and finished. */
  finishedShards(): Map<string, number> {
    return new Map(
      [...this.tables].map(([name, table]) => [
        name,
        table.all.filter(({ checkpoint }) => checkpoint === SHARD_END).length,
      ]),
    );
  }

  /** All shards, after checking that the open ones hold every hash key once. */
  async shards(): Promise<Shard[]> {
    const { Shards = [] } = await this.client.send(new ListShardsCommand({ StreamName: STREAM }));
    checkNoHole(Shards.filter(isOpen).map((shard) => shard.HashKeyRange));
    return Shards;
  }

  connect(): void {
    const config = {
      endpoint: this.voik.addresses.kinesis,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1, // a retry would write twice, and rightly so
    };
    this.client = new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() });
    this.pushed = new KinesisClient(config);
  }

  disconnect(): void {
    this.client.destroy();
    this.pushed.destroy();
  }

  async split(shard: Shard): Promise<void> {
    const { StartingHashKey = 0, EndingHashKey = 0 } = shard.HashKeyRange ?? {};
    const NewStartingHashKey = String((BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n);
    const ShardToSplit = shard.ShardId;
    await this.client.send(new SplitShardCommand({ StreamName: STREAM, ShardToSplit, NewStartingHashKey }));
  }

  async merge(first: Shard, second: Shard): Promise<void> {
    const shards = { ShardToMerge: first.ShardId, AdjacentShardToMerge: second.ShardId };
    await this.client.send(new MergeShardsCommand({ StreamName: STREAM, ...shards }));
  }

  async scale(TargetShardCount: number): Promise<void> {
    const scaling = { TargetShardCount, ScalingType: "UNIFORM_SCALING" } as const;
    await this.client.send(new UpdateShardCountCommand({ StreamName: STREAM, ...scaling }));
  }

  async openShards(): Promise<Shard[]> {
    const key = (shard: Shard) => BigInt(shard.HashKeyRange?.StartingHashKey ?? 0);
    return (await this.shards()).filter(isOpen).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** Reshards at random until it fails, as it must when the server is killed. */
  async reshardForever(random: Random): Promise<never> {
    for (;;) {
      const open = await this.openShards();
      const place = random.uint32() % open.length;
      const [first, second] = open.slice(place, place + 2) as [Shard, Shard | undefined];
      const kind = random.uint32() % 3;
      if (kind === 0 && open.length < SHARDS_MAX) await this.split(first);
      else if (kind === 1 && second && open.length > 2) await this.merge(first, second);
      else {
        const least = Math.ceil(open.length / 2);
        const most = Math.min(open.length * 2, SHARDS_MAX);
        await this.scale(least + (random.uint32() % (most - least + 1)));
      }
      await Bun.sleep(random.uint32() % 60);
    }
  }
}

test("split, merge and scaling under load: nothing lost, nothing twice, keys in order", async () => {
  console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
  await using voik = await VoikProcess.start({ args: ["--segment-bytes", "256KiB"] });
  const scenario = new Scenario(voik);
  await scenario.prepare();
  scenario.begin(SEED);
  const acked = () => scenario.lineage.ackedCount;
  /** Lets the load go on until it has written something into the shards that are open now. */
  const someLoad = async () => {
    const goal = acked() + 200;
    while (acked() < goal && scenario.lineage.breaches.length === 0) await Bun.sleep(5);
  };
  const steps: [number, (open: Shard[]) => Promise<void>][] = [
    [5, (open) => scenario.split(open[0] as Shard)],
    [6, (open) => scenario.split(open[3] as Shard)],
    [5, (open) => scenario.merge(open[1] as Shard, open[2] as Shard)],
    [3, () => scenario.scale(3)],
    [2, () => scenario.scale(2)],
    [4, () => scenario.scale(4)],
    [8, () => scenario.scale(8)],
  ];
  for (const [count, step] of steps) {
    await someLoad();
    await step(await scenario.openShards());
    expect(await scenario.openShards()).toHaveLength(count);
  }
  await someLoad();
  await scenario.finish();
  expect(scenario.lineage.check(READERS).slice(0, 20)).toEqual([]);
  const closed = (await closedShards(scenario)).length;
  for (const [reader, finished] of scenario.finishedShards())
    expect([reader, finished]).toEqual([reader, closed]);
  console.log(`${acked()} records acked, ${closed} shards closed on the way`);
  await voik.stop();
}, 60_000);

test(
  `resharding under load with kill -9 at random moments (${KILLS} kills)`,
  async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const random = seededRandom(SEED);
    const args = ["--segment-bytes", "256KiB", "--shard-count-max", "20000"];
    await using voik = await VoikProcess.start({ args });
    const scenario = new Scenario(voik);
    await scenario.prepare();
    for (let kill = 0; kill < KILLS; kill++) {
      scenario.begin(random.uint32());
      const resharding = scenario.reshardForever(random).catch(() => {});
      await Bun.sleep(50 + (random.uint32() % 350)); // the load itself: the moment of the kill is what it is about
      await scenario.kill();
      await resharding;
      await voik.restart();
      scenario.connect();
      await scenario.shards();
      expect(scenario.lineage.breaches.slice(0, 20)).toEqual([]);
    }
    scenario.begin(random.uint32());
    await scenario.finish();
    expect(scenario.lineage.check(READERS).slice(0, 20)).toEqual([]);
    const { ackedCount, sentCount } = scenario.lineage;
    const closed = (await closedShards(scenario)).length;
    console.log(
      `${KILLS} kills, ${closed} shards closed: ${sentCount} records sent, ${ackedCount} acked, all there`,
    );
    expect(closed).toBeGreaterThan(KILLS / 2);
    await voik.stop();
  },
  60_000 + KILLS * 4_000,
);

async function closedShards(scenario: Scenario): Promise<Shard[]> {
  scenario.connect();
  return (await scenario.shards()).filter((shard) => !isOpen(shard));
}
