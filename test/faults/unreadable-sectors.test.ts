/**
 * Reads that fail with EIO in a sealed segment, as a bad sector makes them: that fetch answers an error, on both
 * protocols, the other partitions go on, and so does that one when the sector can be read again.
 */
import { expect, test } from "bun:test";
import { describeAsRoot } from "../helpers/installed.ts";
import { produceBatch, readPartition } from "../helpers/kafka-records.ts";
import type { VoikProcess } from "../helpers/voik-process.ts";
import { withKafka } from "../helpers/plug.ts";
import { batchesIn, batchOf, ShardCopies } from "../helpers/shard-copies.ts";
import { Fault } from "../helpers/strace.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);

describeAsRoot("unreadable sectors", ["strace"], () => {
  test("22: a segment that can't be read is an error for its records alone, while it lasts", async () => {
    await using copies = await ShardCopies.make({
      shards: 2,
      batches: Array.from({ length: 60 }, () => 5_000),
      args: ["--segment-bytes", "64KiB"],
      seed: SEED,
    });
    const { voik, topic } = copies;
    const [, middle = ""] = copies.logs(0);
    const inside = new Set(batchesIn(middle).map(({ offset }) => offset));
    await voik.restart();
    expect(await readErrors(voik)).toBe(0);
    await withKafka(voik, async (client) => {
      {
        await using _fault = await Fault.attach(voik.pid, "pread64,sendfile", "error=EIO", middle);
        const found = await copies.survey(client, 0);
        expect(await readErrors(voik)).toBeGreaterThan(0);
        expect(found).toEqual(found.map((_, offset) => (inside.has(offset) ? "error" : "right")));
        expect((await readPartition(client, topic, 1)).length).toBe(copies.values.length);
        expect(await produceBatch(client, topic, 0, batchOf(Buffer.from("next")))).toBe(copies.values.length);
      }
      expect((await copies.survey(client, 0)).filter((finding) => finding !== "right")).toEqual([]);
    });
    await voik.stop();
  }, 60_000);
});

async function readErrors({ addresses }: VoikProcess): Promise<number> {
  const metrics = await (await fetch(`${addresses.admin}/metrics`)).text();
  return Number(/^voik_read_errors (\d+)$/m.exec(metrics)?.[1]);
}
