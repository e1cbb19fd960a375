/** The order of a log's segments: look-ups by time against a plain walk, sizes, and segments that can't be read. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import type { Segment } from "../../src/log/segment.ts";
import { SegmentList } from "../../src/log/segment-list.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);

/** As much of a segment as the list asks for; counts how often its newest timestamp is asked for. */
class FakeSegment {
  asked = 0;
  constructor(
    readonly baseOffset: number,
    readonly bytes: number,
    private readonly newestMs: number | undefined,
  ) {}

  get maxTimestampMs(): number {
    this.asked++;
    if (this.newestMs === undefined) throw new Error("bad sector");
    return this.newestMs;
  }
}

function segmentsOf(...newest: (number | undefined)[]): FakeSegment[] {
  return newest.map((newestMs, i) => new FakeSegment(i * 10, 100 + i, newestMs));
}

function listOf(segments: readonly FakeSegment[]): SegmentList {
  return new SegmentList([...segments] as unknown as Segment[]);
}

function firstFrom(list: SegmentList, timestampMs: number): number | undefined {
  for (const segment of list.fromTimestamp(timestampMs)) return segment.baseOffset / 10;
  return undefined;
}

describe("by time", () => {
  test(`finds what a walk finds, while segments come and go (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const segments = segmentsOf(5);
    const list = listOf(segments);
    for (let step = 0; step < 2_000; step++) {
      const next = (segments.at(-1) as FakeSegment).baseOffset + 10;
      if (segments.length > 1 && random.uint32() % 3 === 0) {
        segments.shift();
        list.shift();
      } else {
        const segment = new FakeSegment(next, random.uint32() % 1_000, random.uint32() % 100);
        segments.push(segment);
        list.push(segment as unknown as Segment);
      }
      const timestampMs = random.uint32() % 110;
      const sealed = segments.slice(0, -1);
      const walked = sealed.find((segment) => segment.maxTimestampMs >= timestampMs) ?? segments.at(-1);
      expect(firstFrom(list, timestampMs)).toBe((walked as FakeSegment).baseOffset / 10);
      const newest = Math.max(-1, ...sealed.map((segment) => segment.maxTimestampMs));
      expect(list.newestBefore(list.active)).toBe(newest);
      expect(list.sizeBytes).toBe(segments.reduce((sum, { bytes }) => sum + bytes, 0));
    }
  });

  test("asks each segment once, however often it is asked itself", () => {
    const segments = segmentsOf(...Array.from({ length: 1_000 }, (_, i) => i));
    const list = listOf(segments);
    for (let i = 0; i < 100; i++) expect(firstFrom(list, i * 10)).toBe(i * 10);
    expect(segments.slice(0, -1).every(({ asked }) => asked === 1)).toBe(true);
  });

  test("a segment that can't be read hinders nobody who looks before it, and is met by who looks behind", () => {
    const list = listOf(segmentsOf(10, 30, undefined, 40, 50));
    expect(firstFrom(list, 5)).toBe(0);
    expect(firstFrom(list, 20)).toBe(1);
    expect(firstFrom(list, 35)).toBe(2);
    expect(() => list.newestBefore(list.active)).toThrow("bad sector");
  });
});

test("by offset, at both ends and between", () => {
  const list = listOf(segmentsOf(1, 2, 3));
  expect([0, 9, 10, 19, 20, 1_000].map((offset) => list.holding(offset).baseOffset)).toEqual([
    0, 0, 10, 10, 20, 20,
  ]);
});
