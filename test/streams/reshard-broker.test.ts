/** Resharding at the broker: writers at the same time, restarts, crashes at each step, and what retention takes. */
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { type ErrorCode, VoikError } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import type { LogFactory } from "../../src/log/log-factory.ts";
import type { ReshardRequest, Shard, Stream } from "../../src/streams/broker.ts";
import { Catalog } from "../../src/streams/catalog.ts";
import { GRACE_MS } from "../../src/streams/closed-shards.ts";
import { HASH_KEY_MAX, tilesHashKeys } from "../../src/streams/hash-range.ts";
import { openShardsOf } from "../../src/streams/reshard.ts";
import { sequenceNumber } from "../../src/streams/sequence-number.ts";
import { StreamBroker, type StreamBrokerOptions } from "../../src/streams/stream-broker.ts";
import { type MemoryBroker, memoryLogOf, openMemoryBroker } from "../helpers/memory-broker.ts";
import { ManualClock } from "../kinesis/kinesis-harness.ts";
import { appendRecords, hashKeyOf } from "../helpers/append-records.ts";

const SPLIT: ReshardRequest = { kind: "split", shard: 0, at: 2n ** 127n };
const opened: MemoryBroker[] = [];
afterEach(async () => {
  for (const memory of opened.splice(0)) await memory.close();
});

async function start(overrides: Partial<StreamBrokerOptions> = {}): Promise<MemoryBroker> {
  const memory = await openMemoryBroker(overrides);
  opened.push(memory);
  return memory;
}

function reopen(memory: MemoryBroker, overrides: Partial<StreamBrokerOptions> = {}): Promise<StreamBroker> {
  return StreamBroker.open({
    dataDir: memory.dataDir,
    fileSystem: disk,
    openLog: memory.logs.open,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    retentionMsDefault: 1000,
    shardCountMax: 1000,
    ...overrides,
  });
}

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  const error = await promise.then(
    () => new Error("did not fail"),
    (error: unknown) => error,
  );
  if (error instanceof VoikError) return error.code;
  throw error;
}

const openIndexes = (stream: Stream) => openShardsOf(stream.shards).map((shard) => shard.index);

function expectTiling(stream: Stream): void {
  expect(tilesHashKeys(openShardsOf(stream.shards).map((shard) => shard.range))).toBe(true);
}

const record = (partitionKey: string, data = partitionKey) => ({ partitionKey, data: Buffer.from(data) });

test("a split closes the parent, opens its children and survives a restart", async () => {
  const memory = await start();
  const { broker } = memory;
  const stream = await broker.createStream({ name: "s", shardCount: 1 });
  const parent = stream.shards[0] as Shard;
  await appendRecords(broker, stream, [record("a")]);
  let told = 0;
  stream.addShardsListener({ onShardsChanged: () => void told++ });
  await broker.reshard(stream, SPLIT);
  expect(told).toBe(1);
  expect(openIndexes(stream)).toEqual([1, 2]);
  expect(parent.closedAtMs).toBeGreaterThanOrEqual(parent.createdAtMs);
  const outcomes = await appendRecords(
    broker,
    stream,
    ["a", "b", "c", "d"].map((key) => record(key)),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if ("error" in outcome) throw outcome.error;
    const hash = hashKeyOf(["a", "b", "c", "d"][i] as string);
    expect(outcome.shard.index).toBe(hash < 2n ** 127n ? 1 : 2);
    expect(BigInt(sequenceNumber(outcome.shard, outcome.offset)) > BigInt(sequenceNumber(parent, 0))).toBe(
      true,
    );
  }
  expect(parent.log.endOffset).toBe(1);
  await broker.close();
  const again = await reopen(memory);
  const found = again.streamByName("s") as Stream;
  expect(openIndexes(found)).toEqual([1, 2]);
  expect(found.shards.map(({ parents, closedAtMs }) => [parents, closedAtMs])).toEqual(
    stream.shards.map(({ parents, closedAtMs }) => [parents, closedAtMs]),
  );
  await again.close();
});

