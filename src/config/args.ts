/** Command-line arguments for citty, derived from the options' declarations. */
import type { ArgsDef } from "citty";
import { CONFIG_FILE_ENV, CONFIG_FILE_FLAG, type ConfigKey, OPTION_LIST } from "./schema.ts";

/** Arguments for the options named, or for all of them and --config. */
export function configArgs(keys?: readonly ConfigKey[]): ArgsDef {
  const args: ArgsDef = {};
  for (const [key, option] of OPTION_LIST) {
    if (keys && !keys.includes(key)) continue;
    // No citty default: what was not written has to stay apart from what was.
    const usual = option.defaultText === undefined ? "" : ` (default ${option.defaultText})`;
    args[option.flag] = { type: "string", valueHint: option.hint, description: option.description + usual };
  }
  if (!keys) {
    const description = `Config file, TOML or (.json) JSON; keys are the flags' names (${CONFIG_FILE_ENV})`;
    args[CONFIG_FILE_FLAG] = { type: "string", valueHint: "file", description };
  }
  return args;
}
