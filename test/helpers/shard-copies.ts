/**
 * One shard's files, copied into every other shard of its stream: a hundred ways to damage a log, one start to see
 * what becomes of them all.
 *
 *   const copies = await ShardCopies.make({ shards: 100, batches: [1000, 1000, 61] });   written, then kill -9
 *   copies.damage(7, (folder) => …);                                                   while nobody runs
 *   await copies.voik.restart();
 */
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/log/batch-builder.ts";
import { baseOffsetOf, batchBytesOf } from "../../src/log/record-batch.ts";
import type { ReadRecord } from "./kafka-records.ts";
import { produceBatch } from "./kafka-records.ts";
import { makeTopic, withKafka } from "./plug.ts";
import { type StartOptions, VoikProcess } from "./voik-process.ts";

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

export class ShardCopies implements AsyncDisposable {
  private constructor(
    readonly voik: VoikProcess,
    readonly topic: Topic,
    readonly shards: number,
    /** What each shard holds, by offset. */
    readonly values: readonly Buffer[],
  ) {}

  /** Writes shard 0, kills the server and copies; the server is left to be started. */
  static async make(options: CopiesOptions): Promise<ShardCopies> {
    const { shards, batches, seed, ...start } = options;
    const voik = await VoikProcess.start(start);
    const topic = await makeTopic(voik, "copies", shards);
    const random = seededRandom(seed);
    const values = batches.map((bytes) => random.bytes(bytes));
    await withKafka(voik, async (client) => {
      for (const value of values) await produceBatch(client, topic, 0, batchOf(value));
    });
    await voik.kill();
    const copies = new ShardCopies(voik, topic, shards, values);
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

/** A batch of one record. */
export function batchOf(value: Uint8Array): Buffer {
  const batch = new BatchBuilder();
  batch.add(null, value, Date.now());
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
