/**
 * The whole API against AWS's own model: every operation is called through AWS's SDK for JavaScript, in CBOR, and
 * through boto3, with success and with every error that the model lists and a user can bring about. Answers are held
 * against the model; what nobody can bring about stands in failures.ts with its reason.
 *
 * boto3 is Debian's; VOIK_PYTHON names another Python whose boto3 knows more of the API.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { describeWith } from "../../helpers/installed.ts";
import { FAILURES, IMPOSSIBLE } from "./failures.ts";
import { boto3Client, cborClient, type ModelClient, sdkClient } from "./model-clients.ts";
import { modelledErrors, OPERATION_NAMES } from "./sdk-model.ts";
import { SUCCESSES } from "./successes.ts";
import { VARIANTS } from "./variants.ts";
import { World } from "./world.ts";

const PYTHON = process.env.VOIK_PYTHON ?? "/usr/bin/python3";

/** The entry of IMPOSSIBLE that speaks of this error of this operation. */
function reasonFor(operation: string, error: string): string | undefined {
  return [`${operation}/${error}`, operation, error].find((key) => Object.hasOwn(IMPOSSIBLE, key));
}

describe("the table", () => {
  test("says of each modelled error how it comes about or why it can't, and of no other", () => {
    const used = new Set<string>();
    let [possible, impossible] = [0, 0];
    for (const operation of OPERATION_NAMES) {
      const failures = Object.keys(FAILURES.get(operation) ?? {});
      const errors = modelledErrors(operation);
      expect([operation, errors.length > 0]).toEqual([operation, true]);
      expect([operation, failures.filter((error) => !errors.includes(error))]).toEqual([operation, []]);
      const left = errors.filter((error) => !failures.includes(error));
      for (const error of left) used.add(reasonFor(operation, error) ?? "");
      expect([operation, left.filter((error) => reasonFor(operation, error) === undefined)]).toEqual([
        operation,
        [],
      ]);
      possible += failures.length;
      impossible += left.length;
    }
    expect(Object.keys(IMPOSSIBLE).filter((key) => !used.has(key))).toEqual([]);
    console.log(
      `modelled errors: ${possible} brought about, ${impossible} impossible, of ${possible + impossible}`,
    );
  });

  test("has a success of every operation but encryption, which is refused, and channels", () => {
    const without = OPERATION_NAMES.filter((operation) => !(operation in SUCCESSES));
    expect(without).toEqual([
      "CreateChannel",
      "DeleteChannel",
      "DescribeChannel",
      "ListChannels",
      "StartStreamEncryption",
      "StopStreamEncryption",
      "UpdateChannel",
    ]);
  });
});

function everyCall(start: (endpoint: string) => ModelClient | Promise<ModelClient>): void {
  let world: World | undefined;
  let client: ModelClient | undefined;
  /** Operations that answered, with success or with an error that the model lists. */
  const [succeeded, failed] = [new Set<string>(), new Set<string>()];
  const unknown = new Set<string>();

  async function make(operation: string, setup: (world: World) => Promise<Record<string, unknown>>) {
    world ??= await World.start();
    client ??= await start(world.harness.url);
    const outcome = await client.call(operation, await setup(world));
    world.denying = false;
    world.pass(10_000);
    if ("unknown" in outcome) unknown.add(operation);
    else if ("error" in outcome) failed.add(operation);
    else succeeded.add(operation);
    return outcome;
  }

  for (const operation of OPERATION_NAMES) {
    const success = SUCCESSES[operation];
    if (success !== undefined) {
      test(`${operation}`, async () => {
        const outcome = await make(operation, success);
        if (!("unknown" in outcome)) expect(outcome).toMatchObject({ problems: [] });
      });
    }
    for (const [error, failure] of Object.entries(FAILURES.get(operation) ?? {})) {
      test(`${operation}: ${error}`, async () => {
        const outcome = await make(operation, failure);
        if ("unknown" in outcome) return;
        expect(outcome).toMatchObject({ error, status: 400, message: expect.stringMatching(/./) });
      });
    }
  }

  for (const [name, setup] of Object.entries(VARIANTS)) {
    test(name, async () => {
      const outcome = await make(name.split(",", 1)[0] as string, setup);
      if (!("unknown" in outcome)) expect(outcome).toMatchObject({ problems: [] });
    });
  }

  afterAll(async () => {
    const all = OPERATION_NAMES.length;
    const only = [...failed].filter((operation) => !succeeded.has(operation));
    const refused = only.filter((operation) => !operation.includes("Channel"));
    const missed = [...unknown].filter((name) => !succeeded.has(name) && !failed.has(name)).length;
    console.log(
      `${client?.name}: ${succeeded.size + refused.length} of ${all} operations, ${succeeded.size} with success and ` +
        `${refused.length} with a modelled error only (${refused.join(", ") || "none"}: decision 0112); ` +
        `and ${only.length - refused.length} refusals of channels` +
        (missed === 0 ? "" : `; ${missed} are younger than its model`),
    );
    await client?.close();
    await world?.harness.stop();
  });
}

describe("AWS's SDK for JavaScript", () => everyCall(sdkClient));
describe("CBOR", () => everyCall(cborClient));
describeWith("boto3", [PYTHON, "-c", "import boto3"], () =>
  everyCall((endpoint) => boto3Client(endpoint, PYTHON)),
);
