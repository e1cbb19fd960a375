/**
 * THE table of a topic's settings under Kafka's names (https://kafka.apache.org/documentation/#topicconfigs): what each
 * one may be, what holds where a topic has not chosen, and where the stream keeps its choice. A row that cannot be
 * chosen says what voik does; naming it with that value is fine, so that tools which always send it work.
 */
import { VoikError } from "../base/errors.ts";
import type { CompressionName } from "../log/compression.ts";
import { DURABILITIES } from "../log/log-factory.ts";
import type { Stream } from "../streams/broker.ts";
import { RETENTION_MS_MAX, type StreamSettings, UNLIMITED } from "../streams/stream-settings.ts";
import { ConfigType } from "./config-entry.ts";
import type { KafkaContext } from "./context.ts";

/** What a topic has chosen. */
export type Chosen = Pick<Stream, "retentionMs" | "durability" | "settings">;

export interface TopicConfig {
  readonly name: string;
  readonly type: number;
  readonly documentation: string;
  /** The broker's setting that holds where the topic has not chosen. */
  readonly brokerName?: string;
  /** What that is now. */
  fallback(context: KafkaContext): string;
  /** What the topic has chosen; undefined when the fallback holds. */
  chosen(topic: Chosen, context: KafkaContext): string | undefined;
  /** The topic with `value` chosen. Throws VoikError config_invalid. */
  choose(topic: Chosen, value: string, context: KafkaContext): Chosen;
  /** The topic without a choice of its own. */
  reset(topic: Chosen, context: KafkaContext): Chosen;
  /** Whether it has one value only. */
  readonly fixed?: boolean;
}

export const LONG_MAX = "9223372036854775807";
const SEGMENT_BYTES_MIN = 64 * 1024;
const SEGMENT_BYTES_MAX = 2 ** 31 - 1;
/** A batch's header, and a byte of a record. */
const BATCH_BYTES_MIN = 62;

/** A number in Kafka's words, where `unlimited` stands for no bound. */
export function longOf(value: number, unlimited: string): string {
  return value >= RETENTION_MS_MAX ? unlimited : String(value);
}

function refuse(name: string, allowed: string, value: string): VoikError {
  return new VoikError("config_invalid", `${name} is ${allowed}, not ${value}`);
}

/** A number of Kafka's. What is too large to be exact here means no bound. */
function wholeNumber(name: string, given: string, min: number, max: number, unlimited?: string): number {
  const text = given.trim();
  if (text === unlimited) return UNLIMITED;
  const isLong = /^\d{1,19}$/.test(text) && BigInt(text) <= BigInt(LONG_MAX);
  const value = isLong ? Math.min(Number(text), UNLIMITED) : -1;
  if (value >= min && value <= max) return value;
  const upTo = max === UNLIMITED ? `from ${min}` : `from ${min} to ${max}`;
  const or = unlimited === "-1" ? ", or -1 for no bound" : "";
  throw refuse(name, `a whole number ${upTo}${or}`, text);
}

/** A row whose choice is kept under one name in the stream's settings. */
function kept<K extends keyof StreamSettings>(
  key: K,
  row: Pick<TopicConfig, "name" | "type" | "documentation" | "brokerName" | "fallback">,
  show: (value: NonNullable<StreamSettings[K]>) => string,
  parse: (text: string, context: KafkaContext) => StreamSettings[K],
): TopicConfig {
  return {
    ...row,
    chosen({ settings }) {
      const value = settings[key];
      return value === undefined ? undefined : show(value);
    },
    choose(topic, text, context) {
      return { ...topic, settings: { ...topic.settings, [key]: parse(text, context) } };
    },
    reset(topic) {
      const { [key]: _gone, ...settings } = topic.settings;
      return { ...topic, settings };
    },
  };
}

/** A row with a value that says what voik does. */
function fixed(name: string, type: number, value: string, documentation: string, why?: string): TopicConfig {
  return {
    name,
    type,
    documentation,
    fixed: true,
    fallback: () => value,
    chosen: () => undefined,
    choose(topic, text) {
      if (text === value) return topic;
      throw new VoikError(
        "config_invalid",
        `${name} is always ${value}, not ${text}: ${why ?? "leave it out"}`,
      );
    },
    reset: (topic) => topic,
  };
}

const COMPRESSION: Record<string, CompressionName | undefined> = {
  uncompressed: "none",
  gzip: "gzip",
  snappy: "snappy",
  lz4: "lz4",
  zstd: "zstd",
};

const { boolean, int, list, long, string } = ConfigType;

const retentionMs: TopicConfig = {
  name: "retention.ms",
  type: long,
  documentation:
    "How long records are kept at least, in milliseconds; 0: until the next sweep, -1: for ever.",
  brokerName: "log.retention.ms",
  fallback: ({ broker }) => longOf(broker.retentionMsDefault, "-1"),
  chosen(topic, { broker }) {
    return topic.retentionMs === broker.retentionMsDefault ? undefined : longOf(topic.retentionMs, "-1");
  },
  choose(topic, text) {
    const value = wholeNumber("retention.ms", text, 0, UNLIMITED, "-1");
    return { ...topic, retentionMs: Math.min(value, RETENTION_MS_MAX) };
  },
  reset: (topic, { broker }) => ({ ...topic, retentionMs: broker.retentionMsDefault }),
};

