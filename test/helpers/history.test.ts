/** The check of the kill test has teeth: it names each kind of damage, and is silent about a good log. */
import { beforeEach, describe, expect, test } from "bun:test";
import { History, type SeenRecord } from "./history.ts";

describe("a history", () => {
  let history: History;
  let values: Buffer[];

  beforeEach(() => {
    history = new History();
    values = [..."abcdef"].map((text) => history.send("w1", Buffer.from(text)));
    for (const offset of [0, 1, 2, 3]) history.ack(0, offset, values[offset] as Buffer);
  });

  const log = (...list: (Buffer | null | undefined)[]): SeenRecord[] =>
    list.map((value, offset) => ({ offset, value: value ?? null }));
  const check = (records: SeenRecord[]) => history.check(new Map([[0, records]]));
  const kinds = (records: SeenRecord[]) => [
    ...new Set(check(records).map((text) => text.split(":")[0] as string)),
  ];

  test("accepts the acked records alone, and unacked ones once", () => {
    expect(check(log(...values.slice(0, 4)))).toEqual([]);
    expect(check(log(...values.slice(0, 5)))).toEqual([]);
    expect(check(log(...values))).toEqual([]);
  });

  test("accepts an unacked record that is missing before one that is there", () => {
    expect(check(log(...values.slice(0, 4), values[5]))).toEqual([]);
  });

  test("finds a lost acked record at the end", () =>
    expect(kinds(log(...values.slice(0, 3)))).toEqual(["lost"]));

  test("finds a lost log", () => {
    expect(kinds([])).toEqual(["lost"]);
    expect(history.check(new Map())).toEqual(["lost: partition 0 was not read"]);
  });

  test("finds an acked record at another offset", () => {
    expect(kinds(log(values[0], values[2], values[1], values[3])).sort()).toEqual(["lost", "order"]);
  });

  test("finds a duplicate of an acked and of an unacked record", () => {
    expect(kinds(log(...values.slice(0, 4), values[3]))).toContain("duplicate");
    expect(kinds(log(...values, values[5]))).toContain("duplicate");
  });

  test("finds a duplicate in another partition", () => {
    const partitions = new Map([
      [0, log(...values.slice(0, 5))],
      [1, log(values[4])],
    ]);
    expect(history.check(partitions)).toEqual(["duplicate: 1/0 holds w1:4 again"]);
  });

  test("finds what was never sent: other text, one changed byte, no value, another writer", () => {
    const changed = Buffer.from(values[4] as Buffer);
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    for (const foreign of [Buffer.from("hello"), changed, null, Buffer.from("w2:0:a")])
      expect(kinds(log(...values.slice(0, 4), foreign))).toContain("foreign");
  });

  test("finds an acked record whose bytes changed", () => {
    const changed = Buffer.concat([values[1] as Buffer, Buffer.from("!")]);
    expect(kinds(log(values[0], changed, values[2], values[3]))).toEqual(["foreign"]);
  });

  test("finds a gap, a start that is not 0, and a repeated offset", () => {
    const good = log(...values.slice(0, 4));
    expect(kinds([...good, { offset: 5, value: values[4] as Buffer }])).toEqual(["gap"]);
    expect(kinds(good.slice(1))).toEqual(expect.arrayContaining(["gap", "lost"]));
    expect(kinds([...good, { offset: 3, value: values[4] as Buffer }])).toContain("gap");
  });

  test("finds records of one writer out of order", () => {
    expect(kinds(log(...values.slice(0, 4), values[5], values[4]))).toEqual(["order"]);
  });

  test("finds that what was read before is gone or changed, acked or not", () => {
    expect(check(log(...values.slice(0, 5)))).toEqual([]);
    expect(kinds(log(...values.slice(0, 4)))).toEqual(["changed"]);
    expect(check(log(...values.slice(0, 5)))).toEqual([]);
    expect(kinds(log(...values.slice(0, 4), values[5]))).toEqual(["changed"]);
  });

  test("finds that what a consumer saw is gone, changed or not in order", () => {
    const [a, b, c] = values.map((value) => ({ offset: values.indexOf(value), value }));
    history.see(0, [a!, b!]);
    expect(history.seenCount(0)).toBe(2);
    history.see(0, [c!]);
    expect(check(log(...values))).toEqual([]);
    expect(kinds(log(...values.slice(0, 4)))).toEqual(["changed"]);
    history.see(0, [a!]);
    expect(kinds(log(...values))).toContain("gap");
  });

  test("forgets in a snapshot nothing, and knows nothing of later acks", () => {
    const early = history.snapshot();
    history.ack(0, 4, values[4]!);
    expect(kinds(log(...values.slice(0, 4)))).toEqual(["lost"]);
    expect(early.check(new Map([[0, log(...values.slice(0, 4))]]))).toEqual([]);
    expect(early.check(new Map([[0, log(...values)]]))).toEqual([]);
    expect(early.check(new Map([[0, log(...values.slice(0, 3))]])).length).toBeGreaterThan(0);
  });

  test("finds two records acked at one offset", () => {
    history.ack(0, 3, values[4] as Buffer);
    expect(check(log(...values)).join()).toContain("both acked at 0/3");
  });
});
