/**
 * What an option is made of, and the few kinds of value there are. Every value arrives as a person writes it
 * ("64MiB", "7d", "true"), whether from a flag, the environment or the config file, and leaves as the program
 * wants it (bytes, milliseconds, a boolean).
 */
import { z } from "zod";
import { formatBytes, parseBytes, parseDurationMs } from "../base/units.ts";

export interface Option<T> {
  /** Without the dashes: "kafka-port"; also the key in a config file. */
  readonly flag: string;
  /** The environment variable: "VOIK_KAFKA_PORT". */
  readonly env: string;
  /** As a person would write it; undefined where there is none. */
  readonly defaultText: string | undefined;
  readonly description: string;
  /** What may be written, as the end of "it takes …". */
  readonly allowed: string;
  /** Stands behind the flag in help texts: "--kafka-port=<port>". */
  readonly hint: string;
  /** From text to value; fails on what is not allowed. */
  readonly schema: z.ZodType<T, string>;
}

export interface Kind<T> {
  schema: z.ZodType<T, string>;
  allowed: string;
  hint: string;
}

/** Declares one option; its environment variable is the flag in capitals behind VOIK_. */
export function option<T>(flag: string, kind: Kind<T>, defaultText: string, description: string): Option<T> {
  const env = `VOIK_${flag.toUpperCase().replaceAll("-", "_")}`;
  return { flag, env, defaultText, description, ...kind };
}

/** Like `option`, for one that may be left out altogether. */
export function optionalOption<T>(flag: string, kind: Kind<T>, description: string): Option<T | undefined> {
  return { ...option<T | undefined>(flag, kind, "", description), defaultText: undefined };
}

/** Any non-empty text. */
export function text(hint: string, allowed: string, pattern = /^.+$/s): Kind<string> {
  return { schema: z.string().regex(pattern), allowed, hint };
}

export function oneOf<const T extends readonly string[]>(values: T): Kind<T[number]> {
  return {
    schema: z.enum(values as readonly string[]),
    allowed: values.join(" or "),
    hint: values.join("|"),
  };
}

export function wholeNumber(min: number, max: number, hint = "n"): Kind<number> {
  const schema = z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(min).max(max));
  return { schema, allowed: `a whole number from ${min} to ${max}`, hint };
}

/** A TCP port; 0 lets the system choose a free one. */
export const port: Kind<number> = {
  ...wholeNumber(0, 65535, "port"),
  allowed: "a port from 0 to 65535 (0 is any free port)",
};

export const yesOrNo: Kind<boolean> = {
  schema: z.enum(["true", "false"]).transform((value) => value === "true"),
  allowed: "true or false",
  hint: "true|false",
};

/** Bytes, as "128MiB" or "1048576". */
export function size(min: number, max: number): Kind<number> {
  return {
    schema: quantity(parseBytes, min, max),
    allowed: `a size such as 64MiB or 1048576, from ${formatBytes(min)} to ${formatBytes(max)}`,
    hint: "size",
  };
}

/** Bytes or "unlimited", which is Infinity. */
export function sizeOrUnlimited(min: number): Kind<number> {
  return {
    schema: quantity((value) => (value === "unlimited" ? Infinity : parseBytes(value)), min, Infinity),
    allowed: `a size such as 10GiB, at least ${formatBytes(min)}, or unlimited`,
    hint: "size",
  };
}

/** Milliseconds, written with their unit: "7d", "12h", "500ms". */
export function duration(min: string, max: string): Kind<number> {
  return {
    schema: quantity(parseDurationMs, parseDurationMs(min) ?? 0, parseDurationMs(max) ?? Infinity),
    allowed: `a duration such as 7d, 12h or 500ms, from ${min} to ${max}`,
    hint: "duration",
  };
}

function quantity(parse: (value: string) => number | undefined, min: number, max: number) {
  return z.string().transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined && parsed >= min && parsed <= max) return parsed;
    context.addIssue({ code: "custom", message: "out of range" });
    return z.NEVER;
  });
}
