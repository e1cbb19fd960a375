/** The broker's face: create, delete, describe, list, append, and what survives a restart or a crash. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { type ErrorCode, VoikError } from "../../src/base/errors.ts";
import { type LogFields, silentLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import { RecordReader } from "../../src/log/record.ts";
import type { LogFactory } from "../../src/log/log-factory.ts";
import type { Shard } from "../../src/streams/broker.ts";
import { HASH_KEY_MAX } from "../../src/streams/hash-range.ts";
import { StreamBroker, type StreamBrokerOptions } from "../../src/streams/stream-broker.ts";
import { type MemoryBroker, memoryLogOf, openMemoryBroker } from "../helpers/memory-broker.ts";
import { appendRecords } from "../helpers/append-records.ts";

const opened: MemoryBroker[] = [];

async function start(overrides: Partial<StreamBrokerOptions> = {}): Promise<MemoryBroker> {
  const memory = await openMemoryBroker(overrides);
  opened.push(memory);
  return memory;
}

/** Opens the same data folder again, over the same logs. */
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
  try {
    await promise;
  } catch (error) {
    if (error instanceof VoikError) return error.code;
    throw error;
  }
  throw new Error("did not fail");
}

function recordsOf(shard: Shard): { key: string; value: string; offset: number }[] {
  const records = [];
  const range = shard.log.locate(0, 1 << 30);
  if (range === undefined) return [];
  const bytes = Buffer.alloc(range.bytes);
  range.copy(bytes, 0);
  range.release();
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readInt32BE(at + 8) + 12;
    const reader = new RecordReader(bytes.subarray(at, at + length));
    while (reader.next()) {
      records.push({ key: String(reader.key()), value: String(reader.value()), offset: reader.offset });
    }
    at += length;
  }
  return records;
}

afterEach(async () => {
  for (const memory of opened.splice(0)) await memory.close();
});

describe("creating streams", () => {
  test("a created stream is found by name and id, with shards that tile the hash keys", async () => {
    const { broker } = await start();
    const stream = await broker.createStream({ name: "orders", shardCount: 3, retentionMs: 7 });
    expect(broker.streamByName("orders")).toBe(stream as never);
    expect(broker.streamById(stream.id)).toBe(stream as never);
    expect(stream.id).toMatch(/^[0-9a-f]{32}$/);
    expect(stream.retentionMs).toBe(7);
    expect(stream.shards.map((shard) => [shard.index, shard.range.start, shard.range.end])).toEqual([
      [0, 0n, 113427455640312821154458202477256070484n],
      [1, 113427455640312821154458202477256070485n, 226854911280625642308916404954512140969n],
      [2, 226854911280625642308916404954512140970n, HASH_KEY_MAX],
    ]);
    expect(stream.shards.every((shard) => shard.stream === stream && shard.closedAtMs === undefined)).toBe(
      true,
    );
  });

  test("of two creations of one name at once, one is told that the stream exists", async () => {
    const { broker } = await start();
    const twice = [1, 2].map(() => broker.createStream({ name: "twin", shardCount: 1 }));
    const results = await Promise.allSettled(twice);
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await codeOf(broker.createStream({ name: "twin", shardCount: 1 }))).toBe("stream_exists");
    expect(broker.listStreams().length).toBe(1);
  });

  test("shard counts below one and past the limit of all streams are refused", async () => {
    const { broker } = await start({ shardCountMax: 5 });
    for (const shardCount of [0, -1, 1.5, Number.NaN]) {
      expect(await codeOf(broker.createStream({ name: "a", shardCount }))).toBe("shard_count_invalid");
    }
    expect(await codeOf(broker.createStream({ name: "a", shardCount: 2 ** 31 }))).toBe("limit_exceeded");
    const first = broker.createStream({ name: "a", shardCount: 3 });
    expect(await codeOf(broker.createStream({ name: "b", shardCount: 3 }))).toBe("limit_exceeded");
    await first;
    await broker.createStream({ name: "b", shardCount: 2 });
    await broker.deleteStream("a");
    await broker.createStream({ name: "c", shardCount: 3 });
  });

  test("a creation that fails leaves no folder, no row and a free name", async () => {
    const memory = await start();
    const error = new VoikError("disk_full", "disk full");
    memory.logs.openError = { folder: /\/2$/, error };
    expect(await codeOf(memory.broker.createStream({ name: "big", shardCount: 4 }))).toBe("disk_full");
    expect(readdirSync(join(memory.dataDir, "streams"))).toEqual([]);
    expect(memory.broker.streamByName("big")).toBeUndefined();
    const stream = await memory.broker.createStream({ name: "big", shardCount: 4 });
    expect(readdirSync(join(memory.dataDir, "streams"))).toEqual([stream.id]);
  });

  test("names outside of the alphabet never reach the catalog", async () => {
    const { broker } = await start();
    for (const name of ["", ".", "..", "../x", "a/b", "a\0", "ä", "x".repeat(250)]) {
      expect(await codeOf(broker.createStream({ name, shardCount: 1 }))).toBe("stream_name_invalid");
    }
    expect(broker.listStreams()).toEqual([]);
  });

  test("a retention that is no whole number is refused, and none at all is one", async () => {
    const { broker } = await start();
    for (const retentionMs of [-1, 0.5, NaN])
      expect(await codeOf(broker.createStream({ name: "a", shardCount: 1, retentionMs }))).toBe(
        "config_invalid",
      );
    expect(await broker.createStream({ name: "a", shardCount: 1, retentionMs: 0 })).toMatchObject({
      retentionMs: 0,
    });
  });

  test("streams are listed by name", async () => {
    const { broker } = await start();
    for (const name of ["b", "a.1", "C", "a"]) await broker.createStream({ name, shardCount: 1 });
    expect(broker.listStreams().map((stream) => stream.name)).toEqual(["C", "a", "a.1", "b"]);
  });
});

