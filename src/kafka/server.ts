/**
 * The Kafka edge: listens, makes a Connection of each socket, sweeps the ones that stand still, and stops cleanly.
 */
import { hostOf } from "../access/acl.ts";
import { systemClock, type Timer } from "../base/clock.ts";
import { sendfile } from "../base/libc.ts";
import { silentLogger } from "../base/logger.ts";
import { MetricsRegistry } from "../base/metrics.ts";
import { systemRandom } from "../base/random.ts";
import { Roster } from "../base/roster.ts";
import { Admission } from "./admission.ts";
import { APIS } from "./apis.ts";
import { ByteRates } from "./byte-rates.ts";
import { Connection, type ConnectionParts, type KafkaSocket } from "./connection.ts";
import type { KafkaContext } from "./context.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { KafkaMetrics } from "./metrics.ts";
import {
  DEFAULT_KAFKA_LIMITS,
  type KafkaLimits,
  type KafkaSecurity,
  type KafkaServerOptions,
} from "./options.ts";
import { Session } from "./security/session.ts";
import { certificatePrincipal, listenerTls } from "./security/tls.ts";

const BATCH_BYTES_MAX = 1024 * 1024 + 12;
const SEGMENT_BYTES = 1024 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 1000;
/** Without sendfile a fetched range goes through memory, so it is kept short. */
const COPIED_RANGE_BYTES_MAX = 1024 * 1024;
const NO_VOLUME = { folder: "memory", sizes: () => ({ totalBytes: -1, usableBytes: -1 }) };

type Socket = Bun.Socket<Connection | undefined>;

export interface KafkaServer {
  readonly host: string;
  readonly port: number;
  /** host:port, as clients write it. */
  readonly address: string;
  /** Open connections. */
  readonly connections: number;
  /** Stops accepting, answers what was accepted, and cuts what is left after `drainMs` (default 5,000). */
  stop(options?: { drainMs?: number }): Promise<void>;
}

class BunKafkaServer implements KafkaServer {
  readonly host: string;
  private readonly listener: Bun.TCPSocketListener<Connection | undefined>;
  private readonly parts: ConnectionParts;
  private readonly open = new Roster<Connection>();
  private readonly limits: KafkaLimits;
  private readonly security: KafkaSecurity;
  private readonly admission: Admission;
  private sweepTimer: Timer | undefined;
  private stopping = false;
  private onAllClosed: (() => void) | undefined;

  constructor(private readonly options: KafkaServerOptions) {
    this.limits = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
    this.host = options.host;
    this.security = { auth: "none", sessionLifetimeMs: Infinity, ...options.security };
    const { auth, tls } = this.security;
    // What goes out has to be encrypted first, so it goes through this process.
    const sendFile = tls ? null : options.sendFile === undefined ? (sendfile ?? null) : options.sendFile;
    this.parts = {
      context: this.contextOf(options, sendFile === null),
      budget: new MemoryBudget(Math.max(this.limits.requestMemoryBytesMax, this.limits.requestBytesMax)),
      sendFile,
      logger: options.logger ?? silentLogger,
    };
    const { logger, context } = this.parts;
    const { metrics, clock } = context;
    this.admission = new Admission({ limits: this.limits, metrics, logger, clock });
    this.listener = Bun.listen<Connection | undefined>({
      hostname: options.host,
      port: options.port,
      ...(tls && { tls: listenerTls(tls, auth === "tls") }),
      socket: {
        open: (socket) => this.onOpen(socket),
        handshake: (socket, success) => this.onHandshake(socket, success),
        data: (socket, bytes) => socket.data?.onData(bytes),
        drain: (socket) => socket.data?.onDrain(),
        close: (socket) => this.onClose(socket),
        error: (_socket, error) => {
          // A handler threw: a bug, not the client's doing. The process ends with its stack.
          queueMicrotask(() => {
            throw error;
          });
        },
      },
    });
    this.planSweep(this.parts.context.clock.monotonicMs());
  }

  get port(): number {
    return this.listener.port;
  }