test("under writers at the same time no record lands in a closed shard and none is lost", async () => {
  const { broker } = await start();
  const stream = await broker.createStream({ name: "s", shardCount: 4 });
  const ends = new Map<Shard, number>();
  // Called in the very step in which shards close.
  stream.addShardsListener({
    onShardsChanged() {
      for (const shard of stream.shards) {
        if (shard.closedAtMs !== undefined && !ends.has(shard)) ends.set(shard, shard.log.endOffset);
      }
    },
  });
  let writing = true;
  let written = 0;
  const writer = async (name: string) => {
    for (let i = 0; writing; i++) {
      const outcomes = await appendRecords(broker, stream, [record(`${name}${i}`), record(`${name}-${i}`)]);
      for (const outcome of outcomes) if ("error" in outcome) throw outcome.error;
      written += outcomes.length;
      // Memory logs answer in microtasks, which would leave the disk no turn.
      await new Promise<void>((resolve) => systemClock.defer(resolve));
    }
  };
  const writers = ["x", "y", "z"].map(writer);
  for (const shardCount of [8, 5, 3, 6, 1, 2]) {
    await broker.reshard(stream, { kind: "scale", shardCount });
    expectTiling(stream);
  }
  writing = false;
  await Promise.all(writers);
  for (const [shard, end] of ends) expect([shard.index, shard.log.endOffset]).toEqual([shard.index, end]);
  expect(ends.size).toBe(stream.shards.length - 2);
  expect(stream.shards.reduce((sum, shard) => sum + shard.log.durableEnd, 0)).toBe(written);
});

test("a second reshard is refused while the first is under way", async () => {
  const { broker } = await start();
  const stream = await broker.createStream({ name: "s", shardCount: 2 });
  const first = broker.reshard(stream, { kind: "scale", shardCount: 4 });
  expect(stream.resharding).toBe(true);
  expect(await codeOf(broker.reshard(stream, { kind: "merge", first: 0, second: 1 }))).toBe(
    "stream_not_ready",
  );
  await first;
  expect(stream.resharding).toBe(false);
  expect(openIndexes(stream)).toHaveLength(4);
});

test("shards of a reshard count against the limit of all streams", async () => {
  const { broker } = await start({ shardCountMax: 5 });
  const stream = await broker.createStream({ name: "s", shardCount: 2 });
  expect(await codeOf(broker.reshard(stream, { kind: "scale", shardCount: 4 }))).toBe("limit_exceeded");
  const merged = broker.reshard(stream, { kind: "merge", first: 0, second: 1 });
  expect(await codeOf(broker.createStream({ name: "t", shardCount: 3 }))).toBe("limit_exceeded");
  await broker.createStream({ name: "t", shardCount: 2 });
  await merged;
});

test("a reshard of a stream that is deleted meanwhile leaves nothing behind", async () => {
  const memory = await start();
  const { broker } = memory;
  const stream = await broker.createStream({ name: "s", shardCount: 1 });
  const resharded = codeOf(broker.reshard(stream, SPLIT));
  await broker.deleteStream("s");
  expect(await resharded).toBe("stream_not_found");
  expect(existsSync(join(memory.dataDir, "streams", stream.id))).toBe(false);
  expect(await codeOf(broker.reshard(stream, SPLIT))).toBe("stream_not_found");
});

test("a reshard that fails changes nothing, and the next one succeeds over what it left", async () => {
  const memory = await start();
  const { broker } = memory;
  const stream = await broker.createStream({ name: "s", shardCount: 1 });
  memory.logs.openError = { folder: /\/2$/, error: new VoikError("disk_full", "disk full") };
  expect(await codeOf(broker.reshard(stream, SPLIT))).toBe("disk_full");
  expect(openIndexes(stream)).toEqual([0]);
  await appendRecords(broker, stream, [record("still written")]);
  await broker.reshard(stream, SPLIT);
  expect(openIndexes(stream)).toEqual([1, 2]);
});

test("a folder with records that the catalog does not know is never taken for a new shard", async () => {
  const memory = await start();
  const { broker } = memory;
  const stream = await broker.createStream({ name: "s", shardCount: 1 });
  const folder = join(memory.dataDir, "streams", stream.id, "1");
  const log = await memory.logs.open(folder, { retentionMs: 1 });
  const builder = new BatchBuilder(200);
  builder.add(Buffer.from("k"), Buffer.from("v"), 1);
  log.append(builder.build());
  expect(await codeOf(broker.reshard(stream, SPLIT))).toBe("storage_damaged");
  expect(openIndexes(stream)).toEqual([0]);
  expect(log.endOffset).toBe(1);
});

test.each([1, 2, 3])(
  "a crash at log %i of a scaling leaves the old shards, and it can be done again",
  async (at) => {
    const memory = await start();
    const stream = await memory.broker.createStream({ name: "s", shardCount: 2 });
    await appendRecords(memory.broker, stream, [record("kept")]);
    await memory.broker.close();
    let calls = 0;
    const openLog: LogFactory = (folder, overrides) => {
      // The two of the start, then those of the reshard; the last ones hang for ever, as a killed process does.
      if (++calls >= 2 + at) return new Promise(() => {});
      return memory.logs.open(folder, overrides);
    };
    const crashed = await reopen(memory, { openLog });
    void crashed.reshard(crashed.streamByName("s") as Stream, { kind: "scale", shardCount: 4 });
    while (calls < 2 + at) await Promise.resolve();
    const again = await reopen(memory);
    const found = again.streamByName("s") as Stream;
    expect(openIndexes(found)).toEqual([0, 1]);
    expect(found.shards).toHaveLength(2);
    await again.reshard(found, { kind: "scale", shardCount: 4 });
    expect(openIndexes(found)).toEqual([2, 3, 4, 5]);
    await again.close();
  },
);

