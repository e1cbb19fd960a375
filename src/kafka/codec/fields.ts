/**
 * The words that message tables are written in. A table reads like Kafka's specification of the message: fields in
 * wire order, each with its versions ("3+", "0-12", "7"), the versions in which it may be null, its default, and
 * its tag where it is a tagged field. The TypeScript type of the decoded message follows from the table.
 */
import type { RecordBytes } from "./writer.ts";

export type ScalarType =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint16"
  | "uint32"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

/** Inclusive on both ends. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export type DefaultValue = string | number | boolean | null;

/**
 * One field: `Out` is its decoded type, `In` what may be encoded, `Optional` whether encoding may leave it out (it
 * has a default or a tag).
 */
export interface Field<Out = unknown, In = Out, Optional extends boolean = boolean> {
  readonly type: ScalarType | "array" | "struct";
  readonly versions: VersionRange;
  readonly nullable: VersionRange | undefined;
  readonly default: DefaultValue | undefined;
  readonly tag: number | undefined;
  /** Of an array of scalars. */
  readonly element: Field | undefined;
  /** Of a struct or an array of structs. */
  readonly fields: Fields | undefined;
  /** Never there: carries the types. */
  readonly types?: { out: Out; in: In; optional: Optional };
}

export type Fields = { readonly [name: string]: Field };

/** The decoded form: every field is there, with its default in versions that lack it. */
export type Decoded<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Field<infer Out, infer _In, infer _Optional> ? Out : never;
};

type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer _Out, infer _In, infer Optional>
    ? Optional extends true
      ? K
      : never
    : never;
}[keyof F];

/** What can be encoded: fields with a default or a tag may be left out. */
export type Encodable<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalNames<F>>]: F[K] extends Field<infer _Out, infer In, infer _O>
    ? In
    : never;
} & {
  readonly [K in OptionalNames<F>]?: F[K] extends Field<infer _Out, infer In, infer _Optional> ? In : never;
};

export interface FieldOptions<T> {
  /** Versions in which the field may be null. */
  readonly nullable?: string;
  readonly default?: T | null;
  readonly tag?: number;
}

type Null<O> = O extends { nullable: string } ? null : never;
type Optional<O> = O extends { default: unknown } | { tag: number } ? true : false;

/** Parses "3+", "0-12" or "7". */
export function versionRange(text: string): VersionRange {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (!match) throw new TypeError(`not a version range: ${text}`);
  const min = Number(match[1]);
  return { min, max: match[2] ? Number.POSITIVE_INFINITY : Number(match[3] ?? min) };
}

/** Whether `range` holds `version`; an absent range holds none. */
export function inVersions(range: VersionRange | undefined, version: number): boolean {
  return range !== undefined && version >= range.min && version <= range.max;
}

function field(
  type: Field["type"],
  versions: string,
  options: FieldOptions<DefaultValue> = {},
  inner: { element?: Field; fields?: Fields } = {},
): Field<never, never, never> {
  return {
    type,
    versions: versionRange(versions),
    nullable: options.nullable === undefined ? undefined : versionRange(options.nullable),
    default: options.default,
    tag: options.tag,
    element: inner.element,
    fields: inner.fields,
  };
}

function scalar<T extends DefaultValue>(type: ScalarType) {
  return <const O extends FieldOptions<T>>(
    versions = "0+",
    options?: O,
  ): Field<T | Null<O>, T | Null<O>, Optional<O>> => field(type, versions, options);
}

export const bool: ReturnType<typeof scalar<boolean>> = scalar("bool");
export const int8: ReturnType<typeof scalar<number>> = scalar("int8");
export const int16: ReturnType<typeof scalar<number>> = scalar("int16");
export const int32: ReturnType<typeof scalar<number>> = scalar("int32");
/** A number, exact within ±2^53. */
export const int64: ReturnType<typeof scalar<number>> = scalar("int64");
export const uint16: ReturnType<typeof scalar<number>> = scalar("uint16");
export const uint32: ReturnType<typeof scalar<number>> = scalar("uint32");
export const float64: ReturnType<typeof scalar<number>> = scalar("float64");
/** 32 hex digits; all zero unless said otherwise. */
export const uuid: ReturnType<typeof scalar<string>> = scalar("uuid");
export const string: ReturnType<typeof scalar<string>> = scalar("string");

/** A byte array; decoded as a view of the frame. */
export function bytes<const O extends FieldOptions<null>>(
  versions = "0+",
  options?: O,
): Field<Buffer | Null<O>, Buffer | Null<O>, Optional<O>> {
  return field("bytes", versions, options);
}

/** Record batches; decoded as a view of the frame, encoded from memory or from a log file. */
export function records<const O extends FieldOptions<null>>(
  versions = "0+",
  options?: O,
): Field<Buffer | Null<O>, RecordBytes | Null<O>, Optional<O>> {
  return field("records", versions, options);
}

/** An array of structs (a table of fields) or of scalars (`array("0+", int32())`). */
export function array<const F extends Fields, const O extends FieldOptions<null>>(
  versions: string,
  of: F,
  options?: O,
): Field<Decoded<F>[] | Null<O>, readonly Encodable<F>[] | Null<O>, Optional<O>>;
export function array<Out, In, const O extends FieldOptions<null>>(
  versions: string,
  of: Field<Out, In>,
  options?: O,
): Field<Out[] | Null<O>, readonly In[] | Null<O>, Optional<O>>;
export function array(
  versions: string,
  of: Fields | Field,
  options?: FieldOptions<null>,
): Field<never, never, never> {
  const scalars = "versions" in of && typeof of.type === "string";
  return field("array", versions, options, scalars ? { element: of as Field } : { fields: of as Fields });
}

/** A struct inside a message. */
export function struct<const F extends Fields, const O extends FieldOptions<null>>(
  versions: string,
  fields: F,
  options?: O,
): Field<Decoded<F> | Null<O>, Encodable<F> | Null<O>, Optional<O>> {
  return field("struct", versions, options, { fields });
}