  get address(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  get connections(): number {
    return this.open.size;
  }

  async stop({ drainMs = 5_000 }: { drainMs?: number } = {}): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.sweepTimer?.cancel();
    this.listener.stop(false);
    if (this.open.size === 0) return;
    const allClosed = new Promise<void>((resolve) => {
      this.onAllClosed = resolve;
    });
    for (const connection of [...this.open.members]) connection.drain();
    const timer = this.parts.context.clock.after(drainMs, () => {
      for (const connection of [...this.open.members]) connection.terminate();
    });
    await allClosed;
    timer.cancel();
  }

  private contextOf(options: KafkaServerOptions, copied: boolean): KafkaContext {
    return {
      broker: options.broker,
      groups: options.groups,
      transactions: options.transactions,
      access: options.access,
      security: this.security,
      rates: new ByteRates(options.access.quotas, this.limits, options.clock ?? systemClock),
      limits: this.limits,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      metrics: new KafkaMetrics(options.metrics ?? new MetricsRegistry(), () => this.open.size),
      autoCreateStreams: options.autoCreateStreams ?? true,
      autoCreatePartitions: options.autoCreatePartitions ?? 1,
      batchBytesMax: options.batchBytesMax ?? BATCH_BYTES_MAX,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      segmentAgeMs: options.segmentAgeMs ?? Infinity,
      retentionBytes: options.retentionBytes ?? Infinity,
      dataVolume: options.dataVolume ?? NO_VOLUME,
      spokenApis: APIS.map((api) => ({
        apiKey: api.key,
        minVersion: api.advertisedMin ?? api.request.versions.min,
        maxVersion: api.request.versions.max,
      })),
      rangeBytesMax: copied ? COPIED_RANGE_BYTES_MAX : this.limits.fetchBytesMax,
    };
  }

  private onOpen(socket: Socket): void {
    // Bun's types do not say so: the client may have reset it while it waited to be accepted, and then has no address.
    const remoteAddress: string | undefined = socket.remoteAddress;
    if (remoteAddress === undefined) {
      socket.terminate();
      return;
    }
    const clientHost = hostOf(remoteAddress);
    const descriptor = (socket satisfies KafkaSocket as KafkaSocket).fd ?? -1;
    if (this.stopping || !this.admission.admits(clientHost, descriptor)) {
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
    const session = new Session(this.security);
    const peer = { advertised: this.advertisedTo(socket), clientHost, session };
    const connection = new Connection(socket satisfies KafkaSocket, peer, this.parts);
    socket.data = connection;
    this.open.add(connection);
  }

  /** TLS has come to an end, good or bad; a certificate says who the client is. */
  private onHandshake(socket: Socket, success: boolean): void {
    const connection = socket.data;
    if (connection === undefined) return;
    const principal = success && certificatePrincipal(socket);
    if (principal === false) {
      this.parts.context.metrics.countClosed("tls");
      socket.terminate();
      return;
    }
    connection.session.secure(principal);
    if (connection.session.ready) connection.onLoggedIn();
  }

  /** What the client is told to connect to: what it dialled, unless the options say otherwise. */
  private advertisedTo({ localAddress, localPort }: Socket): { host: string; port: number } {
    const { advertise } = this.options;
    if (advertise) return { host: advertise.host, port: advertise.port || localPort };
    return { host: hostOf(localAddress), port: localPort };
  }

  private onClose(socket: Socket): void {
    const connection = socket.data;
    if (connection === undefined) return;
    connection.onClose();
    this.open.remove(connection);
    this.admission.leaves(connection.clientHost);
    if (this.open.size === 0) this.onAllClosed?.();
  }

  private planSweep(lastMs: number): void {
    const { clock } = this.parts.context;
    const { frameTimeoutMs, idleTimeoutMs, loginTimeoutMs } = this.limits;
    const shortestMs = Math.min(frameTimeoutMs, idleTimeoutMs, loginTimeoutMs);
    const intervalMs = Math.min(SWEEP_INTERVAL_MS, shortestMs / 4);
    this.sweepTimer = clock.after(intervalMs, () => {
      const nowMs = clock.monotonicMs();
      for (const connection of [...this.open.members]) connection.sweep(nowMs - lastMs);
      this.planSweep(nowMs);
    });
  }
}

/** Starts listening. Throws the system's error when the address can't be had (EADDRINUSE, EACCES, …). */
export function startKafkaServer(options: KafkaServerOptions): KafkaServer {
  return new BunKafkaServer(options);
}
