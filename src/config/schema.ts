/**
 * Every option of `voik serve`, declared once. Defaults, flags, VOIK_* variables, keys of the config file, help
 * texts and docs/configuration.md all come from here.
 */
import { z } from "zod";
import { LOG_LEVELS } from "../base/logger.ts";
import {
  duration,
  type Kind,
  oneOf,
  type Option,
  option,
  optionalOption,
  port,
  size,
  sizeOrUnlimited,
  text,
  wholeNumber,
  yesOrNo,
} from "./option.ts";

export interface AdvertisedAddress {
  host: string;
  /** Undefined: the port that voik listens on. */
  port: number | undefined;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const folder = text("folder", "a folder");
const file = text("file", "a file");
const host = text(
  "host",
  "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them",
  /^[^\s/]+$/,
);
const advertised: Kind<AdvertisedAddress> = {
  schema: z
    .string()
    .regex(/^([^\s:/[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/)
    .transform((address) => {
      const [host = "", port] = address.startsWith("[") ? address.slice(1).split(/\]:?/) : address.split(":");
      return { host, port: port ? Number(port) : undefined };
    })
    .refine(({ port }) => port === undefined || (port > 0 && port < 65536)),
  allowed: "a host name or address that clients can reach, with or without a port: broker.example.com:9092",
  hint: "host[:port]",
};
const principals: Kind<ReadonlySet<string>> = {
  schema: z
    .string()
    .regex(/^User:[^;]+(;User:[^;]+)*$/)
    .transform((list) => new Set(list.split(";"))),
  allowed: "principals with semicolons between them: User:ann;User:ops",
  hint: "principals",
};
const accountId = text("digits", "12 digits", /^\d{12}$/);

export const OPTIONS = {
  dataDir: option(
    "data-dir",
    folder,
    "./voik-data",
    "Folder for everything that voik keeps; made if missing.",
  ),
  host: option("host", host, "127.0.0.1", "Address to listen on."),
  kafkaPort: option("kafka-port", port, "9092", "Port for Kafka clients."),
  kafkaAuth: option(
    "kafka-auth",
    oneOf(["none", "sasl", "tls"]),
    "none",
    "How Kafka clients say who they are: not at all, by user and password (voik user), or by certificate.",
  ),
  kafkaTlsCert: optionalOption(
    "kafka-tls-cert",
    file,
    "Certificate (PEM, with its chain); with it the Kafka port speaks TLS and nothing else.",
  ),
  kafkaTlsKey: optionalOption("kafka-tls-key", file, "Private key of that certificate (PEM)."),
  kafkaTlsClientCa: optionalOption(
    "kafka-tls-client-ca",
    file,
    "Certificate (PEM) of who signs Kafka clients' certificates; without it none are asked for.",
  ),
  kafkaSessionLifetimeMs: optionalOption(
    "kafka-session-lifetime",
    duration("1s", "365d"),
    "How long a Kafka client's login holds before it has to be renewed; without it, as long as the connection.",
  ),
  kafkaProducerByteRate: option(
    "kafka-producer-byte-rate",
    sizeOrUnlimited(KIB),
    "unlimited",
    "Bytes a second that each Kafka user, or client id where nobody logs in, may write before it is throttled.",
  ),
  kafkaConsumerByteRate: option(
    "kafka-consumer-byte-rate",
    sizeOrUnlimited(KIB),
    "unlimited",
    "Bytes a second that each of them may fetch before it is throttled.",
  ),
  kinesisPort: option("kinesis-port", port, "4567", "Port for Kinesis clients (HTTP/1.1 and HTTP/2)."),
  adminPort: option("admin-port", port, "8080", "Port for /livez, /readyz and /metrics."),
  advertise: optionalOption(
    "advertise",
    advertised,
    "Address that Kafka clients are told to connect to; without it, the one they dialled.",
  ),
  logFormat: option("log-format", oneOf(["text", "json"]), "text", "Log lines for people or for machines."),
  logLevel: option("log-level", oneOf(LOG_LEVELS), "info", "Least important log line to print."),
  segmentBytes: option(
    "segment-bytes",
    size(64 * KIB, 2 * GIB - 1),
    "128MiB",
    "Size at which a log starts a new file.",
  ),
  segmentAgeMs: option(
    "segment-age",
    duration("1s", "36500d"),
    "7d",
    "Age at which a log starts a new file; never more than its retention, so that an idle log's records go too.",
  ),
  sync: option(
    "sync",
    oneOf(["auto", "file", "filesystem"]),
    "auto",
    "How records reach the disk: each log's file, the file system once for all, or what is quickest, a journal too (auto).",
  ),
  logIo: option(
    "log-io",
    oneOf(["file", "mmap"]),
    "file",
    "How logs reach the disk: reads and writes, or memory mappings (ext4, XFS, tmpfs).",
  ),
  ballastBytes: option(
    "ballast-bytes",
    size(0, 64 * GIB),
    "64MiB",
    "Size of a file that keeps room for deletions on a full disk; 0 for none.",
  ),
  retentionMs: option(
    "retention",
    duration("1s", "36500d"),
    "7d",
    "How long records are kept, unless their stream says otherwise; --kinesis-retention is for those of Kinesis clients.",
  ),
  retentionBytes: option(
    "retention-bytes",
    sizeOrUnlimited(64 * KIB),
    "unlimited",
    "How many bytes a shard keeps at most; the oldest go first.",
  ),
  scrubBytesPerSecond: option(
    "scrub-bytes-per-second",
    size(0, GIB),
    "4MiB",
    "How fast sealed log files are read in the background to look for damage; 0 turns it off.",
  ),
  offsetRetentionMs: option(
    "offset-retention",
    duration("1s", "36500d"),
    "7d",
    "How long the offsets of a consumer group without members are kept.",
  ),
  transactionTimeoutMsMax: option(
    "transaction-timeout-max",
    duration("1s", "30d"),
    "15m",
    "Longest time that a transactional producer may keep a transaction open; it says itself how long.",
  ),
  transactionalIdRetentionMs: option(
    "transactional-id-retention",
    duration("1s", "36500d"),
    "7d",
    "How long a transactional id that no producer uses is known.",
  ),
  batchBytesMax: option(
    "batch-bytes-max",
    size(KIB, 100 * MIB),
    "1048588",
    "Largest record batch that a Kafka client may write.",
  ),
  kafkaRequestBytesMax: option(
    "kafka-request-bytes-max",
    size(64 * KIB, 100 * MIB),
    "16MiB",
    "Largest request that a Kafka client may send.",
  ),
  autoCreateStreams: option(
    "auto-create-streams",
    yesOrNo,
    "true",
    "Whether a Kafka client that asks for an unknown topic gets it made.",
  ),
  autoCreateShards: option(
    "auto-create-shards",
    wholeNumber(1, 1000),
    "1",
    "Shards (partitions) of a stream made that way.",
  ),
  shardCountMax: option(
    "shard-count-max",
    wholeNumber(1, 100_000),
    "1000",
    "Most shards that all streams may have together, closed ones that can still be read included.",
  ),
  connectionsMax: option(
    "connections-max",
    wholeNumber(1, 1_000_000),
    "4096",
    "Most connections from Kafka clients at a time.",
  ),
  kinesisRetentionMs: option(
    "kinesis-retention",
    duration("1s", "36500d"),
    "24h",
    "How long records are kept of streams that Kinesis clients make, until they change it.",
  ),
  kinesisTransitionMs: option(
    "kinesis-transition-ms",
    wholeNumber(0, 600_000),
    "0",
    "How long Kinesis clients see CREATING, UPDATING and DELETING after a change, in milliseconds.",
  ),
  kinesisAuth: option(
    "kinesis-auth",
    oneOf(["none", "sigv4"]),
    "none",
    "Whether Kinesis clients have to sign with an access key of a user (voik user create --access-key).",
  ),
  kinesisTlsCert: optionalOption(
    "kinesis-tls-cert",
    file,
    "Certificate with its chain, PEM: Kinesis clients then have to use https; needs --kinesis-tls-key.",
  ),
  kinesisTlsKey: optionalOption("kinesis-tls-key", file, "Private key of that certificate, PEM."),
  authorization: option(
    "authorization",
    oneOf(["none", "acl"]),
    "none",
    "Whether everybody may do everything, or what ACL entries allow (voik acl).",
  ),
  superUsers: optionalOption(
    "super-users",
    principals,
    "Who may do everything, whatever the ACL entries say.",
  ),
  allowEveryoneIfNoAcl: option(
    "allow-everyone-if-no-acl",
    yesOrNo,
    "false",
    "Whether everybody may do everything to what no ACL entry is about.",
  ),
  kinesisLimits: option(
    "kinesis-limits",
    oneOf(["none", "aws"]),
    "none",
    "Whether AWS's limits of throughput and calls hold for Kinesis clients, to test how programs meet them.",
  ),
  kinesisAccount: option(
    "kinesis-account",
    accountId,
    "000000000000",
    "AWS account that Kinesis ARNs carry, unless the access key id is one.",
  ),
} as const;

type Value<O> = O extends Option<infer T> ? T : never;

/** The options, read and checked; sizes in bytes, durations in milliseconds. */
export type Config = { readonly [K in keyof typeof OPTIONS]: Value<(typeof OPTIONS)[K]> };
export type ConfigKey = keyof Config;

/** The options in the order of their declaration. */
export const OPTION_LIST = Object.entries(OPTIONS) as [ConfigKey, Option<unknown>][];

/** Where the config file is; an option of its own, since it can't be in the file. */
export const CONFIG_FILE_FLAG = "config";
export const CONFIG_FILE_ENV = "VOIK_CONFIG";
