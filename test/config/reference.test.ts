/** docs/configuration.md says what the declarations say. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { renderConfigReference } from "../../src/config/reference.ts";

test("docs/configuration.md is current (make docs writes it)", async () => {
  const page = Bun.file(join(import.meta.dir, "../../docs/configuration.md"));
  expect(await page.text()).toBe(renderConfigReference());
});