test("a crash right behind the catalog's change leaves the new shards", async () => {
  const memory = await start();
  const stream = await memory.broker.createStream({ name: "s", shardCount: 1 });
  await memory.broker.close();
  const before = Catalog.prototype.reshard;
  const crashed = await reopen(memory);
  const died = Promise.withResolvers<void>();
  Catalog.prototype.reshard = function (id, plan) {
    before.call(this, id, plan);
    died.resolve();
    throw new Error("killed here");
  };
  try {
    void crashed.reshard(crashed.streamByName("s") as Stream, SPLIT).catch(() => {});
    await died.promise;
  } finally {
    Catalog.prototype.reshard = before;
  }
  const again = await reopen(memory);
  const found = again.streamByName("s") as Stream;
  expect(found.id).toBe(stream.id);
  expect(openIndexes(found)).toEqual([1, 2]);
  expectTiling(found);
  await appendRecords(again, found, [{ ...record("k"), explicitHashKey: HASH_KEY_MAX }]);
  expect(found.shards[2]?.log.durableEnd).toBe(1);
  await again.close();
});

test("closed shards go an hour after retention has passed them, and a jump of the clock takes none at once", async () => {
  const clock = new ManualClock();
  let monotonicMs = 0;
  clock.monotonicMs = () => monotonicMs;
  const memory = await start({ clock, retentionMsDefault: 10_000 });
  const { broker } = memory;
  const stream = await broker.createStream({ name: "s", shardCount: 1 });
  await broker.reshard(stream, SPLIT);
  const parent = stream.shards[0] as Shard;
  const shardsAfterSweep = async () => {
    await broker.sweep();
    return stream.shards.map((shard) => shard.index);
  };
  expect(await shardsAfterSweep()).toEqual([0, 1, 2]);
  clock.timeMs += 365 * 86_400_000;
  expect(await shardsAfterSweep()).toEqual([0, 1, 2]);
  clock.timeMs -= 365 * 86_400_000;
  monotonicMs += GRACE_MS;
  expect(await shardsAfterSweep()).toEqual([0, 1, 2]);
  clock.timeMs += 20_000;
  expect(await shardsAfterSweep()).toEqual([0, 1, 2]);
  monotonicMs += GRACE_MS;
  expect(await shardsAfterSweep()).toEqual([1, 2]);
  expect(memoryLogOf(parent).closed).toBe(true);
  expect(existsSync(join(memory.dataDir, "streams", stream.id, "0"))).toBe(false);
  await broker.reshard(stream, { kind: "merge", first: 1, second: 2 });
  expect(stream.shards.map((shard) => shard.index)).toEqual([1, 2, 3]);
  await broker.close();
  // What a crash left between the catalog's change and the folder's removal goes at the next start.
  mkdirSync(join(memory.dataDir, "streams", stream.id, "0"));
  const again = await reopen(memory);
  expect(existsSync(join(memory.dataDir, "streams", stream.id, "0"))).toBe(false);
  expect(again.streamByName("s")?.shards.map((shard) => shard.index)).toEqual([1, 2, 3]);
  await again.close();
});

test("retention, attributes and settings change at once and survive a restart", async () => {
  const memory = await start();
  const { broker } = memory;
  const attributes = new Map([["color", "blue"]]);
  const stream = await broker.createStream({ name: "s", shardCount: 1, attributes });
  broker.change(stream, { retentionMs: 5000 });
  broker.setAttributes(
    stream,
    new Map([
      ["color", undefined],
      ["size", "large"],
    ]),
  );
  broker.setSetting("mood", "good");
  expect(memoryLogOf(stream.shards[0] as Shard).overrides.retentionMs).toBe(5000);
  expect([...stream.attributes]).toEqual([["size", "large"]]);
  await broker.close();
  const again = await reopen(memory);
  const found = again.streamByName("s") as Stream;
  expect([found.retentionMs, [...found.attributes], again.settings.get("mood")]).toEqual([
    5000,
    [["size", "large"]],
    "good",
  ]);
  expect(memoryLogOf(found.shards[0] as Shard).overrides.retentionMs).toBe(5000);
  await again.deleteStream("s");
  expect(() => again.change(found, { retentionMs: 1 })).toThrow("does not exist");
  await again.close();
});
