/** What was opened last is closed first, and one that fails keeps none of the others open. */
import { expect, test } from "bun:test";
import { Closers } from "../../src/base/closers.ts";

test("closing goes backwards, one at a time, past failures, and tells the first", async () => {
  const closed: string[] = [];
  const closers = new Closers();
  closers.add(() => void closed.push("first opened"));
  closers.add(() => {
    throw new Error("told second");
  });
  closers.add(async () => {
    await Promise.resolve();
    closed.push("last opened");
    throw new Error("told first");
  });
  expect(await closers.closeAll().catch((error: Error) => error.message)).toBe("told first");
  expect(closed).toEqual(["last opened", "first opened"]);
  await closers.closeAll();
  expect(closed).toHaveLength(2);
});
