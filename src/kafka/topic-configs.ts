/**
 * The settings of topics and of the broker under Kafka's names (https://kafka.apache.org/documentation/#topicconfigs).
 * Two can be chosen: retention.ms and voik's own voik.durability. The others say what voik does, and naming them with that value is fine, so that
 * tools which always send them work; any other value is refused instead of silently ignored.
 */
import { VoikError } from "../base/errors.ts";
import { DURABILITIES, type Durability } from "../log/log-factory.ts";
import type { Stream } from "../streams/broker.ts";
import { type KafkaContext, NODE_ID } from "./context.ts";

/** Kafka's numbers for the type of a setting. */
export const ConfigType = { boolean: 1, string: 2, int: 3, long: 5, list: 7 } as const;
/** Kafka's numbers for where a value comes from. */
export const ConfigSource = { topic: 1, staticBroker: 4, default: 5 } as const;

export interface ConfigEntry {
  name: string;
  value: string;
  type: number;
  source: number;
  readOnly: boolean;
  documentation: string;
}

const RETENTION_MS = "retention.ms";
/** Not one of Kafka's: "sync" or "os". */
const DURABILITY = "voik.durability";

/** What a new topic's settings choose; what they leave open is the broker's to say. */
export interface TopicSettings {
  retentionMs?: number;
  durability?: Durability;
}

function fixed(
  name: string,
  type: number,
  value: string | number | boolean,
  documentation: string,
): ConfigEntry {
  return { name, value: String(value), type, source: ConfigSource.default, readOnly: true, documentation };
}

/** Settings that every topic has and nobody can choose. */
function fixedTopicConfigs(context: KafkaContext): ConfigEntry[] {
  return [
    fixed("cleanup.policy", ConfigType.list, "delete", "Old segments are deleted, never compacted."),
    fixed(
      "compression.type",
      ConfigType.string,
      "producer",
      "Batches are kept as the producer compressed them.",
    ),
    fixed("max.message.bytes", ConfigType.int, context.batchBytesMax, "Largest record batch."),
    fixed("message.timestamp.type", ConfigType.string, "CreateTime", "Records keep the producer's time."),
    fixed(
      "min.insync.replicas",
      ConfigType.int,
      1,
      "There is one copy, synced to disk before it is acknowledged.",
    ),
    fixed("retention.bytes", ConfigType.long, -1, "Retention is by time."),
    fixed("segment.bytes", ConfigType.int, context.segmentBytes, "Size at which a new log file is begun."),
  ];
}

/** All settings of a topic that has chosen these. */
export function topicConfigs(
  context: KafkaContext,
  { retentionMs, durability }: Pick<Stream, "retentionMs" | "durability">,
): ConfigEntry[] {
  return [
    {
      name: RETENTION_MS,
      value: String(retentionMs),
      type: ConfigType.long,
      source: ConfigSource.topic,
      readOnly: false,
      documentation: "How long records are kept at least, in milliseconds.",
    },
    {
      name: DURABILITY,
      value: durability,
      type: ConfigType.string,
      source: ConfigSource.topic,
      readOnly: true,
      documentation: "Acknowledged means on the disk (sync) or handed to the operating system (os).",
    },
    ...fixedTopicConfigs(context),
  ];
}

/** Settings of the broker. */
export function brokerConfigs(context: KafkaContext): ConfigEntry[] {
  const { boolean, int, list, string } = ConfigType;
  const auto = context.autoCreateStreams;
  return [
    fixed("auto.create.topics.enable", boolean, auto, "Asking for an unknown topic's metadata creates it."),
    fixed("broker.id", int, NODE_ID, "The only broker."),
    fixed("compression.type", string, "producer", "Batches are kept as the producer compressed them."),
    fixed("default.replication.factor", int, 1, "There is one broker."),
    fixed("log.cleanup.policy", list, "delete", "Old segments are deleted, never compacted."),
    fixed("log.message.timestamp.type", string, "CreateTime", "Records keep the producer's time."),
    fixed("log.segment.bytes", int, context.segmentBytes, "Size at which a new log file is begun."),
    fixed("message.max.bytes", int, context.batchBytesMax, "Largest record batch."),
    fixed("min.insync.replicas", int, 1, "There is one copy, synced to disk before it is acknowledged."),
    fixed(
      "num.partitions",
      int,
      context.autoCreatePartitions,
      "Partitions of topics created without a count.",
    ),
    fixed("socket.request.max.bytes", int, context.limits.requestBytesMax, "Largest request."),
  ];
}

/**
 * What a new topic's settings choose. Throws VoikError config_invalid, naming the setting, what it was given, and what
 * is allowed.
 */
export function topicSettingsFrom(
  context: KafkaContext,
  configs: readonly { name: string; value: string | null }[],
): TopicSettings {
  const settings: TopicSettings = {};
  const allowed = fixedTopicConfigs(context);
  for (const { name, value } of configs) {
    if (value !== null && name === RETENTION_MS) settings.retentionMs = parseRetention(value);
    if (value !== null && name === DURABILITY) settings.durability = parseDurability(value);
    if (name === RETENTION_MS || name === DURABILITY) continue;
    const known = allowed.find((config) => config.name === name);
    if (known === undefined) {
      throw new VoikError(
        "config_invalid",
        `voik has no topic setting ${name}: leave it out; ${RETENTION_MS} and ${DURABILITY} can be set`,
      );
    }
    if (value !== null && value !== known.value) {
      throw new VoikError("config_invalid", `${name} is always ${known.value}, not ${value}: leave it out`);
    }
  }
  return settings;
}

function parseDurability(value: string): Durability {
  const durability = DURABILITIES.find((allowed) => allowed === value);
  if (durability === undefined) {
    throw new VoikError("config_invalid", `${DURABILITY} is ${DURABILITIES.join(" or ")}, not ${value}`);
  }
  return durability;
}

function parseRetention(value: string): number {
  const retentionMs = /^\d{1,15}$/.test(value) ? Number(value) : 0;
  if (retentionMs < 1) {
    throw new VoikError(
      "config_invalid",
      `${RETENTION_MS} is a whole number of milliseconds from 1, not ${value}`,
    );
  }
  return retentionMs;
}
