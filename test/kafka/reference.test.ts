/** docs/kafka.md says what the table of APIs says. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { APIS } from "../../src/kafka/apis.ts";
import { DIFFERENCES, withApis } from "../../src/kafka/reference.ts";

test("the APIs in docs/kafka.md are current (make docs writes them)", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/kafka.md")).text();
  expect(page).toBe(withApis(page));
});

test("differences are told of APIs that are there", () => {
  const names = APIS.map(({ name }) => name);
  for (const name of Object.keys(DIFFERENCES)) expect(names).toContain(name);
});
