/** The table of operations against AWS's own client: every command that it has has a row, and no row is without one. */
import { expect, test } from "bun:test";
import { OPERATIONS } from "../../src/kinesis/operations.ts";
import { OPERATION_NAMES } from "./model/sdk-model.ts";

test("every command of the newest client has a row, and no row is without one", () => {
  expect(Object.keys(OPERATIONS).sort()).toEqual([...OPERATION_NAMES]);
  expect(OPERATION_NAMES).toHaveLength(45);
});
