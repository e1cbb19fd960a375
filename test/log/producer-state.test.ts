/**
 * Sequences of idempotent producers: what is stored, what was stored already, what is refused; and that a log that is
 * opened again, after a clean stop or a crash, knows as much.
 */
import { describe, expect, test } from "bun:test";
import { writeInt64 } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import type { CommitLog } from "../../src/log/commit-log.ts";
import { ProducerStates } from "../../src/log/producer-state.ts";
import { computeCrc, stampBatch } from "../../src/log/record-batch.ts";
import { appendDurably, batchOf, openLog, readAll, temporaryFolder } from "../helpers/log.ts";
import { ofProducer } from "../helpers/producers.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);
const LAST = 2 ** 31 - 1;

class Shard {
  readonly states = new ProducerStates(() => {});
  end = 0;

  /** The base offset at which a batch of `count` records lies, or the code that it is refused with. */
  send(id: number, epoch: number, sequence: number, count = 1): number | string {
    const batch = ofProducer(batchOf(Array.from({ length: count }, () => "x")), id, epoch, sequence);
    let stored: number;
    try {
      stored = this.states.check(batch);
    } catch (error) {
      return (error as { code: string }).code;
    }
    if (stored >= 0) return stored;
    stampBatch(batch, this.end, 0);
    this.states.note(batch);
    this.end += count;
    return this.end - count;
  }
}

describe("sequences", () => {
  test("go on without a gap; the last five batches are found again, older ones are known to be there", () => {
    const shard = new Shard();
    for (let i = 0; i < 7; i++) expect(shard.send(9, 0, i * 3, 3)).toBe(i * 3);
    for (let i = 2; i < 7; i++) expect(shard.send(9, 0, i * 3, 3)).toBe(i * 3);
    for (let i = 0; i < 2; i++) expect(shard.send(9, 0, i * 3, 3)).toBe("sequence_duplicate");
    expect(shard.send(9, 0, 22)).toBe("sequence_out_of_order");
    expect(shard.send(9, 0, 20, 2)).toBe("sequence_out_of_order");
    expect(shard.send(9, 0, 21)).toBe(21);
  });

  test("of one producer mean nothing to another, and batches without a producer are let through", () => {
    const shard = new Shard();
    expect(shard.send(1, 0, 0)).toBe(0);
    expect(shard.send(2, 0, 0)).toBe(1);
    expect(shard.states.check(batchOf(["x"]))).toBe(-1);
    expect(shard.states.size).toBe(2);
  });

  test("start at 0 with a new epoch, and an old epoch is over", () => {
    const shard = new Shard();
    shard.send(1, 3, 0);
    expect(shard.send(1, 4, 1)).toBe("sequence_out_of_order");
    expect(shard.send(1, 4, 0)).toBe(1);
    expect(shard.send(1, 3, 1)).toBe("producer_fenced");
    expect(shard.send(1, 3, 0)).toBe("producer_fenced");
    expect(shard.send(1, 4, 1)).toBe(2);
  });

  test("of a producer that is not known may start anywhere, but nothing before that is taken for stored", () => {
    const shard = new Shard();
    expect(shard.send(1, 0, 100)).toBe(0);
    expect(shard.send(1, 0, 99)).toBe("sequence_out_of_order");
    expect(shard.send(1, 0, 101)).toBe(1);
  });

  test("go from the largest on to 0", () => {
    const shard = new Shard();
    expect(shard.send(1, 0, LAST - 1, 1)).toBe(0);
    expect(shard.send(1, 0, LAST, 3)).toBe(1);
    expect(shard.send(1, 0, LAST, 3)).toBe(1);
    expect(shard.send(1, 0, 2)).toBe(4);
    for (let i = 3; i < 10; i++) shard.send(1, 0, i);
    expect(shard.send(1, 0, LAST, 3)).toBe("sequence_duplicate");
    expect(shard.send(1, 0, LAST, 100)).toBe("sequence_out_of_order");
  });

  test("are forgotten a day after the last batch", () => {
    const shard = new Shard();
    const day = 24 * 3_600_000;
    shard.send(1, 0, 0);
    shard.states.expire(day);
    shard.send(2, 0, 0);
    shard.states.expire(2 * day - 1);
    expect(shard.states.size).toBe(2);
    shard.states.expire(2 * day);
    expect(shard.states.size).toBe(1);
    shard.send(2, 0, 1);
    shard.states.expire(3 * day - 1);
    expect(shard.states.size).toBe(1);
  });

  test("of so many producers are kept and no more; the ones used last stay", () => {
    const shard = new Shard();
    for (let id = 0; id < 20_000; id++) {
      shard.send(id, 0, 0);
      shard.send(7, 0, id);
    }
    expect(shard.states.size).toBeLessThanOrEqual(5_000);
    expect(shard.send(7, 0, 19_999)).toBeTypeOf("number");
    expect(shard.send(7, 0, 30_000)).toBe("sequence_out_of_order");
    expect(shard.send(19_999, 0, 0)).toBeTypeOf("number");
  });
});

