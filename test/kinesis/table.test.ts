/** The table of operations against AWS's own client: every command that it has is answered, and by whom. */
import { expect, test } from "bun:test";
import * as sdk from "@aws-sdk/client-kinesis";
import { OPERATIONS } from "../../src/kinesis/operations.ts";

const NOT_OFFERED = ["CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel"];

const commands = Object.keys(sdk)
  .filter((name) => name.endsWith("Command") && name !== "$Command")
  .map((name) => name.slice(0, -"Command".length))
  .sort();

test("every command of the newest client has a row, and no row is without one", () => {
  expect(Object.keys(OPERATIONS).sort()).toEqual(commands);
  console.log(`operations offered: ${commands.length - NOT_OFFERED.length} of ${commands.length}`);
  expect([commands.length, NOT_OFFERED.every((name) => commands.includes(name))]).toEqual([45, true]);
});
