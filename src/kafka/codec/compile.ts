/**
 * Turns a message table into a reader and a writer for one version: straight-line JavaScript, generated from our
 * own tables and from nothing else, so that decoding a request costs neither a walk over the table nor a dynamic
 * property name, and every decoded message of a kind has one hidden class.
 *
 * For a struct at one version the reader looks like this:
 *   function read1(r) {
 *     const o = { name: r.compactString(), partitions: read2(r) };
 *     for (let n = r.unsignedVarint(); n > 0; n--) switch (r.unsignedVarint()) { … }   // tagged fields
 *     return o;
 *   }
 */
import { type Field, type Fields, inVersions } from "./fields.ts";
import { EMPTY_BYTES, type Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

const ZERO_UUID = "0".repeat(32);

const FIXED_BYTES: Partial<Record<Field["type"], number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  float64: 8,
  uuid: 16,
};

class Generator {
  private readonly functions: string[] = [];

  constructor(
    private readonly version: number,
    private readonly flexible: boolean,
  ) {}

  source(entry: string): string {
    return `"use strict";\n${this.functions.join("\n")}\nreturn ${entry};`;
  }

  /** Adds the reader of a struct; returns its name. */
  structReader(fields: Fields): string {
    const plain: string[] = [];
    const tagged: string[] = [];
    for (const [name, field] of Object.entries(fields)) {
      const here = inVersions(field.versions, this.version);
      if (here && field.tag !== undefined) {
        tagged.push(
          `case ${field.tag}: { const end = r.taggedFieldEnd(); o.${name} = ${this.read(field)}; r.expectAt(end); break; }`,
        );
      }
      plain.push(`${name}: ${here && field.tag === undefined ? this.read(field) : this.defaultOf(field)}`);
    }
    const tags = this.flexible
      ? `for (let n = r.unsignedVarint(); n > 0; n--) switch (r.unsignedVarint()) { ${tagged.join(" ")} default: r.at = r.taggedFieldEnd(); }`
      : "";
    return this.add("read", "r", `const o = { ${plain.join(", ")} }; ${tags} return o;`);
  }

  /** Adds the writer of a struct; returns its name. */
  structWriter(fields: Fields): string {
    const plain: string[] = [];
    const tagged: [tag: number, code: string][] = [];
    for (const [name, field] of Object.entries(fields)) {
      if (!inVersions(field.versions, this.version)) continue;
      if (field.tag === undefined) {
        const value =
          field.default === undefined
            ? `o.${name}`
            : `(o.${name} === undefined ? ${this.defaultOf(field)} : o.${name})`;
        plain.push(this.write(field, value));
      } else {
        const value = this.write(field, `o.${name}`, "t");
        const code = `if (o.${name} !== undefined) { w.tag(${field.tag}); t.at = 0; ${value} w.append(t); }`;
        tagged.push([field.tag, code]);
      }
    }
    if (this.flexible) plain.push(this.writeTags(fields, tagged));
    return this.add("write", "w, o", plain.join(" "));
  }

  private writeTags(fields: Fields, tagged: [tag: number, code: string][]): string {
    if (tagged.length === 0) return "w.unsignedVarint(0);";
    const present = Object.entries(fields)
      .filter(([, field]) => field.tag !== undefined && inVersions(field.versions, this.version))
      .map(([name]) => `(o.${name} === undefined ? 0 : 1)`);
    tagged.sort(([a], [b]) => a - b);
    const codes = tagged.map(([, code]) => code).join(" ");
    return `const n = ${present.join(" + ")}; w.unsignedVarint(n); if (n > 0) { const t = w.scratch(); ${codes} }`;
  }

  private read(field: Field): string {
    const nullable = inVersions(field.nullable, this.version);
    switch (field.type) {
      case "struct":
        return `${nullable ? "r.int8() < 0 ? null : " : ""}${this.structReader(field.fields as Fields)}(r)`;
      case "array": {
        const element = field.fields
          ? `${this.structReader(field.fields)}(r)`
          : this.read(field.element as Field);
        const bytesMin = field.fields
          ? this.structBytesMin(field.fields)
          : this.bytesMin(field.element as Field);
        const count = `r.${this.named("arrayCount")}(${bytesMin})`;
        const none = nullable ? "return null" : "r.refuseNull()";
        return `${this.add("read", "r", `const n = ${count}; if (n < 0) ${none}; const a = []; for (let i = 0; i < n; i++) a.push(${element}); return a;`)}(r)`;
      }
      default:
        return `r.${this.method(field, nullable)}()`;
    }
  }

