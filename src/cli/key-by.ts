/** How `voik produce` finds a record's key in a line: none, a field of its JSON, or the text before a separator. */
import { CliError, EXIT } from "./exit.ts";

export interface KeyedLine {
  key: Buffer | null;
  value: Buffer;
}

export type KeyBy = (line: Buffer, number: number) => KeyedLine;

/** Reads the options --key-by and --key-separator. Throws CliError when both are given. */
export function keyByOf(field: string | undefined, separator: string | undefined): KeyBy {
  if (field !== undefined && separator !== undefined) {
    throw new CliError(EXIT.usage, "give --key-by or --key-separator, not both");
  }
  if (field === "" || separator === "")
    throw new CliError(EXIT.usage, "--key-by and --key-separator take a text");
  if (field !== undefined) return jsonField(field);
  if (separator !== undefined) return beforeSeparator(separator);
  return (line) => ({ key: null, value: line });
}

/** The key is a field of the line's JSON, "a.b" one inside another; a text as it is, anything else as JSON. */
function jsonField(path: string): KeyBy {
  const names = path.split(".");
  return (line, number) => {
    let at: unknown;
    try {
      at = JSON.parse(line.toString("utf8"));
    } catch {
      throw new CliError(EXIT.failed, `line ${number} is not JSON, and --key-by needs it`);
    }
    for (const name of names) {
      at =
        typeof at === "object" && at !== null && Object.hasOwn(at, name)
          ? at[name as keyof typeof at]
          : undefined;
    }
    if (at === undefined) throw new CliError(EXIT.failed, `line ${number} has no field "${path}"`);
    if (at === null) return { key: null, value: line };
    return { key: Buffer.from(typeof at === "string" ? at : JSON.stringify(at)), value: line };
  };
}

/** The key is what stands before the first separator, the value what stands behind it. */
function beforeSeparator(separator: string): KeyBy {
  const bytes = Buffer.from(separator.replaceAll("\\t", "\t"));
  return (line, number) => {
    const at = line.indexOf(bytes);
    if (at < 0)
      throw new CliError(
        EXIT.failed,
        `line ${number} has no ${JSON.stringify(separator)} between key and value`,
      );
    return { key: line.subarray(0, at), value: line.subarray(at + bytes.length) };
  };
}
