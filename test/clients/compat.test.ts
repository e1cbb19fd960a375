/**
 * Every Kafka client does everything: one row of compat/features.ts for each column of compat/clients.ts, against the
 * executable. What a client has no way to do is shown, not skipped. docs/kafka.md prints the same matrix.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CLIENTS } from "./compat/clients.ts";
import { type CompatClient, type Feature, FEATURES } from "./compat/client.ts";
import { SCENARIOS } from "./compat/features.ts";
import { withMatrix } from "./compat/matrix.ts";
import { World } from "./compat/world.ts";

const TIMEOUT_MS = 600_000;
/** make test-clients: the clients that it has fetched, and all of them. */
const FETCHED = process.env.VOIK_TEST_CLIENTS === "1";
const REQUIRED = FETCHED || process.env.VOIK_REQUIRE_CLIENTS === "1";
/** So many at once: some wait for timeouts, others for a processor. */
const SLOTS = 4;

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

let free = SLOTS;
const waiting: (() => void)[] = [];
async function inSlot(work: () => Promise<void>): Promise<void> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
}

function missingOf(client: CompatClient): string | undefined {
  const missing = client.missing();
  if (missing === undefined) return undefined;
  if (REQUIRED && !client.isOptional) throw new Error(`${client.name}: ${missing}`);
  console.log(`skipped: ${client.name}: ${missing}`);
  return missing;
}

const columns = CLIENTS.filter(({ isFetched }) => isFetched === FETCHED).map((client) => ({
  client,
  missing: missingOf(client),
}));

test("the matrix in docs/kafka.md is current (make docs writes it)", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/kafka.md")).text();
  expect(page).toBe(withMatrix(page));
});

describe.each(Object.keys(FEATURES) as Feature[])("%s", (feature) => {
  for (const { client, missing } of columns) {
    const cannot = client.cannot[feature];
    const name = `${client.name}: ${FEATURES[feature]}`;
    if (missing !== undefined) test.skip(`${name} (${missing})`, () => {});
    else if (cannot) test.concurrent(`${name}: cannot, ${cannot.why}`, cannot.shownBy, TIMEOUT_MS);
    else test.concurrent(name, () => inSlot(() => SCENARIOS[feature](world, client)), TIMEOUT_MS);
  }
});