test("random sends and resends store every sequence once and in order", () => {
  const random = seededRandom(SEED);
  const shard = new Shard();
  const lying = new Map<string, number>();
  const next = [0, 0, 0];
  for (let i = 0; i < 3_000; i++) {
    const id = randomBelow(random, 3);
    const at = next[id] as number;
    const sequence = Math.max(0, at + randomBelow(random, 4) - 2);
    const outcome = shard.send(id, 0, sequence);
    const before = lying.get(`${id}:${sequence}`);
    if (sequence === at) {
      expect(before).toBeUndefined();
      expect(outcome).toBe(shard.end - 1);
      lying.set(`${id}:${sequence}`, outcome as number);
      next[id] = at + 1;
    } else if (sequence > at) expect(outcome).toBe(at === 0 ? shard.end - 1 : "sequence_out_of_order");
    // What lies before the first sequence of a producer that was not known is not taken for stored.
    else expect(outcome).toBe(before ?? "sequence_out_of_order");
    if (sequence > at && at === 0) next[id] = sequence + 1;
    if (sequence > at && at === 0) lying.set(`${id}:${sequence}`, outcome as number);
  }
});

describe("a log", () => {
  const send = (log: CommitLog, id: number, epoch: number, sequence: number, value = `${id}/${sequence}`) =>
    appendDurably(log, ofProducer(batchOf([value]), id, epoch, sequence));

  test("answers a batch that it has with its offset, when that is durable, and stores nothing", async () => {
    const { folder, remove } = temporaryFolder();
    const log = await openLog(folder);
    const sent = [0, 1, 2].map((sequence) => send(log, 5, 0, sequence));
    const again = [0, 1, 2].map((sequence) => send(log, 5, 0, sequence));
    expect(log.durableEnd).toBe(0);
    expect(await Promise.all(again)).toEqual([0, 1, 2]);
    expect(log.durableEnd).toBe(3);
    expect(await Promise.all(sent)).toEqual([0, 1, 2]);
    expect(await send(log, 5, 0, 1)).toBe(1);
    expect(readAll(log)).toEqual(["0:5/0", "1:5/1", "2:5/2"]);
    await expect(send(log, 5, 0, 4)).rejects.toMatchObject({ code: "sequence_out_of_order" });
    await log.close();
    remove();
  });

  test.each(["closed", "left as a crash leaves it"])(
    "knows its producers when it is opened again, %s, over many segments",
    async (how) => {
      const { folder, remove } = temporaryFolder();
      const options = { segmentBytesMax: 2_000 };
      const log = await openLog(folder, options);
      for (let sequence = 0; sequence < 100; sequence++) {
        await Promise.all([send(log, 1, 0, sequence), send(log, 2, sequence < 50 ? 0 : 1, sequence % 50)]);
        if (sequence % 7 === 0) await appendDurably(log, batchOf(["nobody"]));
      }
      await send(log, 3, 2, 17);
      const before = readAll(log);
      if (how === "closed") await log.close();
      const again = await openLog(folder, options);
      for (let sequence = 95; sequence < 100; sequence++) {
        const offset = await send(again, 1, 0, sequence);
        expect(before[offset]).toBe(`${offset}:1/${sequence}`);
      }
      await expect(send(again, 1, 0, 50)).rejects.toMatchObject({ code: "sequence_duplicate" });
      await expect(send(again, 1, 0, 101)).rejects.toMatchObject({ code: "sequence_out_of_order" });
      await expect(send(again, 2, 0, 50)).rejects.toMatchObject({ code: "producer_fenced" });
      expect(readAll(again)).toEqual(before);
      expect(await send(again, 3, 2, 18)).toBe(before.length);
      expect(await send(again, 1, 0, 100)).toBe(before.length + 1);
      await again.close();
      remove();
    },
  );

  test("reads back no more than its last 16 MiB, and starts at a batch", async () => {
    const { folder, remove } = temporaryFolder();
    const options = { segmentBytesMax: 64 << 20 };
    const log = await openLog(folder, options);
    const large = "x".repeat(500_000);
    await send(log, 1, 0, 0);
    for (let sequence = 0; sequence < 40; sequence++) await send(log, 2, 0, sequence, large);
    await log.close();
    const again = await openLog(folder, options);
    expect(await send(again, 2, 0, 39, large)).toBe(40);
    await expect(send(again, 2, 0, 41)).rejects.toMatchObject({ code: "sequence_out_of_order" });
    await expect(send(again, 2, 0, 0)).rejects.toMatchObject({ code: "sequence_out_of_order" });
    expect(await send(again, 1, 0, 5)).toBe(41);
    await again.close();
    remove();
  });
});

test("the helper makes batches whose checksum fits", () => {
  const batch = ofProducer(batchOf(["a"]), 2 ** 40, 7, 11);
  expect(batch.readUInt32BE(17)).toBe(computeCrc(batch));
  const id = Buffer.alloc(8);
  writeInt64(id, 2 ** 40, 0);
  expect(batch.subarray(43, 51)).toEqual(id);
});
