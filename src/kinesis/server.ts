/**
 * The Kinesis edge: one port for HTTP/1.1 and HTTP/2, without TLS (the AWS SDK for JavaScript opens with the latter,
 * prior knowledge) or with it (ALPN tells which). Everything it works with is handed in.
 */
import type { Access } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Broker } from "../streams/broker.ts";
import { Authenticator } from "./authenticator.ts";
import { type Connections, Dispatcher } from "./dispatch.ts";
import { KinesisMetrics } from "./kinesis-metrics.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { OpenBatches } from "./open-batches.ts";
import { ReadTurns } from "./read-turns.ts";
import { SealedTokens } from "./sealed-token.ts";
import { Transitions } from "./stream-status.ts";
import { ShardEvents } from "./shard-events.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Throttle } from "./throttle.ts";

export interface KinesisLimits {
  /** Of one request. */
  maxBodyBytes: number;
  /** Bodies of all requests in work, and large replies that are not sent yet. */
  maxMemoryBytes: number;
}

export interface KinesisSecurity {
  access: Access;
  /** "sigv4": every request is signed with an access key of a user; "none": nobody has to sign. */
  auth: "none" | "sigv4";
}

export interface KinesisServerOptions {
  broker: Broker;
  host: string;
  /** 0 for any free port. */
  port: number;
  /** 32 secret bytes that seal shard iterators and next tokens; keep them, and tokens outlive a restart. */
  iteratorKey: Uint8Array;
  /** 12 digits; shown in ARNs and messages to callers whose access key id is no account. */
  accountId?: string;
  /** How long records of a new stream are kept; a day by default, as with AWS. */
  retentionMs?: number;
  /** How long CREATING, UPDATING and DELETING are shown; 0, the default, for not at all. */
  transitionMs?: number;
  /** "aws": AWS's limits of throughput and calls hold; "none", the default: only voik's own. */
  rates?: "none" | "aws";
  /** Who may come in and do what. Default: everybody everything. */
  security?: KinesisSecurity;
  /** Certificate chain and key, PEM; without them, plain HTTP. */
  tls?: { cert: string; key: string } | undefined;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: MetricsRegistry;
  limits?: Partial<KinesisLimits>;
}

export interface KinesisServer {
  readonly port: number;
  /** Closes the connections that have no request in work; returns how many. Clients connect again when they need to. */
  closeIdle(): number;
  /**
   * Takes no more connections, tells new requests to come back later, lets those in work end, and closes what is
   * still open after `drainMs`.
   */
  stop(options: { drainMs: number }): Promise<void>;
}

export const DEFAULT_ACCOUNT_ID = "000000000000";
const DEFAULT_RETENTION_MS = 24 * 3_600_000;
export const DEFAULT_LIMITS: KinesisLimits = {
  maxBodyBytes: 15 * 1024 * 1024,
  maxMemoryBytes: 256 * 1024 * 1024,
};

/**
 * A client has this long between two requests, to send one, and to take the next part of its reply. Bun looks
 * every four seconds only: a value near that would cut off clients that are not idle.
 */
const IDLE_SECONDS = 30;
/** A subscriber may be busy with what it has for longer; this is the longest that Bun takes. */
const PUSH_IDLE_SECONDS = 255;

export function startKinesisServer(options: KinesisServerOptions): KinesisServer {
  const { broker, clock, random, logger, security, accountId = DEFAULT_ACCOUNT_ID } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = new KinesisMetrics(options.metrics);
  const openBatches = new OpenBatches();
  const readTurns = new ReadTurns(clock);
  const shardEvents = new ShardEvents(clock, openBatches);
  const subscriptions = new Subscriptions({ broker, clock, metrics, shardEvents, readTurns });
  const dispatcher = new Dispatcher({
    services: {
      broker,
      clock,
      tokens: new SealedTokens(options.iteratorKey, clock),
      metrics,
      openBatches,
      readTurns,
      subscriptions,
      retentionMs: options.retentionMs ?? DEFAULT_RETENTION_MS,
      transitions: new Transitions(clock, options.transitionMs ?? 0),
      throttle: options.rates === "aws" ? new Throttle(clock, broker) : undefined,
    },
    random,
    logger,
    memory: new MemoryBudget(limits.maxMemoryBytes),
    maxBodyBytes: limits.maxBodyBytes,
    accountId,
    access: security?.access,
    authenticator:
      security?.auth === "sigv4" ? new Authenticator(security.access.users, clock, accountId) : undefined,
  });
  const server = Bun.serve({
    hostname: options.host,
    port: options.port,
    http2: true,
    ...(options.tls && { tls: options.tls }),
    idleTimeout: IDLE_SECONDS,
    // Above our own limit, so that HTTP/2 gets a 413 as well: here it would only see its stream reset.
    maxRequestBodySize: limits.maxBodyBytes * 2,
    fetch: (request) => dispatcher.handle(request, connections),
  });
  const connections: Connections = {
    onBody: (request) => server.timeout(request, 0),
    onReply: (request) => server.timeout(request, IDLE_SECONDS),
    onPush: (request) => server.timeout(request, PUSH_IDLE_SECONDS),
    addressOf: (request) => server.requestIP(request)?.address ?? "",
  };
  return {
    get port() {
      return server.port as number;
    },
    closeIdle: () => server.closeIdleConnections(),
    async stop({ drainMs }) {
      dispatcher.drain();
      subscriptions.endAll();
      const timer = clock.after(drainMs, () => void server.stop(true));
      await server.stop();
      timer.cancel();
      dispatcher.close();
    },
  };
}
