/**
 * One shard's files, copied into every other shard of its stream: a hundred ways to damage a log, one start to see
 * what becomes of them all.
 *
 *   const copies = await ShardCopies.make({ shards: 100, batches: [1000, 1000, 61] });   written, then kill -9
 *   copies.damage(7, (folder) => …);                                                   while nobody runs
 *   await copies.voik.restart();
 */
import { closeSync, cpSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { baseOffsetOf, batchBytesOf } from "../../src/log/record-batch.ts";
import type { ReadRecord } from "./kafka-records.ts";
import { fetchRecords, produceBatch } from "./kafka-records.ts";
import { makeTopic, withKafka } from "./plug.ts";
import { type StartOptions, VoikProcess } from "./voik-process.ts";

const STEP_MS = 1_000;

export interface CopiesOptions extends StartOptions {
  shards: number;
  /** Bytes of the value in each batch: one record a batch. */
  batches: readonly number[];
  seed: number;
}

export interface Topic {
  name: string;
  id: string;
}

/** Where a batch lies in a log file. */
export interface BatchPlace {
  offset: number;
  position: number;
  bytes: number;
}

export type Finding = "right" | "wrong" | "gone" | "error";

export class ShardCopies implements AsyncDisposable {
  private constructor(
    readonly voik: VoikProcess,
    readonly topic: Topic,
    readonly shards: number,
    /** What each shard holds, by offset: one record a batch, a second apart. */
    readonly values: readonly Buffer[],
    private readonly firstMs: number,
  ) {}

  /** Writes shard 0, kills the server and copies; the server is left to be started. */
  static async make(options: CopiesOptions): Promise<ShardCopies> {
    const { shards, batches, seed, ...start } = options;
    const voik = await VoikProcess.start(start);
    const topic = await makeTopic(voik, "copies", shards);
    const random = seededRandom(seed);
    const values = batches.map((bytes) => random.bytes(bytes));
    const firstMs = Date.now() - batches.length * STEP_MS;
    await withKafka(voik, async (client) => {
      for (const [i, value] of values.entries())
        await produceBatch(client, topic, 0, batchOf(value, firstMs + i * STEP_MS));
    });
    await voik.kill();
    const copies = new ShardCopies(voik, topic, shards, values, firstMs);
    for (let shard = 1; shard < shards; shard++) {
      rmSync(copies.folder(shard), { recursive: true });
      cpSync(copies.folder(0), copies.folder(shard), { recursive: true });
    }
    return copies;
  }

  folder(shard: number): string {
    return join(this.voik.folder, "streams", this.topic.id, String(shard));
  }

  /** Paths of the log files of a shard, oldest first. */
  logs(shard: number): string[] {
    const folder = this.folder(shard);
    return readdirSync(folder)
      .filter((name) => /\.log(\.pending)?$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  }

  /** Timestamps of all records, and moments before, between and after them. */
  times(): number[] {
    const exact = this.values.map((_, i) => this.firstMs + i * STEP_MS);
    return [0, ...exact.flatMap((ms) => [ms - 1, ms, ms + 1])];
  }

  /**
   * What a careful client finds at each offset of a shard, asking for one batch at a time: the "right" record,
   * "wrong" bytes that pass for one, nothing ("gone"), or an "error".
   */
  async survey(client: KafkaClient, shard: number): Promise<Finding[]> {
    const found: Finding[] = [];
    for (let offset = 0; offset < this.values.length; offset++) {
      const records = await fetchRecords(client, this.topic, shard, offset, { maxBytes: 1 }).catch(
        () => undefined,
      );
      if (records === undefined) found.push("error");
      else if (records.length === 0) found.push("gone");
      else found.push(records[0]?.offset === offset && this.isRight(records) ? "right" : "wrong");
    }
    return found;
  }

  /** Whether these records of a shard are what was written at their offsets. */
  isRight(records: readonly Pick<ReadRecord, "offset" | "value">[]): boolean {
    return records.every(
      ({ offset, value }) => value?.equals(this.values[offset] ?? Buffer.alloc(0)) === true,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.voik[Symbol.asyncDispose]();
  }
}

/** Changes one bit of a file, where it lies. */
export function flipBit(path: string, position: number, bit: number): void {
  const byte = readFileSync(path).subarray(position, position + 1);
  byte[0] = (byte[0] as number) ^ (1 << bit);
  overwrite(path, position, byte);
}

/** Writes over bytes of a file; it stays the same file, so a server that has it open sees them. */
export function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, bytes.length, position);
  closeSync(fd);
}

/** A batch of one record. */
export function batchOf(value: Uint8Array, timestampMs = Date.now()): Buffer {
  const batch = new BatchBuilder();
  batch.add(null, value, timestampMs);
  return batch.build();
}

/** The batches in an undamaged log file. */
export function batchesIn(path: string): BatchPlace[] {
  const bytes = readFileSync(path);
  const places: BatchPlace[] = [];
  for (let at = 0; at + 12 <= bytes.length && batchBytesOf(bytes, at) > 12;) {
    const length = batchBytesOf(bytes, at);
    places.push({ offset: baseOffsetOf(bytes, at), position: at, bytes: length });
    at += length;
  }
  return places;
}
