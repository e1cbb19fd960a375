/** The README of src/log names every file there, and no other. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "../../src/log");

test("the README's table has each file of src/log, and none that is not there", () => {
  const [, table = ""] = readFileSync(join(FOLDER, "README.md"), "utf8").split("## Where things are\n");
  const named = [...table.matchAll(/[a-z0-9-]+\.ts\b/g)].map(([name]) => name);
  const there = readdirSync(FOLDER).filter((name) => name.endsWith(".ts"));
  expect(named.sort()).toEqual(there.sort());
});