  private write(field: Field, value: string, writer = "w"): string {
    const nullable = inVersions(field.nullable, this.version);
    switch (field.type) {
      case "struct": {
        const there = `${this.structWriter(field.fields as Fields)}(${writer}, ${value});`;
        if (!nullable) return there;
        return `if (${value} === null) ${writer}.int8(-1); else { ${writer}.int8(1); ${there} }`;
      }
      case "array": {
        const element = field.fields
          ? `${this.structWriter(field.fields)}(w, a[i]);`
          : this.write(field.element as Field, "a[i]");
        const none = nullable ? `if (a === null) { w.${this.named("arrayCount")}(-1); return; }` : "";
        const body = `${none} w.${this.named("arrayCount")}(a.length); for (let i = 0; i < a.length; i++) { ${element} }`;
        return `${this.add("write", "w, a", body)}(${writer}, ${value});`;
      }
      default:
        return `${writer}.${this.method(field, nullable)}(${value});`;
    }
  }

  /** Name of the Reader's and Writer's method for a scalar. */
  private method(field: Field, nullable: boolean): string {
    if (field.type === "string") return this.named(nullable ? "nullableString" : "string");
    if (field.type !== "bytes" && field.type !== "records") return field.type;
    return nullable ? this.named("nullableBytes") : this.flexible ? "compactBytes" : "bytesField";
  }

  private named(method: string): string {
    return this.flexible ? `compact${method.charAt(0).toUpperCase()}${method.slice(1)}` : method;
  }

  private defaultOf(field: Field): string {
    if (field.default !== undefined) return JSON.stringify(field.default);
    switch (field.type) {
      case "bool":
        return "false";
      case "string":
        return '""';
      case "uuid":
        return `"${ZERO_UUID}"`;
      case "bytes":
      case "records":
        return "EMPTY_BYTES";
      case "array":
        return "[]";
      case "struct":
        return `{ ${Object.entries(field.fields as Fields)
          .map(([name, inner]) => `${name}: ${this.defaultOf(inner)}`)
          .join(", ")} }`;
      default:
        return "0";
    }
  }

  /** Least bytes that a value takes on the wire. */
  private bytesMin(field: Field): number {
    const fixed = FIXED_BYTES[field.type];
    if (fixed !== undefined) return fixed;
    if (field.type === "struct") {
      const nullable = inVersions(field.nullable, this.version);
      return nullable ? 1 : this.structBytesMin(field.fields as Fields);
    }
    if (this.flexible) return 1;
    return field.type === "string" ? 2 : 4;
  }

  private structBytesMin(fields: Fields): number {
    let bytes = this.flexible ? 1 : 0;
    for (const field of Object.values(fields)) {
      if (field.tag === undefined && inVersions(field.versions, this.version)) bytes += this.bytesMin(field);
    }
    return bytes;
  }

  private add(kind: string, parameters: string, body: string): string {
    const name = `${kind}${this.functions.length}`;
    this.functions.push(`function ${name}(${parameters}) { ${body} }`);
    return name;
  }
}

/** The reader of a message's body at `version`. */
export function compileReader(
  fields: Fields,
  version: number,
  flexible: boolean,
): (reader: Reader) => unknown {
  const generator = new Generator(version, flexible);
  const entry = generator.structReader(fields);
  return new Function("EMPTY_BYTES", generator.source(entry))(EMPTY_BYTES);
}

/** The writer of a message's body at `version`. */
export function compileWriter(
  fields: Fields,
  version: number,
  flexible: boolean,
): (writer: Writer, body: unknown) => void {
  const generator = new Generator(version, flexible);
  const entry = generator.structWriter(fields);
  return new Function("EMPTY_BYTES", generator.source(entry))(EMPTY_BYTES);
}
