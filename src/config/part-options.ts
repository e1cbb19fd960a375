/**
 * What the options of the command line come to for each part of voik: its bounds and settings, by the names that it has
 * for them. voik.ts adds the parts that it works with.
 */
import type { Config } from "./schema.ts";

export function logOptionsOf(config: Config) {
  return {
    segmentBytesMax: config.segmentBytes,
    segmentAgeMsMax: config.segmentAgeMs,
    retentionBytes: config.retentionBytes,
    scrubBytesPerSecond: config.scrubBytesPerSecond,
    logIo: config.logIo,
  };
}

export function streamOptionsOf(config: Config) {
  return {
    dataDir: config.dataDir,
    retentionMsDefault: config.retentionMs,
    shardCountMax: config.shardCountMax,
  };
}

export function accessRulesOf(config: Config) {
  return {
    enforcing: config.authorization === "acl",
    superUsers: config.superUsers ?? new Set<string>(),
    allowEveryoneIfNoAcl: config.allowEveryoneIfNoAcl,
  };
}

export function transactionLimitsOf(config: Config) {
  return {
    timeoutMsMax: config.transactionTimeoutMsMax,
    idRetentionMs: config.transactionalIdRetentionMs,
  };
}

export function kafkaOptionsOf(config: Config) {
  const { advertise } = config;
  return {
    host: config.host,
    port: config.kafkaPort,
    advertise: advertise && { host: advertise.host, port: advertise.port ?? config.kafkaPort },
    autoCreateStreams: config.autoCreateStreams,
    autoCreatePartitions: config.autoCreateShards,
    batchBytesMax: config.batchBytesMax,
    segmentBytes: config.segmentBytes,
    segmentAgeMs: config.segmentAgeMs,
    retentionBytes: config.retentionBytes,
  };
}

export function kafkaLimitsOf(config: Config) {
  return {
    requestBytesMax: config.kafkaRequestBytesMax,
    connectionsMax: config.connectionsMax,
    produceBytesPerSecond: config.kafkaProducerByteRate,
    fetchBytesPerSecond: config.kafkaConsumerByteRate,
  };
}

export function kinesisOptionsOf(config: Config) {
  return {
    host: config.host,
    port: config.kinesisPort,
    accountId: config.kinesisAccount,
    rates: config.kinesisLimits,
    retentionMs: config.kinesisRetentionMs,
    transitionMs: config.kinesisTransitionMs,
  };
}
