/** Cutting the byte stream into frames: however it arrives, and never with more memory than arrived. */
import { describe, expect, test } from "bun:test";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { FrameError } from "../../src/kafka/codec/reader.ts";
import { FrameDecoder, type FrameDecoderOptions } from "../../src/kafka/frame.ts";
import { MemoryBudget } from "../../src/kafka/memory-budget.ts";
import { sized } from "../helpers/kafka.ts";

const MAX = 1 << 20;
const decoderOf = (options: Partial<FrameDecoderOptions> = {}) =>
  new FrameDecoder({ frameBytesMin: 10, frameBytesMax: MAX, ...options });

/** All frames that come out when `bytes` go in by chunks of `sizes`. */
function decode(bytes: Buffer, nextSize: () => number, decoder = decoderOf()): string[] {
  const frames: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = nextSize();
    decoder.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame.toString("latin1"));
  }
  return frames;
}

describe("frame decoder", () => {
  const random = seededRandom(11);
  const payloads = Array.from({ length: 200 }, () => random.bytes(10 + randomBelow(random, 3000)));
  const stream = Buffer.concat(payloads.map(sized));
  const expected = payloads.map((payload) => payload.toString("latin1"));

  test("gives the same frames one byte at a time, in one piece, and in random pieces", () => {
    expect(decode(stream, () => 1)).toEqual(expected);
    expect(decode(stream, () => stream.length)).toEqual(expected);
    for (let round = 0; round < 20; round++) {
      expect(decode(stream, () => 1 + randomBelow(random, 5000))).toEqual(expected);
    }
  });

  test("a trusted peer's frames stay as they are when later ones come", () => {
    const decoder = decoderOf({ trusted: true });
    const frames: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 700) {
      decoder.push(Buffer.from(stream.subarray(at, at + 700)));
      for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame);
    }
    expect(frames.map((frame) => frame.toString("latin1"))).toEqual(expected);
  });

  test("gives the same frames when the stream is split at each byte", () => {
    const small = Buffer.concat(payloads.slice(0, 2).map((payload) => sized(payload.subarray(0, 20))));
    for (let split = 1; split < small.length; split++) {
      const sizes = [split, small.length - split];
      const frames = decode(small, () => sizes.shift() as number);
      expect(frames).toEqual(expected.slice(0, 2).map((text) => text.slice(0, 20)));
    }
  });

  test.each([
    ["-1", "ffffffff"],
    ["-2^31", "80000000"],
    ["2^31-1", "7fffffff"],
    ["0", "00000000"],
    ["9, less than a header", "00000009"],
    ["one over the limit", "00100001"],
    ["a TLS hello", "16030100"],
    ["GET", "47455420"],
  ])("refuses the size %s", (_name, hex) => {
    const decoder = decoderOf();
    decoder.push(Buffer.from(hex, "hex"));
    expect(() => decoder.next()).toThrow(FrameError);
  });

  test("a promised size takes no memory before its bytes come", () => {
    const decoders = Array.from({ length: 500 }, () => decoderOf({ frameBytesMax: 16 << 20 }));
    const before = process.memoryUsage().rss;
    for (const decoder of decoders) {
      decoder.push(Buffer.from("00ffffff00", "hex"));
      expect(decoder.next()).toBeUndefined();
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  test("chunks and buffers are given back as soon as what they held was copied on, and not while a frame is seen in them", () => {
    const decoder = decoderOf({ frameBytesMax: 16 << 20 });
    const frame = sized(Buffer.alloc(3 << 20, 7));
    const chunkOf = (from: number, to: number) => Buffer.from(new Uint8Array(frame).slice(from, to).buffer);
    const [first, second, third] = [
      chunkOf(0, 1 << 20),
      chunkOf(1 << 20, 2 << 20),
      chunkOf(2 << 20, Infinity),
    ];
    decoder.push(first);
    expect(decoder.next()).toBeUndefined();
    decoder.push(second);
    expect(decoder.next()).toBeUndefined();
    expect([first.length, second.length]).toEqual([0, 0]);
    decoder.push(third);
    const assembled = decoder.next();
    expect(assembled?.equals(frame.subarray(4))).toBe(true);
    expect(decoder.next()).toBeUndefined();
    expect([third.length, assembled?.length]).toEqual([0, 0]);

    const whole = chunkOf(0, Infinity);
    decoder.push(whole);
    const seen = decoder.next();
    decoder.push(Buffer.alloc(1));
    expect(seen?.equals(frame.subarray(4))).toBe(true);
    expect(decoder.next()).toBeUndefined();
  });

  test("a frame's chunk is given back with it, when the next one is asked for or the connection is gone", () => {
    const chunk = () => Buffer.from(new Uint8Array(sized(Buffer.alloc(8_000, 7))).buffer);
    const decoder = decoderOf({});
    const [first, second] = [chunk(), chunk()];
    decoder.push(first);
    expect(decoder.next()?.length).toBe(8_000);
    expect(decoder.next()).toBeUndefined();
    decoder.push(second);
    expect(decoder.next()?.length).toBe(8_000);
    decoder.dispose();
    expect([first.length, second.length]).toEqual([0, 0]);
  });

  test("frames for a trusting caller are theirs for good", () => {
    const decoder = decoderOf({ trusted: true });
    decoder.push(Buffer.from(new Uint8Array(sized(Buffer.alloc(8_000, 7))).buffer));
    const frame = decoder.next();
    expect(decoder.next()).toBeUndefined();
    decoder.dispose();
    expect(frame?.equals(Buffer.alloc(8_000, 7))).toBe(true);
  });

  test("a request past the memory budget waits until another has been taken", () => {
    const budget = new MemoryBudget(100_000);
    const freed: string[] = [];
    const claimant = (name: string) => ({ onMemoryFreed: () => void freed.push(name) });
    const first = decoderOf({ budget, claimant: claimant("first") });
    const second = decoderOf({ budget, claimant: claimant("second") });
    const frame = sized(Buffer.alloc(60_000, 1));
    first.push(frame.subarray(0, 1000));
    expect(first.next()).toBeUndefined();
    second.push(frame.subarray(0, 1000));
    expect(second.next()).toBeUndefined();
    expect(second.hasBytes).toBe(true);
    first.push(frame.subarray(1000));
    expect(first.next()?.length).toBe(60_000);
    expect(freed).toEqual([]);
    expect(first.next()).toBeUndefined();
    expect(freed).toEqual(["second"]);
    second.push(frame.subarray(1000));
    expect(second.next()?.length).toBe(60_000);
    second.dispose();
    expect(budget.used).toBe(0);
  });
});
