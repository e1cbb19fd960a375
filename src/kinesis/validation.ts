/**
 * Checks an input against its shape, in AWS's two steps and words: first every type (the first wrong one is a
 * SerializationException), then every constraint (up to ten, in one ValidationException). Fields that the shape
 * does not have are ignored, as AWS does. Only names of the shape are ever looked up and only own properties
 * are read, so nothing in a body can reach a prototype.
 */
import { unreachable } from "../base/assert.ts";
import { type BodyFormat, typeMismatch } from "./body.ts";
import { KinesisError, serializationError } from "./errors.ts";
import type { InputOf, ListShape, Shape, StructureShape, TextShape } from "./shapes.ts";

const ERRORS_MAX = 10;
/** AWS repeats the whole value in its message; a megabyte of it helps nobody. */
const SHOWN_MAX = 256;
const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** The typed input that `value`, a decoded body, holds. Throws SerializationException or ValidationException. */
export function readInput<S extends StructureShape>(
  shape: S,
  value: unknown,
  format: BodyFormat,
): InputOf<S> {
  const input = readType(shape, value, format);
  const errors: string[] = [];
  checkConstraints(shape, input, "", errors);
  if (errors.length > 0) {
    const s = errors.length > 1 ? "s" : "";
    throw validationError(`${errors.length} validation error${s} detected: ${errors.join("; ")}`);
  }
  return input as InputOf<S>;
}

export function validationError(message: string): KinesisError {
  return new KinesisError("ValidationException", message);
}

/** "Value 'x' at 'limit' failed to satisfy constraint: Member must …"; `value` as `show` gives it. */
export function constraintText(value: string | null, path: string, constraint: string): string {
  const shown = value === null ? "null" : `'${value}'`;
  return `Value ${shown} at '${path}' failed to satisfy constraint: ${constraint}`;
}

function readType(shape: Shape, value: unknown, format: BodyFormat): unknown {
  switch (shape.kind) {
    case "text":
      if (typeof value !== "string") throw typeMismatch(value, "an String");
      // A lone surrogate has no UTF-8: it would come back as another text than was put.
      if (!value.isWellFormed()) throw serializationError("text is not well-formed Unicode");
      return value;
    case "integer":
      if (typeof value !== "number" || Number.isNaN(value)) throw typeMismatch(value, "an Integer");
      // As AWS does: a number beyond its type is the type's last, and its constraints see that.
      return Math.max(INT32.min, Math.min(Math.floor(value), INT32.max));
    case "boolean":
      if (typeof value === "string") {
        throw serializationError(
          `'${value.slice(0, SHOWN_MAX).toUpperCase()}' can not be converted to an Boolean`,
        );
      }
      if (typeof value !== "boolean") throw typeMismatch(value, "an Boolean");
      return value;
    case "blob":
      return format.readBlob(value);
    case "timestamp": {
      const ms = format.readTimestamp(value);
      if (!Number.isSafeInteger(ms)) throw typeMismatch(ms, "milliseconds since epoch");
      return ms;
    }
    case "list":
      if (!Array.isArray(value))
        throw isScalar(value) ? serializationError("Expected list or null") : typeMismatch(value, "");
      return value.map((item) => (item === null ? undefined : readType(shape.member, item, format)));
    case "map": {
      const members = new Map<string, unknown>();
      for (const [name, member] of Object.entries(asObject(value, "Expected map or null"))) {
        if (member !== null) members.set(name, readType(shape.member, member, format));
      }
      return members;
    }
    case "structure": {
      const from = asObject(value, "Expected null");
      const input: Record<string, unknown> = {};
      for (const { name, shape: member } of shape.members) {
        const given = Object.hasOwn(from, name) ? from[name] : undefined;
        input[name] = given === undefined || given === null ? undefined : readType(member, given, format);
      }
      return input;
    }
    default:
      return unreachable(shape);
  }
}

