/**
 * Reads the configuration: flags win over VOIK_* variables, these over the config file, that over the defaults.
 * A value that is not allowed is refused with its option, its source and what is allowed. Nothing is guessed:
 * an unknown key of the file is refused as well. An unknown VOIK_* variable is only warned about, since
 * Kubernetes puts variables of its own (VOIK_SERVICE_HOST) into every container beside a service called "voik".
 */
import { readFileSync } from "node:fs";
import { VoikError } from "../base/errors.ts";
import type { Option } from "./option.ts";
import { type Config, CONFIG_FILE_ENV, CONFIG_FILE_FLAG, type ConfigKey, OPTION_LIST } from "./schema.ts";

/** Flags by name without dashes, as the command line gave them. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  config: Config;
  /** Sentences for the person who started voik. */
  warnings: string[];
}

/** One value with the name of the place it came from. */
interface Given {
  value: string;
  source: string;
}

/** Reads all options. Throws VoikError config_invalid, with a message of one line. */
export function loadConfig(flags: Flags, env: Environment, readFile = readText): LoadedConfig {
  const warnings: string[] = [];
  const path = text(flags[CONFIG_FILE_FLAG]) ?? text(env[CONFIG_FILE_ENV]);
  const file = path === undefined ? {} : parseFile(path, readFile);
  const config: Partial<Record<ConfigKey, unknown>> = {};
  for (const [key, option] of OPTION_LIST) {
    const given =
      fromFlags(option, flags) ??
      fromEnvironment(option, env, warnings) ??
      fromFile(option, file, path) ??
      fromDefault(option);
    config[key] = given && readValue(option, given);
  }
  warnings.push(...unknownVariables(env));
  return { config: config as Config, warnings };
}

/** The value of one option from flags, environment or default, for commands that need no more. */
export function loadOption<T>(option: Option<T>, flags: Flags, env: Environment): T {
  const given = fromFlags(option, flags) ?? fromEnvironment(option, env, []) ?? fromDefault(option);
  return (given && readValue(option, given)) as T;
}

function fromFlags(option: Option<unknown>, flags: Flags): Given | undefined {
  const value = flags[option.flag];
  if (value === undefined) return undefined;
  const isSwitch = option.hint === "true|false";
  if (typeof value === "boolean" && !isSwitch) {
    throw new VoikError(
      "config_invalid",
      `--no-${option.flag} makes no sense: --${option.flag} takes ${option.allowed}`,
    );
  }
  return { value: isSwitch && value === "" ? "true" : String(value), source: `flag --${option.flag}` };
}

function fromEnvironment(option: Option<unknown>, env: Environment, warnings: string[]): Given | undefined {
  const value = env[option.env];
  if (value === undefined || value === "") return undefined;
  if (option.hint === "port" && value.startsWith("tcp://")) {
    warnings.push(
      `${option.env}=${value} is a Kubernetes service link, not a port, and is ignored: set enableServiceLinks: false`,
    );
    return undefined;
  }
  return { value, source: `environment variable ${option.env}` };
}

function fromFile(
  option: Option<unknown>,
  file: Record<string, unknown>,
  path: string | undefined,
): Given | undefined {
  const value = file[option.flag];
  if (value === undefined) return undefined;
  const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { value: plain ? String(value) : JSON.stringify(value), source: `"${option.flag}" in ${path}` };
}

function fromDefault(option: Option<unknown>): Given | undefined {
  return option.defaultText === undefined ? undefined : { value: option.defaultText, source: "default" };
}

function readValue(option: Option<unknown>, given: Given): unknown {
  const read = option.schema.safeParse(given.value);
  if (read.success) return read.data;
  const value = given.value === "" ? "is empty" : `is ${JSON.stringify(given.value)}`;
  throw new VoikError("config_invalid", `${given.source} ${value}: --${option.flag} takes ${option.allowed}`);
}

function parseFile(path: string, readFile: (path: string) => string): Record<string, unknown> {
  let file: unknown;
  try {
    const content = readFile(path);
    file = path.endsWith(".json") ? JSON.parse(content) : Bun.TOML.parse(content);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    throw new VoikError("config_invalid", `config file ${path} can't be read: ${reason}`);
  }
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    throw new VoikError(
      "config_invalid",
      `config file ${path} has to hold keys and values, such as kafka-port = 9092`,
    );
  }
  const known = new Set(OPTION_LIST.map(([, option]) => option.flag));
  const unknown = Object.keys(file).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    const names = unknown.map((key) => `"${key}"`).join(", ");
    throw new VoikError(
      "config_invalid",
      `config file ${path} has unknown keys: ${names}; allowed are ${[...known].join(", ")}`,
    );
  }
  return file as Record<string, unknown>;
}

function unknownVariables(env: Environment): string[] {
  const known = new Set([CONFIG_FILE_ENV, ...OPTION_LIST.map(([, option]) => option.env)]);
  return Object.keys(env)
    .filter((name) => name.startsWith("VOIK_") && !known.has(name))
    .sort()
    .map((name) => `environment variable ${name} is not one of voik's and is ignored`);
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}
