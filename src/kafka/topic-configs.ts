/**
 * What a topic's settings are, and how they are chosen: the verbs over the table (topic-config-table.ts). A name that is
 * not in the table is refused, and so is a value that voik would not act on: nothing is ignored in silence.
 */
import { VoikError } from "../base/errors.ts";
import { type ConfigEntry, ConfigSource, type ConfigSynonym } from "./config-entry.ts";
import type { KafkaContext } from "./context.ts";
import { type Chosen, TOPIC_CONFIGS, type TopicConfig } from "./topic-config-table.ts";

/** One setting to change; no value means back to the broker's. */
export interface ConfigChange {
  readonly name: string;
  readonly value: string | null;
}

/** A topic that has chosen nothing. */
export function unchosen({ broker }: KafkaContext): Chosen {
  return { retentionMs: broker.retentionMsDefault, durability: "sync", settings: {} };
}

/** All settings of a topic that has chosen these. */
export function topicConfigs(context: KafkaContext, topic: Chosen): ConfigEntry[] {
  return TOPIC_CONFIGS.map((config) => entryOf(config, topic, context));
}

function entryOf(config: TopicConfig, topic: Chosen, context: KafkaContext): ConfigEntry {
  const { name, type, documentation, brokerName, fixed = false } = config;
  const synonyms: ConfigSynonym[] = [];
  const chosen = config.chosen(topic, context);
  if (chosen !== undefined) synonyms.push({ name, value: chosen, source: ConfigSource.topic });
  const source = brokerName === undefined ? ConfigSource.default : ConfigSource.staticBroker;
  synonyms.push({ name: brokerName ?? name, value: config.fallback(context), source });
  const { value, source: from } = synonyms[0] as ConfigSynonym;
  return { name, value, source: from, type, readOnly: fixed, documentation, synonyms };
}

/**
 * `topic` with `changes` made. Throws VoikError config_invalid, which names the setting, what it was given, and what is
 * allowed.
 */
export function changeConfigs(
  context: KafkaContext,
  topic: Chosen,
  changes: readonly ConfigChange[],
): Chosen {
  let changed = topic;
  for (const { name, value } of changes) {
    const config = topicConfigOf(name);
    changed = value === null ? config.reset(changed, context) : config.choose(changed, value, context);
  }
  return changed;
}

/** Throws VoikError config_invalid when voik has no such setting. */
export function topicConfigOf(name: string): TopicConfig {
  const config = TOPIC_CONFIGS.find((known) => known.name === name);
  if (config) return config;
  const choices = TOPIC_CONFIGS.filter((known) => !known.fixed).map((known) => known.name);
  throw new VoikError(
    "config_invalid",
    `voik has no topic setting ${name}: leave it out; ${choices.join(", ")} can be set`,
  );
}

/** A setting that is to be set, to nothing. */
export function noValue(name: string): VoikError {
  return new VoikError("config_invalid", `${name} is to be set, and has no value`);
}
