/** The settings of the broker under Kafka's names. They come from voik's own options, and can't be changed from here. */
import { ConfigSource, type ConfigEntry, ConfigType, fixedConfig } from "./config-entry.ts";
import { type KafkaContext, NODE_ID } from "./context.ts";
import { LONG_MAX, longOf } from "./topic-config-table.ts";

/** All of them, by name. */
export function brokerConfigs(context: KafkaContext): ConfigEntry[] {
  const { boolean, int, list, long, string } = ConfigType;
  const chosen = (name: string, type: number, value: string | number | boolean, documentation: string) =>
    fixedConfig(name, type, value, documentation, ConfigSource.staticBroker);
  const auto = context.autoCreateStreams;
  const { retentionMsDefault } = context.broker;
  return [
    chosen("auto.create.topics.enable", boolean, auto, "Asking for an unknown topic's metadata creates it."),
    fixedConfig("broker.id", int, NODE_ID, "The only broker."),
    fixedConfig(
      "compression.type",
      string,
      "producer",
      "Batches are kept as the producer compressed them, unless their topic says otherwise.",
    ),
    fixedConfig("default.replication.factor", int, 1, "There is one broker."),
    fixedConfig("log.cleanup.policy", list, "delete", "Old segments are deleted, never compacted."),
    fixedConfig("log.message.timestamp.type", string, "CreateTime", "Records keep the producer's time."),
    chosen(
      "log.retention.bytes",
      long,
      longOf(context.retentionBytes, "-1"),
      "Bytes that a partition keeps.",
    ),
    chosen("log.retention.ms", long, longOf(retentionMsDefault, "-1"), "How long records are kept at least."),
    chosen(
      "log.roll.ms",
      long,
      longOf(context.segmentAgeMs, LONG_MAX),
      "Age at which a new log file is begun.",
    ),
    chosen("log.segment.bytes", int, context.segmentBytes, "Size at which a new log file is begun."),
    chosen("message.max.bytes", int, context.batchBytesMax, "Largest record batch."),
    fixedConfig(
      "min.insync.replicas",
      int,
      1,
      "There is one copy, synced to disk before it is acknowledged.",
    ),
    chosen(
      "num.partitions",
      int,
      context.autoCreatePartitions,
      "Partitions of a topic created without a count.",
    ),
    chosen("socket.request.max.bytes", int, context.limits.requestBytesMax, "Largest request."),
  ];
}
