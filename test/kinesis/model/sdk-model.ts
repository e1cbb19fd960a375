/**
 * AWS's service model as the JavaScript SDK carries it: the schemas that its client exports, and the errors that the
 * type file of each command lists. A schema is an array of numbers, names and further schemas:
 *
 *   [9, ns, name, traits, input, output]                       operation
 *   [3, ns, name, traits, member names, member schemas, n]     structure; the first n members are required
 *   [1, ns, name, traits, member]                              list
 *   0 text, 1 number, 2 boolean, 4 time, 21 blob; 64 + x a list of x, 128 + x a map from text to x
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as sdk from "@aws-sdk/client-kinesis";
import { CborTimestamp } from "../../../src/kinesis/cbor.ts";

export type Input = Record<string, unknown>;
export type WireFormat = "json" | "cbor";
type Schema = unknown;

const exported = sdk as unknown as Record<string, Schema>;
const TYPES = join(import.meta.dir, "../../../node_modules/@aws-sdk/client-kinesis/dist-types/commands");
const UNIT = "unit";

/** Names of all operations, ascending. */
export const OPERATION_NAMES: readonly string[] = Object.keys(sdk)
  .filter((name) => name.endsWith("Command") && name !== "$Command")
  .map((name) => name.slice(0, -"Command".length))
  .sort();

/** The errors that the model lists for an operation. */
export function modelledErrors(operation: string): string[] {
  const text = readFileSync(join(TYPES, `${operation}Command.d.ts`), "utf8");
  const names = [...text.matchAll(/@throws \{@link (\w+)\} \((?:client|server) fault\)/g)].map(
    ([, name]) => name,
  );
  return [...new Set(names as string[])].sort();
}

/** `input` with blobs (Buffer) and times (Date) as `format` carries them. Throws on a member that the model lacks. */
export function toWire(operation: string, input: Input, format: WireFormat): object {
  return convert(operationSchema(operation)[4], input, format, operation) as object;
}

/** What in `output`, as it came over the wire, is not as the model says; none is good. */
export function outputProblems(operation: string, output: unknown, format: WireFormat): string[] {
  const schema = resolve(operationSchema(operation)[5]);
  const problems: string[] = [];
  if (schema === UNIT) return output === undefined ? [] : [`${operation}: an answer where none belongs`];
  check(schema, output, format, operation, problems);
  return problems;
}

/** As `outputProblems`, for one event of SubscribeToShard, which is JSON always. */
export function eventProblems(event: unknown): string[] {
  const problems: string[] = [];
  check(exported["SubscribeToShardEvent$"], event, "json", "SubscribeToShardEvent", problems);
  return problems;
}

function operationSchema(operation: string): Schema[] {
  return exported[`${operation}$`] as Schema[];
}

function resolve(schema: Schema): Schema {
  if (typeof schema === "function") return resolve((schema as () => Schema)());
  // A member with traits of its own: [schema, traits].
  if (Array.isArray(schema) && typeof schema[0] !== "number") return resolve(schema[0]);
  return schema;
}

function convert(from: Schema, value: unknown, format: WireFormat, path: string): unknown {
  const schema = resolve(from);
  if (Array.isArray(schema) && schema[0] === 3) {
    const [names, members] = [schema[4] as string[], schema[5] as Schema[]];
    return Object.fromEntries(
      Object.entries(value as Input).map(([name, member]) => {
        const place = names.indexOf(name);
        if (place < 0) throw new Error(`the model has no ${path}.${name}`);
        return [name, convert(members[place], member, format, `${path}.${name}`)];
      }),
    );
  }
  if (Array.isArray(schema) && schema[0] === 1)
    return (value as unknown[]).map((item) => convert(schema[4], item, format, path));
  if (schema === 21) return format === "json" ? (value as Buffer).toString("base64") : value;
  if (schema === 4) {
    const ms = (value as Date).getTime();
    return format === "json" ? ms / 1000 : new CborTimestamp(ms);
  }
  return value;
}

function check(from: Schema, value: unknown, format: WireFormat, path: string, problems: string[]): void {
  const schema = resolve(from);
  if (Array.isArray(schema) && schema[0] === 3) return checkStructure(schema, value, format, path, problems);
  const list = typeof schema === "number" && schema >= 64 && schema < 128;
  if (list || (Array.isArray(schema) && schema[0] === 1)) {
    const member = list ? (schema as number) - 64 : (schema as Schema[])[4];
    if (!Array.isArray(value)) problems.push(`${path} is no list`);
    else value.forEach((item, i) => check(member, item, format, `${path}[${i}]`, problems));
    return;
  }
  const wanted = leafType(schema as number, format);
  const given =
    value instanceof CborTimestamp ? "time" : value instanceof Uint8Array ? "bytes" : typeof value;
  if (given !== wanted) problems.push(`${path} is ${given}, not ${wanted}`);
}

function checkStructure(
  schema: Schema[],
  value: unknown,
  format: WireFormat,
  path: string,
  problems: string[],
): void {
  if (typeof value !== "object" || value === null) return void problems.push(`${path} is no structure`);
  const [names, members, required = 0] = [
    schema[4] as string[],
    schema[5] as Schema[],
    schema[6] as number | undefined,
  ];
  const given = value as Input;
  for (const name of Object.keys(given))
    if (!names.includes(name)) problems.push(`${path}.${name} is not in the model`);
  names.forEach((name, place) => {
    if (given[name] !== undefined) check(members[place], given[name], format, `${path}.${name}`, problems);
    else if (place < required) problems.push(`${path}.${name} is missing`);
  });
}

function leafType(schema: number, format: WireFormat): string {
  switch (schema) {
    case 0:
      return "string";
    case 1:
      return "number";
    case 2:
      return "boolean";
    case 4:
      return format === "json" ? "number" : "time";
    case 21:
      return format === "json" ? "string" : "bytes";
    default:
      throw new Error(`a schema that this test does not know: ${schema}`);
  }
}

/** The members of an operation's input and which of them are required. */
export function inputMembers(operation: string): { name: string; required: boolean }[] {
  const schema = resolve(operationSchema(operation)[4]);
  if (!Array.isArray(schema)) return [];
  const required = (schema[6] ?? 0) as number;
  return (schema[4] as string[]).map((name, place) => ({ name, required: place < required }));
}