function asObject(value: unknown, otherwise: string): Record<string, unknown> {
  if (isScalar(value)) throw serializationError(otherwise);
  // CBOR byte strings and times are objects to JavaScript only.
  if (Array.isArray(value) || value instanceof Uint8Array) throw typeMismatch([], "");
  return value as Record<string, unknown>;
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function checkConstraints(shape: Shape, value: unknown, path: string, errors: string[]): void {
  if (errors.length >= ERRORS_MAX) return;
  switch (shape.kind) {
    case "text":
      return checkText(shape, value as string, path, errors);
    case "integer": {
      const number = value as number;
      if (shape.min !== undefined && number < shape.min) {
        fail(errors, String(number), path, `Member must have value greater than or equal to ${shape.min}`);
      }
      if (shape.max !== undefined && number > shape.max) {
        fail(errors, String(number), path, `Member must have value less than or equal to ${shape.max}`);
      }
      return;
    }
    case "blob": {
      const { length } = value as Uint8Array;
      checkLength({ lengthMax: shape.lengthMax }, length, showBytes(length), path, errors);
      return;
    }
    case "list":
      return checkList(shape, value as unknown[], path, errors);
    case "map": {
      const members = value as Map<string, unknown>;
      const shown = cut(`{${[...members].map(([name, member]) => `${name}=${String(member)}`).join(", ")}}`);
      checkLength(shape, members.size, shown, path, errors);
      checkTexts(shape.key, members.keys(), "Map keys", shown, path, errors);
      if (shape.member.kind === "text")
        checkTexts(shape.member, members.values() as Iterable<string>, "Map value", shown, path, errors);
      return;
    }
    case "structure": {
      const members = value as Record<string, unknown>;
      for (const { name, label, shape: member, required } of shape.members) {
        if (errors.length >= ERRORS_MAX) return;
        const at = path === "" ? label : `${path}.${label}`;
        if (members[name] !== undefined) checkConstraints(member, members[name], at, errors);
        else if (required) fail(errors, null, at, "Member must not be null");
      }
      return;
    }
    case "boolean":
    case "timestamp":
      return;
    default:
      unreachable(shape);
  }
}

function checkList(shape: ListShape, items: readonly unknown[], path: string, errors: string[]): void {
  const inside = shape.member.kind === "text" || items.length === 0 ? items.join(", ") : "...";
  const shown = cut(`[${inside}]`);
  checkLength(shape, items.length, shown, path, errors);
  for (let i = 0; i < items.length && errors.length < ERRORS_MAX; i++) {
    const at = `${path}.${i + 1}.member`;
    if (items[i] === undefined) fail(errors, null, at, "Member must not be null");
    else if (shape.member.kind !== "text") checkConstraints(shape.member, items[i], at, errors);
  }
  if (shape.member.kind !== "text") return;
  const texts = items.filter((item) => item !== undefined) as string[];
  checkTexts(shape.member, texts, "Member", shown, path, errors);
}

/** Texts of one list or map (`which` of it), `shown` as a whole: AWS has one error for all of them. */
function checkTexts(
  shape: TextShape,
  texts: Iterable<string>,
  which: string,
  shown: string,
  path: string,
  errors: string[],
): void {
  for (const text of texts) {
    const broken: string[] = [];
    checkText(shape, text, path, broken);
    if (broken.length === 0) continue;
    const { lengthMin, lengthMax, enumeration } = shape;
    const constraints = [
      ...(lengthMax === undefined ? [] : [`Member must have length less than or equal to ${lengthMax}`]),
      ...(lengthMin === undefined ? [] : [`Member must have length greater than or equal to ${lengthMin}`]),
      ...(enumeration === undefined ? [] : [enumerationText(enumeration)]),
    ];
    return fail(errors, shown, path, `${which} must satisfy constraint: [${constraints.join(", ")}]`);
  }
}

function checkText(shape: TextShape, value: string, path: string, errors: string[]): void {
  const shown = cut(value);
  // A pattern is tried on texts of the right length only: its cost is bounded by lengthMax.
  const tooLong = shape.lengthMax !== undefined && value.length > shape.lengthMax;
  if (shape.matcher !== undefined && !tooLong && !shape.matcher.test(value)) {
    fail(errors, shown, path, `Member must satisfy regular expression pattern: ${shape.pattern}`);
  }
  checkLength(shape, value.length, shown, path, errors);
  if (shape.enumeration !== undefined && !shape.enumeration.includes(value)) {
    fail(errors, shown, path, enumerationText(shape.enumeration));
  }
}

function enumerationText(enumeration: readonly string[]): string {
  return `Member must satisfy enum value set: [${enumeration.join(", ")}]`;
}

function checkLength(
  bounds: { lengthMin?: number; lengthMax?: number },
  length: number,
  shown: string,
  path: string,
  errors: string[],
): void {
  if (bounds.lengthMin !== undefined && length < bounds.lengthMin) {
    fail(errors, shown, path, `Member must have length greater than or equal to ${bounds.lengthMin}`);
  }
  if (bounds.lengthMax !== undefined && length > bounds.lengthMax) {
    fail(errors, shown, path, `Member must have length less than or equal to ${bounds.lengthMax}`);
  }
}

function fail(errors: string[], value: string | null, path: string, constraint: string): void {
  if (errors.length < ERRORS_MAX) errors.push(constraintText(value, path, constraint));
}

/** A blob as AWS's Java prints it. */
export function showBytes(length: number): string {
  return `java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]`;
}

function cut(value: string): string {
  return value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value;
}
