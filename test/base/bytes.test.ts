/** Memory that is given back: at once when nobody else has it, never when it is part of something larger. */
import { expect, test } from "bun:test";
import { release } from "../../src/base/bytes.ts";

test("a large array that has its memory to itself is empty once it is released", () => {
  const bytes = new Uint8Array(100_000);
  const view = bytes.subarray(1);
  release(bytes);
  expect([bytes.length, view.length]).toEqual([0, 0]);
});

test("a view of something larger and a small array are left as they are", () => {
  const whole = Buffer.alloc(200_000, 7);
  const small = Buffer.from("small");
  release(whole.subarray(0, 100_000));
  release(small);
  expect(whole[199_999]).toBe(7);
  expect(small.toString()).toBe("small");
});