describe("deleting streams", () => {
  test("a deleted stream is gone with its folder, and its name is free for another", async () => {
    const memory = await start();
    const { broker } = memory;
    const stream = await broker.createStream({ name: "gone", shardCount: 2 });
    const deleted = broker.deleteStream("gone");
    expect(broker.streamByName("gone")).toBeUndefined();
    expect(await codeOf(broker.deleteStream("gone"))).toBe("stream_not_found");
    const again = await broker.createStream({ name: "gone", shardCount: 1 });
    await deleted;
    expect(again.id).not.toBe(stream.id);
    expect(readdirSync(join(memory.dataDir, "streams"))).toEqual([again.id]);
    expect(broker.streamById(stream.id)).toBeUndefined();
    expect(memoryLogOf(stream.shards[0] as Shard).closed).toBe(true);
    expect(await codeOf(appendRecords(broker, stream, []))).toBe("stream_not_found");
  });
});

describe("restarting", () => {
  test("streams, shards, records and the cluster id are there after a restart", async () => {
    const memory = await start();
    const stream = await memory.broker.createStream({ name: "kept", shardCount: 2, retentionMs: 99 });
    await appendRecords(memory.broker, stream, [{ partitionKey: "k", data: Buffer.from("v") }]);
    await memory.broker.close();
    const again = await reopen(memory);
    const found = again.streamByName("kept");
    expect(again.clusterId).toBe(memory.broker.clusterId);
    expect(again.clusterId).toMatch(/^[0-9a-f]{32}$/);
    expect([found?.id, found?.createdAtMs, found?.retentionMs]).toEqual([stream.id, stream.createdAtMs, 99]);
    expect(found?.shards.map((shard) => shard.range)).toEqual(stream.shards.map((shard) => shard.range));
    expect(found?.shards.flatMap(recordsOf)).toEqual([{ key: "k", value: "v", offset: 0 }]);
    await again.close();
  });

  test("a crash in the middle of a creation leaves nothing after the next start", async () => {
    const memory = await start();
    let calls = 0;
    const openLog: LogFactory = (folder, overrides) =>
      ++calls === 2 ? new Promise(() => {}) : memory.logs.open(folder, overrides);
    const crashed = await reopen(
      { ...memory, logs: memory.logs },
      { openLog, dataDir: join(memory.dataDir, "c") },
    );
    void crashed.createStream({ name: "half", shardCount: 2 });
    const streams = join(memory.dataDir, "c", "streams");
    while (calls < 2) await Promise.resolve();
    expect(readdirSync(streams).length).toBe(1);
    const again = await reopen(memory, { dataDir: join(memory.dataDir, "c") });
    expect(readdirSync(streams)).toEqual([]);
    expect(again.listStreams()).toEqual([]);
    await again.createStream({ name: "half", shardCount: 1 });
    await again.close();
  });

  test("a crash in the middle of a deletion is finished by the next start", async () => {
    const memory = await start();
    const stream = await memory.broker.createStream({ name: "half", shardCount: 1 });
    const failing = {
      ...disk,
      removeFolder: () => {
        throw new Error("crash");
      },
    };
    await memory.broker.close();
    const crashed = await reopen(memory, { fileSystem: failing });
    await crashed.deleteStream("half");
    await crashed.close();
    expect(existsSync(join(memory.dataDir, "streams", stream.id))).toBe(true);
    const again = await reopen(memory);
    expect(existsSync(join(memory.dataDir, "streams", stream.id))).toBe(false);
    expect(again.listStreams()).toEqual([]);
    await again.close();
  });

  test("a folder that the catalog does not know is reported and left alone", async () => {
    const memory = await start();
    await memory.broker.close();
    const stranger = join(memory.dataDir, "streams", "stranger");
    mkdirSync(stranger);
    const warned: LogFields[] = [];
    const again = await reopen(memory, {
      logger: { ...silentLogger, warn: (_msg, fields = {}) => void warned.push(fields) },
    });
    expect(warned).toEqual([{ folder: stranger }]);
    expect(existsSync(stranger)).toBe(true);
    await again.close();
  });

  test("a shard whose folder is gone answers storage_damaged and the others go on", async () => {
    const memory = await start();
    const stream = await memory.broker.createStream({ name: "hurt", shardCount: 2 });
    await memory.broker.close();
    rmSync(join(memory.dataDir, "streams", stream.id, "0"), { recursive: true });
    const again = await reopen(memory);
    const [hurt, well] = again.streamByName("hurt")?.shards ?? [];
    expect(() => hurt?.log.locate(0, 100)).toThrow(/folder of shard 0 of stream hurt is missing/);
    const outcomes = await appendRecords(again, again.streamByName("hurt") as never, [
      { partitionKey: "a", explicitHashKey: 0n, data: Buffer.from("lost") },
      { partitionKey: "a", explicitHashKey: HASH_KEY_MAX, data: Buffer.from("kept") },
    ]);
    expect(outcomes[0]).toMatchObject({ error: { code: "storage_damaged" } });
    expect(outcomes[1]).toEqual({ shard: well as Shard, offset: 0 });
    await again.deleteStream("hurt");
    await again.close();
  });

  test("a log that can't be opened for another reason fails the start and closes the others", async () => {
    const memory = await start();
    const stream = await memory.broker.createStream({ name: "s", shardCount: 3 });
    await memory.broker.close();
    memory.logs.openError = { folder: /\/1$/, error: new VoikError("storage_failed", "no") };
    expect(await codeOf(reopen(memory))).toBe("storage_failed");
    expect(stream.shards.every((shard) => memoryLogOf(shard).closed)).toBe(true);
  });

  test("a closed broker refuses everything that changes it", async () => {
    const { broker } = await start();
    const stream = await broker.createStream({ name: "s", shardCount: 1 });
    await broker.close();
    await broker.close();
    expect(await codeOf(broker.createStream({ name: "t", shardCount: 1 }))).toBe("shutting_down");
    expect(await codeOf(broker.deleteStream("s"))).toBe("shutting_down");
    expect(await codeOf(appendRecords(broker, stream, []))).toBe("shutting_down");
  });

  test("files of the catalog are the owner's alone", async () => {
    const { dataDir } = await start();
    for (const name of readdirSync(dataDir).filter((name) => name.startsWith("voik.db"))) {
      expect([name, statSync(join(dataDir, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(statSync(join(dataDir, "streams")).mode & 0o777).toBe(0o700);
  });
});
