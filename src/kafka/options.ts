/** What the Kafka edge is given when it starts: its parts, its address, and its limits with their defaults. */
import type { Access } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Groups } from "../groups/groups.ts";
import type { Broker } from "../streams/broker.ts";
import type { Transactions } from "../transactions/transactions.ts";
import type { KafkaTls } from "./security/tls.ts";

export interface KafkaLimits {
  /** Largest request. */
  requestBytesMax: number;
  /** Requests that are half there, all connections together; at least `requestBytesMax`. */
  requestMemoryBytesMax: number;
  /** Largest request before a login, where one is needed. */
  loginRequestBytesMax: number;
  /** A login, with the handshake of TLS before it, has to be done in this time. */
  loginTimeoutMs: number;
  connectionsMax: number;
  /** From one address, unless it is this machine. */
  connectionsPerAddressMax: number;
  /** A connection whose descriptor is not below this is refused: so many others are taken, and files need some. */
  descriptorsMax: number;
  /** Bytes of Produce requests a second, each user or client id by itself; Infinity for no bound. */
  produceBytesPerSecond: number;
  /** The same of fetched records. */
  fetchBytesPerSecond: number;
  /** A connection with no byte in or out for so long is closed. */
  idleTimeoutMs: number;
  /** A request has so long to arrive, and a second more for each 16 KiB that came. */
  frameTimeoutMs: number;
  /** With so much unsent on a connection, nothing more is read from it. */
  unsentBytesMax: number;
  /** Produce requests of one connection that wait for the disk at once. */
  pipelinedRequestsMax: number;
  fetchBytesMax: number;
  fetchWaitMsMax: number;
  /** Partitions that one topic may be created with through Kafka. */
  partitionsMax: number;
}

export const DEFAULT_KAFKA_LIMITS: Readonly<KafkaLimits> = {
  requestBytesMax: 16 * 1024 * 1024,
  requestMemoryBytesMax: 256 * 1024 * 1024,
  loginRequestBytesMax: 512 * 1024,
  loginTimeoutMs: 10_000,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 512,
  descriptorsMax: Infinity,
  produceBytesPerSecond: Infinity,
  fetchBytesPerSecond: Infinity,
  idleTimeoutMs: 600_000,
  frameTimeoutMs: 20_000,
  unsentBytesMax: 1024 * 1024,
  pipelinedRequestsMax: 64,
  fetchBytesMax: 50 * 1024 * 1024,
  fetchWaitMsMax: 300_000,
  partitionsMax: 1_000,
};

/** How clients have to say who they are. */
export interface KafkaSecurity {
  /** none: they need not. sasl: by a login. tls: by a certificate, which needs `tls` with `clientCa`. */
  auth: "none" | "sasl" | "tls";
  /** Plain text without it. */
  tls?: KafkaTls | undefined;
  /** How long a login holds; Infinity for as long as the connection. */
  sessionLifetimeMs: number;
}

/** Moves file bytes into a socket: bytes sent, or a negated errno. */
export type SendFile = (socketFd: number, fd: number, position: number, bytes: number) => number;

/** Where the records lie, as DescribeLogDirs tells of it. */
export interface DataVolume {
  readonly folder: string;
  /** Of the file system, now; -1 when unknown. */
  sizes(): { totalBytes: number; usableBytes: number };
}

export interface KafkaServerOptions {
  broker: Broker;
  groups: Groups;
  transactions: Transactions;
  access: Access;
  /** Default: plain text, and no login. */
  security?: Partial<KafkaSecurity> | undefined;
  /** Address to listen on. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** What clients are told to connect to; without it the address that they dialled. Port 0: the port they dialled. */
  advertise?: { host: string; port: number } | undefined;
  limits?: Partial<KafkaLimits> | undefined;
  /** Metadata of an unknown topic creates it. Default true. */
  autoCreateStreams?: boolean | undefined;
  /** Partitions of topics that are created without a count. Default 1. */
  autoCreatePartitions?: number | undefined;
  /** Largest record batch that may be produced. Default 1 MiB and 12 bytes, as in Kafka. */
  batchBytesMax?: number | undefined;
  /** What DescribeConfigs says of log.segment.bytes. */
  segmentBytes?: number | undefined;
  /** What it says of log.roll.ms. */
  segmentAgeMs?: number | undefined;
  /** What it says of log.retention.bytes. */
  retentionBytes?: number | undefined;
  dataVolume?: DataVolume | undefined;
  clock?: Clock | undefined;
  random?: Random | undefined;
  logger?: Logger | undefined;
  metrics?: MetricsRegistry | undefined;
  /** Default: sendfile(2) where the system has it; `null` copies through this process. */
  sendFile?: SendFile | null | undefined;
}