/** Not one of Kafka's. */
const durability: TopicConfig = {
  name: "voik.durability",
  type: string,
  documentation: "Acknowledged means on the disk (sync) or handed to the operating system (os).",
  fallback: () => "sync",
  chosen: (topic) => (topic.durability === "sync" ? undefined : topic.durability),
  choose(topic, text) {
    const value = DURABILITIES.find((allowed) => allowed === text);
    if (value === undefined) throw refuse("voik.durability", DURABILITIES.join(" or "), text);
    return { ...topic, durability: value };
  },
  reset: (topic) => ({ ...topic, durability: "sync" }),
};

const retentionBytes = kept(
  "retentionBytes",
  {
    name: "retention.bytes",
    type: long,
    documentation: "Bytes that a partition keeps; the oldest segments beyond may go. -1: no bound.",
    brokerName: "log.retention.bytes",
    fallback: (context) => longOf(context.retentionBytes, "-1"),
  },
  (value) => longOf(value, "-1"),
  (text) => wholeNumber("retention.bytes", text, 0, UNLIMITED, "-1"),
);

const segmentBytes = kept(
  "segmentBytes",
  {
    name: "segment.bytes",
    type: int,
    documentation: "Size at which a new log file is begun.",
    brokerName: "log.segment.bytes",
    fallback: (context) => String(context.segmentBytes),
  },
  String,
  (text) => wholeNumber("segment.bytes", text, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
);

const segmentMs = kept(
  "segmentAgeMs",
  {
    name: "segment.ms",
    type: long,
    documentation: "Age at which a new log file is begun, so that retention can get at the old one.",
    brokerName: "log.roll.ms",
    fallback: (context) => longOf(context.segmentAgeMs, LONG_MAX),
  },
  (value) => longOf(value, LONG_MAX),
  (text) => wholeNumber("segment.ms", text, 1, UNLIMITED, LONG_MAX),
);

const maxMessageBytes = kept(
  "batchBytesMax",
  {
    name: "max.message.bytes",
    type: int,
    documentation: "Largest record batch.",
    brokerName: "message.max.bytes",
    fallback: (context) => String(context.batchBytesMax),
  },
  String,
  (text, { limits }) => wholeNumber("max.message.bytes", text, BATCH_BYTES_MIN, limits.requestBytesMax),
);

const timestampType = kept(
  "timestamps",
  {
    name: "message.timestamp.type",
    type: string,
    documentation: "Records bear the producer's time (CreateTime) or that of their arrival (LogAppendTime).",
    brokerName: "log.message.timestamp.type",
    fallback: () => "CreateTime",
  },
  (value) => (value === "arrival" ? "LogAppendTime" : "CreateTime"),
  (text) => {
    if (text === "CreateTime") return "producer";
    if (text === "LogAppendTime") return "arrival";
    throw refuse("message.timestamp.type", "CreateTime or LogAppendTime", text);
  },
);

function timestampBound(key: "timestampBeforeMsMax" | "timestampAfterMsMax", name: string, side: string) {
  return kept(
    key,
    {
      name,
      type: long,
      documentation: `How far a producer's time may lie ${side} the broker's, in milliseconds.`,
      fallback: () => LONG_MAX,
    },
    (value) => longOf(value, LONG_MAX),
    (text) => wholeNumber(name, text, 0, UNLIMITED, LONG_MAX),
  );
}

const compressionType = kept(
  "compression",
  {
    name: "compression.type",
    type: string,
    documentation: "What batches are compressed with in the log; producer: as they were sent.",
    brokerName: "compression.type",
    fallback: () => "producer",
  },
  (value) => (value === "none" ? "uncompressed" : value),
  (text) => {
    const value = Object.hasOwn(COMPRESSION, text) ? COMPRESSION[text] : undefined;
    if (value === undefined && text !== "producer") {
      const allowed = ["producer", ...Object.keys(COMPRESSION)].join(", ");
      throw refuse("compression.type", `one of ${allowed}`, text);
    }
    return value;
  },
);

export const TOPIC_CONFIGS: readonly TopicConfig[] = [
  fixed(
    "cleanup.policy",
    list,
    "delete",
    "Old segments are deleted, never compacted.",
    "voik can't compact a topic yet",
  ),
  compressionType,
  maxMessageBytes,
  timestampBound("timestampAfterMsMax", "message.timestamp.after.max.ms", "after"),
  timestampBound("timestampBeforeMsMax", "message.timestamp.before.max.ms", "before"),
  timestampType,
  fixed("min.insync.replicas", int, "1", "There is one copy, synced to disk before it is acknowledged."),
  fixed("preallocate", boolean, "true", "Space is reserved ahead of what is written."),
  fixed("remote.storage.enable", boolean, "false", "Everything is on the local disk."),
  retentionBytes,
  retentionMs,
  segmentBytes,
  segmentMs,
  fixed("unclean.leader.election.enable", boolean, "false", "There is one broker, and it is always in sync."),
  durability,
];
