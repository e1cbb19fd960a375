/** One setting of a topic or of the broker, as DescribeConfigs tells of it. */

/** Kafka's numbers for the type of a setting. */
export const ConfigType = { boolean: 1, string: 2, int: 3, long: 5, list: 7 } as const;
/** Kafka's numbers for where a value comes from. */
export const ConfigSource = { topic: 1, staticBroker: 4, default: 5 } as const;

export interface ConfigSynonym {
  name: string;
  value: string;
  source: number;
}

export interface ConfigEntry extends ConfigSynonym {
  type: number;
  readOnly: boolean;
  documentation: string;
  /** Where the value could come from, what holds first. */
  synonyms: readonly ConfigSynonym[];
}

/** A setting that says what voik does, and that nobody can choose. */
export function fixedConfig(
  name: string,
  type: number,
  value: string | number | boolean,
  documentation: string,
  source: number = ConfigSource.default,
): ConfigEntry {
  const own = { name, value: String(value), source };
  return { ...own, type, readOnly: true, documentation, synonyms: [own] };
}
