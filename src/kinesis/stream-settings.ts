/**
 * What this edge keeps with a stream, as the stream's attributes: mode, tags, policy, and what AWS lets people set.
 * A setting that was never made is absent. Names:
 *
 *   kinesis.mode  kinesis.policy  kinesis.metrics  kinesis.max-record-kib  kinesis.warm-mib
 *   kinesis.distribution
 *   kinesis.tag.<key>  kinesis.consumer.<name>
 */
import type { Stream } from "../streams/broker.ts";

export type StreamMode = "PROVISIONED" | "ON_DEMAND";

export const SETTING = {
  mode: "kinesis.mode",
  policy: "kinesis.policy",
  metrics: "kinesis.metrics",
  maxRecordKib: "kinesis.max-record-kib",
  warmMib: "kinesis.warm-mib",
  distribution: "kinesis.distribution",
} as const;

export const TAG_PREFIX = "kinesis.tag.";
export const CONSUMER_PREFIX = "kinesis.consumer.";

export const METRICS = [
  "IncomingBytes",
  "IncomingRecords",
  "OutgoingBytes",
  "OutgoingRecords",
  "WriteProvisionedThroughputExceeded",
  "ReadProvisionedThroughputExceeded",
  "IteratorAgeMilliseconds",
] as const;

export const RECORD_KIB_DEFAULT = 1024;

export function modeOf(stream: Stream): StreamMode {
  return stream.attributes.get(SETTING.mode) === "ON_DEMAND" ? "ON_DEMAND" : "PROVISIONED";
}

/** Who says which shard a record goes to: its key, or nobody. */
export type Distribution = "AUTO" | "USER_PARTITION_KEY";

export function distributionOf(stream: Stream): Distribution {
  return stream.attributes.get(SETTING.distribution) === "AUTO" ? "AUTO" : "USER_PARTITION_KEY";
}

/** Largest data and partition key of one record together, in KiB. */
export function maxRecordKibOf(stream: Stream): number {
  return Number(stream.attributes.get(SETTING.maxRecordKib) ?? RECORD_KIB_DEFAULT);
}

/** The shard-level metrics that enhanced monitoring was switched on for, in METRICS' order. */
export function metricsOf(stream: Stream): string[] {
  const names = new Set(stream.attributes.get(SETTING.metrics)?.split(","));
  return METRICS.filter((name) => names.has(name));
}

/** The throughput that somebody asked this on-demand stream to be ready for; recorded, and nothing else. */
export function warmThroughputOf(stream: Stream): object | undefined {
  const mib = stream.attributes.get(SETTING.warmMib);
  return mib === undefined ? undefined : { TargetMiBps: Number(mib), CurrentMiBps: Number(mib) };
}
