/**
 * Applications of the shape of the Kinesis Client Library, without AWS: workers that share leases, by GetRecords and by
 * SubscribeToShard, on a stream that is split, merged and scaled meanwhile; one of them dies in the middle. What the
 * library checks of sequence numbers, ends of shards and hash ranges is checked of every answer.
 */
import { afterEach, describe, expect, test } from "bun:test";
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
} from "@aws-sdk/client-kinesis";
import { checkEndOfShard, checkNoHole, checkSequenceNumber } from "../helpers/kcl/checks.ts";
import { fanOut, type Fetcher, polling } from "../helpers/kcl/fetchers.ts";
import { LeaseTable, SHARD_END } from "../helpers/kcl/lease-table.ts";
import { KclWorker } from "../helpers/kcl/worker.ts";
import { createStream } from "../helpers/kinesis-records.ts";
import { Lineage, lineageWriter } from "../helpers/lineage.ts";
import { TimerClock } from "../helpers/timer-clock.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const STREAM = "kcl";
const APPLICATION = "application";
const FAILOVER_MS = 200;
const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start() {
  const clock = new TimerClock();
  const harness = await KinesisHarness.start({ clock });
  const client = new KinesisClient({
    endpoint: harness.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  closers.push(async () => {
    client.destroy();
    await harness.stop();
  });
  await createStream(client, STREAM, 3);
  const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${STREAM}`;
  const { Consumer } = await client.send(
    new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: APPLICATION }),
  );
  return { clock, client, consumer: Consumer?.ConsumerARN ?? "" };
}

type Setup = Awaited<ReturnType<typeof start>>;

const FETCHERS: [string, (setup: Setup) => Fetcher][] = [
  ["GetRecords", ({ client }) => polling(client, STREAM, 20)],
  ["SubscribeToShard", ({ client, consumer }) => fanOut(client, consumer)],
];

test.each(FETCHERS)(
  "two workers share the shards by %s; one dies, and the other goes on at its checkpoints",
  async (_name, fetcherOf) => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const setup = await start();
    const { client, clock } = setup;
    const lineage = new Lineage();
    const table = new LeaseTable(FAILOVER_MS);
    const worker = (name: string) =>
      new KclWorker({
        name,
        table,
        fetch: fetcherOf(setup),
        process: (records, shardId) => lineage.see(APPLICATION, records, shardId),
      });
    const shards = async (Type: "AT_LATEST" | "AT_TRIM_HORIZON" = "AT_LATEST") => {
      const command = new ListShardsCommand({ StreamName: STREAM, ShardFilter: { Type } });
      const { Shards = [] } = await client.send(command);
      checkNoHole(Shards.map((shard) => shard.HashKeyRange));
      return Shards;
    };
    table.addRoots(await shards("AT_TRIM_HORIZON"));
    const first = worker("first");
    const second = worker("second");
    const load = { lineage, stream: STREAM, stopped: false };
    const running = [first.run(), lineageWriter(load, client, "w", SEED)];
    const acked = async (more: number) => {
      const goal = lineage.ackedCount + more;
      while (lineage.ackedCount < goal && lineage.breaches.length === 0) await Bun.sleep(5);
    };

    await acked(200);
    const { ShardId: ShardToSplit } = (await shards())[0] ?? {};
    const NewStartingHashKey = String(2n ** 120n);
    await client.send(new SplitShardCommand({ StreamName: STREAM, ShardToSplit, NewStartingHashKey }));
    await acked(200);
    running.push(second.run());
    first.die();
    // After that long the dead worker's subscriptions may be taken over.
    clock.pass(5_000);
    await acked(200);
    const scaling = { TargetShardCount: 8, ScalingType: "UNIFORM_SCALING" } as const;
    await client.send(new UpdateShardCountCommand({ StreamName: STREAM, ...scaling }));
    await acked(200);
    const byStart = (await shards()).sort((a, b) =>
      BigInt(a.HashKeyRange?.StartingHashKey ?? 0) < BigInt(b.HashKeyRange?.StartingHashKey ?? 0) ? -1 : 1,
    );
    const pair = { ShardToMerge: byStart[0]?.ShardId, AdjacentShardToMerge: byStart[1]?.ShardId };
    await client.send(new MergeShardsCommand({ StreamName: STREAM, ...pair }));
    await acked(200);
    load.stopped = true;

    const open = (await shards()).map((shard) => shard.ShardId ?? "").sort();
    const working = () => table.all.filter(({ checkpoint }) => checkpoint !== SHARD_END);
    const caughtUp = async () => {
      while (lineage.givenCount(APPLICATION) < lineage.ackedCount || working().length !== open.length)
        await Bun.sleep(5);
    };
    await Promise.race([caughtUp(), running[2]]);
    second.stop();
    await Promise.all(running);
    expect(lineage.check([APPLICATION]).slice(0, 20)).toEqual([]);
    expect(
      working()
        .map(({ shardId }) => shardId)
        .sort(),
    ).toEqual(open);
  },
  30_000,
);

describe("the library's checks object to", () => {
  const shard = "shardId-000000000006";
  const number = "49590338271490256608559692538361571095921575989136588898"; // from AWS's documentation, shard 6
  const child = { ShardId: shard, ParentShards: ["shardId-000000000001"], HashKeyRange: undefined };

  test("numbers of another shard, version or size", () => {
    checkSequenceNumber(number, shard);
    expect(() => checkSequenceNumber(number, "shardId-000000000007")).toThrow("is of shardId-000000000006");
    expect(() => checkSequenceNumber(String(BigInt(number) / 2n), shard)).toThrow("185 bits");
    expect(() => checkSequenceNumber(String(BigInt(number) + 2n ** 184n), shard)).toThrow("version 3");
  });

  test("an end without children, children without an end, children without parents", () => {
    checkEndOfShard("next", undefined);
    checkEndOfShard(undefined, [child]);
    expect(() => checkEndOfShard(undefined, [])).toThrow("next is undefined");
    expect(() => checkEndOfShard("next", [child])).toThrow("next is next");
    expect(() => checkEndOfShard(undefined, [{ ...child, ParentShards: [] }])).toThrow("names no parents");
  });

  test("hash keys that no shard holds, or two", () => {
    const range = (start: bigint, end: bigint) => ({ StartingHashKey: `${start}`, EndingHashKey: `${end}` });
    const end = 2n ** 128n - 1n;
    checkNoHole([range(5n, end), range(0n, 4n)]);
    expect(() => checkNoHole([range(0n, 4n), range(6n, end)])).toThrow("a hole");
    expect(() => checkNoHole([range(0n, 4n), range(4n, end)])).toThrow("held twice");
    expect(() => checkNoHole([range(0n, 4n)])).toThrow("from 5 on");
  });
});
