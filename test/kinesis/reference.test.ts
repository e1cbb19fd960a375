/** docs/kinesis.md says what the table of operations says. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { OPERATIONS } from "../../src/kinesis/operations.ts";
import { DIFFERENCES, withOperations } from "../../src/kinesis/reference.ts";

test("the operations in docs/kinesis.md are current (make docs writes them)", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/kinesis.md")).text();
  expect(page).toBe(withOperations(page));
});

test("a difference is told of operations that there are", () => {
  expect(Object.keys(DIFFERENCES).filter((name) => !Object.hasOwn(OPERATIONS, name))).toEqual([]);
});

test("a page without a place for the table is refused", () => {
  expect(() => withOperations("# The Kinesis API\n")).toThrow("lacks");
});
