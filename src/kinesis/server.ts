/**
 * The Kinesis edge: one port for HTTP/1.1 and HTTP/2 without TLS (the AWS SDK for JavaScript opens with the latter,
 * prior knowledge). Everything it works with is handed in.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Broker } from "../streams/broker.ts";
import { Dispatcher } from "./dispatch.ts";
import { KinesisMetrics } from "./kinesis-metrics.ts";
import { OpenBatches } from "./open-batches.ts";
import { RequestBodies, type RequestBodyLimits } from "./request-body.ts";
import { SealedTokens } from "./sealed-token.ts";

export interface KinesisServerOptions {
  broker: Broker;
  host: string;
  /** 0 for any free port. */
  port: number;
  /** 32 secret bytes that seal shard iterators and next tokens; keep them, and tokens outlive a restart. */
  iteratorKey: Uint8Array;
  /** 12 digits; shown in ARNs and messages to callers whose access key id is no account. */
  accountId?: string;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: MetricsRegistry;
  limits?: Partial<RequestBodyLimits>;
}

export interface KinesisServer {
  readonly port: number;
  /**
   * Takes no more connections, tells new requests to come back later, lets those in work end, and closes what is
   * still open after `drainMs`.
   */
  stop(options: { drainMs: number }): Promise<void>;
}

export const DEFAULT_ACCOUNT_ID = "000000000000";
export const DEFAULT_LIMITS: RequestBodyLimits = {
  maxBodyBytes: 11 * 1024 * 1024,
  maxBodyBytesInWork: 256 * 1024 * 1024,
};

/** A client has this long between two requests, and for one request's headers and body. */
const IDLE_SECONDS = 30;

export function startKinesisServer(options: KinesisServerOptions): KinesisServer {
  const { broker, clock, random, logger } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const dispatcher = new Dispatcher({
    services: {
      broker,
      clock,
      tokens: new SealedTokens(options.iteratorKey, clock),
      metrics: new KinesisMetrics(options.metrics),
      openBatches: new OpenBatches(),
    },
    random,
    logger,
    bodies: new RequestBodies(limits),
    accountId: options.accountId ?? DEFAULT_ACCOUNT_ID,
  });
  const server = Bun.serve({
    hostname: options.host,
    port: options.port,
    http2: true,
    idleTimeout: IDLE_SECONDS,
    // Above our own limit, so that HTTP/2 gets a 413 as well: here it would only see its stream reset.
    maxRequestBodySize: limits.maxBodyBytes * 2,
    fetch(request, server) {
      return dispatcher.handle(request, () => server.timeout(request, 0));
    },
  });
  return {
    get port() {
      return server.port as number;
    },
    async stop({ drainMs }) {
      dispatcher.drain();
      const timer = clock.after(drainMs, () => void server.stop(true));
      await server.stop();
      timer.cancel();
    },
  };
}
