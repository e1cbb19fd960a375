/**
 * Indexes are hints: deleted, cut, flipped, swapped with another segment's, or lying under a good checksum, they cost
 * nobody anything. Every look-up by offset and by time gives what it gave before.
 */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { crc32c } from "../../src/base/crc32c.ts";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { ListOffsets } from "../../src/kafka/messages/02-list-offsets.ts";
import { withKafka } from "../helpers/plug.ts";
import { flipBit, ShardCopies } from "../helpers/shard-copies.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);
const SEAL_BYTES = 8;

type Harm = (index: string, other: string) => void;

/** Changes entries of a sealed index and makes its checksum good again; `base` is its segment's base offset. */
function lie(change: (bytes: Buffer) => void): Harm {
  return (index) => {
    const bytes = readFileSync(index);
    const end = bytes.length - SEAL_BYTES;
    if (end <= 0) return;
    change(bytes.subarray(0, end));
    const base = Number(/(\d{20})\.\w+$/.exec(index)?.[1]);
    bytes.writeUInt32BE(crc32c(bytes.subarray(0, end), base >>> 0), end + 4);
    writeFileSync(index, bytes);
  };
}

const HARMS: Record<string, Harm> = {
  "is deleted": (index) => rmSync(index),
  "is empty": (index) => truncateSync(index, 0),
  "is cut in the middle": (index) => truncateSync(index, Math.floor(statSync(index).size / 2)),
  "is cut by a byte": (index) => truncateSync(index, statSync(index).size - 1),
  "has a flipped bit": (index) =>
    flipBit(index, randomBelow(random, statSync(index).size), randomBelow(random, 8)),
  "is another segment's": (index, other) => copyFileSync(other, index),
  "is rubbish": (index) => writeFileSync(index, random.bytes(500)),
  "lies in its first entry": lie((entries) => entries.writeUInt32BE(entries.readUInt32BE(4) + 7, 4)),
  "lies in its last entry": lie((entries) => entries.writeUInt32BE(1, entries.length - 4)),
  "lies in every byte": lie((entries) => entries.fill(0x5a)),
  "says nothing but zeros": lie((entries) => entries.fill(0)),
};

for (const kind of ["index", "timeindex"]) {
  test(`17, 18: every answer stays the same with a ${kind} that is missing, cut, flipped, swapped or lying`, async () => {
    console.log(`seed ${SEED} (VOIK_SEED=${SEED} repeats it)`);
    const harms = Object.entries(HARMS);
    await using copies = await ShardCopies.make({
      shards: harms.length + 1,
      batches: Array.from({ length: 60 }, () => 3_000 + randomBelow(random, 5_000)),
      args: ["--segment-bytes", "64KiB"],
      seed: SEED,
    });
    const indexes = (shard: number) =>
      copies
        .logs(shard)
        .slice(0, -1)
        .map((log) => log.replace(/log$/, kind));
    expect(indexes(0).length).toBeGreaterThan(2);
    harms.forEach(([, harm], i) => {
      const [first = "", ...others] = indexes(i + 1);
      others.forEach((index) => harm(index, first));
    });
    await copies.voik.restart();
    await withKafka(copies.voik, async (client) => {
      const times = await timesOf(client, copies, 0);
      for (const [i, [name]] of harms.entries()) {
        const found = await copies.survey(client, i + 1);
        expect([name, found.filter((finding) => finding !== "right")]).toEqual([name, []]);
        expect([name, await timesOf(client, copies, i + 1)]).toEqual([name, times]);
      }
    });
    await copies.voik.stop();
  }, 60_000);
}

/** What look-ups by time answer, for a series of times before, within and after the records. */
async function timesOf(client: KafkaClient, copies: ShardCopies, shard: number): Promise<number[]> {
  const answers: number[] = [];
  for (const timestamp of copies.times()) {
    const { topics } = await client.request(ListOffsets, {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 10_000,
      topics: [{ name: copies.topic.name, partitions: [{ partitionIndex: shard, timestamp }] }],
    });
    const found = topics[0]?.partitions[0];
    expect(found?.errorCode).toBe(0);
    answers.push(found?.offset ?? -2);
  }
  return answers;
}
