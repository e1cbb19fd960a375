/**
 * What operations take, against AWS's model: members and which are required by the JavaScript SDK's schemas, lengths,
 * ranges, patterns and enumerations by botocore's model of the installed boto3 (which may be older).
 */
import { describe, expect, test } from "bun:test";
import { Availability } from "../../../src/kinesis/operation.ts";
import { OPERATIONS } from "../../../src/kinesis/operations.ts";
import type { Shape, StructureShape } from "../../../src/kinesis/shapes.ts";
import { describeWith, run } from "../../helpers/installed.ts";
import { inputMembers, modelledErrors, OPERATION_NAMES } from "./sdk-model.ts";

const PYTHON = process.env.VOIK_PYTHON ?? "/usr/bin/python3";
const CHANNELS = OPERATION_NAMES.filter((name) => name.includes("Channel"));
/** The one member that voik ignores: docs/kinesis.md, Names. */
const IGNORED = "StreamId";

function inputOf(operation: string): StructureShape {
  const { input } = OPERATIONS[operation] as { input: StructureShape };
  return input;
}

test("operations take the members that the SDK has, and demand those that it demands", () => {
  for (const operation of OPERATION_NAMES) {
    if (CHANNELS.includes(operation)) continue;
    const demanded = inputMembers(operation).filter(({ name }) => name !== IGNORED);
    const given = inputOf(operation).members.map(({ name, required }) => ({ name, required }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect([operation, given.sort(byName)]).toEqual([operation, demanded.sort(byName)]);
  }
});

test("an operation that is refused says so in the table", () => {
  const refused = OPERATION_NAMES.filter(
    (name) => OPERATIONS[name]?.availability === Availability.refused && !CHANNELS.includes(name),
  );
  expect(refused).toEqual(["StartStreamEncryption", "StopStreamEncryption"]);
});

/** A shape of botocore's service-2.json. */
interface ModelShape {
  type: string;
  required?: string[];
  members?: Record<string, { shape: string }>;
  member?: { shape: string };
  key?: { shape: string };
  value?: { shape: string };
  min?: number;
  max?: number;
  pattern?: string;
  enum?: string[];
}
interface Model {
  operations: Record<string, { input?: { shape: string }; errors?: { shape: string }[] }>;
  shapes: Record<string, ModelShape>;
}

const LOAD =
  "import json,botocore.loaders as l; print(json.dumps(l.Loader().load_service_model('kinesis','service-2')))";

async function botocoreModel(): Promise<Model> {
  return JSON.parse((await run([PYTHON, "-c", LOAD])).toString()) as Model;
}

interface Compared {
  members: number;
  /** "Operation.Member: botocore's constraint, ours". */
  differences: string[];
}

/** What Debian's botocore 1.29 has otherwise than AWS's model of today, which is ours. */
const OLDER = [
  String.raw`StreamARN: arn:aws.*:kinesis:.*:\d{12}:stream/.+, arn:aws.*:kinesis:.*:\d{12}:stream/\S+`,
  "Data: 0..1048576, 0..10485760",
];

describeWith("boto3", [PYTHON, "-c", "import botocore"], () => {
  test("botocore's model has no operation and no error that the SDK's lacks", async () => {
    const { operations } = await botocoreModel();
    for (const [operation, { errors = [] }] of Object.entries(operations)) {
      expect(OPERATION_NAMES).toContain(operation);
      const known = modelledErrors(operation);
      expect([operation, errors.filter(({ shape }) => !known.includes(shape))]).toEqual([operation, []]);
    }
  });

  describe("constraints", () => {
    test("are those of botocore's model", async () => {
      const model = await botocoreModel();
      const compared: Compared = { members: 0, differences: [] };
      for (const [operation, { input }] of Object.entries(model.operations)) {
        if (input !== undefined) compare(model, input.shape, inputOf(operation), operation, compared);
      }
      console.log(`constraints of ${compared.members} members compared`);
      expect(
        compared.differences.filter((difference) => !OLDER.some((older) => difference.endsWith(`.${older}`))),
      ).toEqual([]);
      expect(compared.members).toBeGreaterThan(60);
    });
  });
});

function compare(model: Model, name: string, shape: Shape, path: string, compared: Compared): void {
  const theirs = model.shapes[name] as ModelShape;
  compared.members++;
  switch (shape.kind) {
    case "structure":
      for (const [member, { shape: of }] of Object.entries(theirs.members ?? {})) {
        const ours = shape.members.find((candidate) => candidate.name === member);
        if (ours !== undefined) compare(model, of, ours.shape, `${path}.${member}`, compared);
        else if (member !== IGNORED) compared.differences.push(`${path}.${member}: a member, none`);
      }
      return;
    case "list":
      bounds(path, [shape.lengthMin, shape.lengthMax], theirs, compared);
      return compare(model, theirs.member?.shape ?? "", shape.member, `${path}[]`, compared);
    case "map":
      bounds(path, [shape.lengthMin, shape.lengthMax], theirs, compared);
      compare(model, theirs.key?.shape ?? "", shape.key, `${path}.key`, compared);
      return compare(model, theirs.value?.shape ?? "", shape.member, `${path}.value`, compared);
    case "text":
      bounds(path, [shape.lengthMin, shape.lengthMax], theirs, compared);
      same(path, theirs.pattern, shape.pattern, compared);
      return same(path, theirs.enum?.toSorted().join(), shape.enumeration?.toSorted().join(), compared);
    case "integer":
      return bounds(path, [shape.min, shape.max], theirs, compared);
    case "blob":
      return bounds(path, [undefined, shape.lengthMax], theirs, compared);
    case "boolean":
    case "timestamp":
      return same(path, theirs.type, shape.kind, compared);
  }
}

/** The model writes a lower bound of nought where there is none. */
function bounds(
  path: string,
  [min, max]: [number | undefined, number | undefined],
  theirs: ModelShape,
  compared: Compared,
): void {
  same(path, `${theirs.min ?? 0}..${theirs.max ?? ""}`, `${min ?? 0}..${max ?? ""}`, compared);
}

function same(path: string, theirs: string | undefined, ours: string | undefined, compared: Compared): void {
  if (theirs !== ours) compared.differences.push(`${path}: ${theirs}, ${ours}`);
}
