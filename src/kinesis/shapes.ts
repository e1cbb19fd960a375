/**
 * Input shapes, declared: what an operation takes, in the words of AWS's own service model. A shape carries its
 * constraints and its TypeScript type, so that a handler's input is typed by its declaration (`InputOf`) and
 * validation.ts needs no code of the operation's own.
 */

/** Options of a text: lengths in UTF-16 units, as Java counts them. */
export interface TextConstraints {
  lengthMin?: number;
  lengthMax?: number;
  /** Matched against the whole text; written into the error as it stands. */
  pattern?: string;
  enumeration?: readonly string[];
}

export interface NumberConstraints {
  min?: number;
  max?: number;
}

export interface ListConstraints {
  lengthMin?: number;
  lengthMax?: number;
}

/** Shapes are told apart by `kind`; `type` exists for the compiler only. */
interface Of<Type> {
  readonly type?: Type;
}

export interface TextShape<Type extends string = string> extends Of<Type>, TextConstraints {
  readonly kind: "text";
  readonly matcher: RegExp | undefined;
}
export interface IntegerShape extends Of<number>, NumberConstraints {
  readonly kind: "integer";
}
export interface BooleanShape extends Of<boolean> {
  readonly kind: "boolean";
}
export interface BlobShape extends Of<Uint8Array> {
  readonly kind: "blob";
  readonly lengthMax: number;
}
/** Milliseconds since 1970 once read. */
export interface TimestampShape extends Of<number> {
  readonly kind: "timestamp";
}
export interface ListShape<Type = unknown> extends Of<Type[]>, ListConstraints {
  readonly kind: "list";
  readonly member: Shape;
}
export interface MapShape<Type = unknown> extends Of<Map<string, Type>>, ListConstraints {
  readonly kind: "map";
  readonly key: TextShape;
  readonly member: Shape;
}
export interface StructureShape<Type = unknown> extends Of<Type> {
  readonly kind: "structure";
  readonly members: readonly StructureMember[];
}
export interface StructureMember {
  readonly name: string;
  /** The name as errors spell it: "streamName". */
  readonly label: string;
  readonly shape: Shape;
  readonly required: boolean;
}

export type Shape =
  | TextShape
  | IntegerShape
  | BooleanShape
  | BlobShape
  | TimestampShape
  | ListShape
  | MapShape
  | StructureShape;

export interface Required<S extends Shape> {
  readonly required: S;
}

type Members = Record<string, Shape | Required<Shape>>;
type TypeOf<S> = S extends Of<infer Type> ? Type : never;
type StructureType<M extends Members> = {
  [Name in keyof M]: M[Name] extends Required<infer S> ? TypeOf<S> : TypeOf<M[Name]> | undefined;
};

/** The type of what validation.ts gives for `S`. */
export type InputOf<S extends Shape> = TypeOf<S>;

export function text(constraints: TextConstraints = {}): TextShape {
  const { pattern } = constraints;
  return {
    kind: "text",
    ...constraints,
    matcher: pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`),
  };
}

export function oneOf<const Value extends string>(...enumeration: Value[]): TextShape<Value> {
  return { kind: "text", enumeration, matcher: undefined };
}

export function integer(constraints: NumberConstraints = {}): IntegerShape {
  return { kind: "integer", ...constraints };
}

export function boolean(): BooleanShape {
  return { kind: "boolean" };
}

export function blob(lengthMax: number): BlobShape {
  return { kind: "blob", lengthMax };
}

export function timestamp(): TimestampShape {
  return { kind: "timestamp" };
}

export function list<S extends Shape>(member: S, constraints: ListConstraints = {}): ListShape<TypeOf<S>> {
  return { kind: "list", member, ...constraints };
}

export function map<S extends Shape>(
  key: TextShape,
  member: S,
  constraints: ListConstraints = {},
): MapShape<TypeOf<S>> {
  return { kind: "map", key, member, ...constraints };
}

/** Marks a member of a structure that must be there. */
export function required<S extends Shape>(shape: S): Required<S> {
  return { required: shape };
}

export function structure<const M extends Members>(members: M): StructureShape<StructureType<M>> {
  return {
    kind: "structure",
    members: Object.entries(members).map(([name, member]) => {
      const required = "required" in member;
      const label = name.charAt(0).toLowerCase() + name.slice(1);
      return { name, label, required, shape: required ? member.required : member };
    }),
  };
}
