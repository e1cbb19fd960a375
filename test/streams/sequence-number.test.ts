/** Sequence numbers: AWS's layout, the order they promise, and what is refused. */
import { describe, expect, test } from "bun:test";
import { VoikError } from "../../src/base/errors.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import {
  endingSequenceNumber,
  parseSequenceNumber,
  SequenceNumbers,
  sequenceNumber,
  startingSequenceNumber,
} from "../../src/streams/sequence-number.ts";

const CREATED_MS = Date.UTC(2018, 10, 21, 17, 42, 7, 999);

describe("sequence numbers", () => {
  test("the sample of AWS's documentation is read", () => {
    expect(parseSequenceNumber("49590338271490256608559692538361571095921575989136588898")).toEqual({
      shardIndex: 6,
      createdAtSeconds: 1542776258,
      offset: 1734642198,
    });
  });

  test("the hex digits are laid out as AWS lays them out", () => {
    const hex = BigInt(sequenceNumber({ index: 0x1a, createdAtMs: 0x5bf59d5a * 1000 }, 0xff)).toString(16);
    expect(hex).toBe("2" + "05bf59d5a" + "a" + "0000000000000100" + "00" + "05bf59d5a" + "0000001a" + "2");
  });

  test("neighbouring shards start as far apart as on AWS", () => {
    const [first, second] = [0, 1].map((index) =>
      BigInt(startingSequenceNumber({ index, createdAtMs: CREATED_MS })),
    );
    expect((second as bigint) - (first as bigint)).toBe(22300745198530623141535718272648361505980432n);
  });

  test("those of offsets that follow one another are the same as each by itself", () => {
    const shard = { index: 0x1a, createdAtMs: CREATED_MS };
    const numbers = new SequenceNumbers(shard);
    for (const start of [0, 7, 9_999_990, 2 ** 52]) {
      for (let offset = start; offset < start + 2000; offset++)
        expect(numbers.of(offset)).toBe(sequenceNumber(shard, offset));
    }
    expect(numbers.of(3)).toBe(sequenceNumber(shard, 3));
  });

  test("shard and offset come back from the number", () => {
    const random = seededRandom(11);
    for (let i = 0; i < 2000; i++) {
      const index = random.uint32() >>> (1 + randomBelow(random, 31));
      const createdAtSeconds = random.uint32();
      const offset = (random.uint32() % 2 ** 20) * 2 ** 32 + random.uint32();
      const text = sequenceNumber({ index, createdAtMs: createdAtSeconds * 1000 + 999 }, offset);
      expect(text).toMatch(/^\d{56}$/);
      expect(parseSequenceNumber(text)).toEqual({ shardIndex: index, createdAtSeconds, offset });
    }
  });

  test("numbers ascend as texts: from the start over the records to the end, and on to a child's", () => {
    const parent = { index: 40, createdAtMs: CREATED_MS };
    const child = { index: 3, createdAtMs: CREATED_MS + 1000 };
    const ascending = [
      startingSequenceNumber(parent),
      ...[0, 1, 9, 10, 2 ** 32, 2 ** 52].map((offset) => sequenceNumber(parent, offset)),
      endingSequenceNumber(parent),
      startingSequenceNumber(child),
      sequenceNumber(child, 0),
    ];
    expect(ascending.toSorted()).toEqual(ascending);
    expect(new Set(ascending).size).toBe(ascending.length);
  });

  test("the starting number lies before record 0 and the ending number behind every record", () => {
    const shard = { index: 2, createdAtMs: CREATED_MS };
    expect(parseSequenceNumber(startingSequenceNumber(shard)).offset).toBe(-1);
    expect(parseSequenceNumber(endingSequenceNumber(shard)).offset).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("texts that are no sequence number are refused", () => {
    const good = sequenceNumber({ index: 1, createdAtMs: CREATED_MS }, 5);
    const hex = BigInt(good).toString(16);
    const wrong = [
      "",
      "0",
      "-1",
      "1e55",
      "0x12",
      "9".repeat(56),
      "9".repeat(129),
      good.slice(1),
      `${good}0`,
      ` ${good}`,
      `+${good.slice(1)}`,
      BigInt(`0x${hex.slice(0, -1)}1`).toString(),
      BigInt(`0x${hex.slice(0, 10)}7${hex.slice(11)}`).toString(),
      BigInt(`0x${hex.slice(0, 11)}8${hex.slice(12)}`).toString(),
      BigInt(`0x2fffffffff${hex.slice(10)}`).toString(),
    ];
    for (const text of wrong) {
      let error: unknown;
      try {
        parseSequenceNumber(text);
      } catch (thrown) {
        error = thrown;
      }
      expect([text, error instanceof VoikError && error.code]).toEqual([text, "argument_invalid"]);
    }
  });
});
