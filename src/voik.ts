/**
 * The composition root: the one file that knows every concrete part. It opens them in order and closes them in the
 * reverse order.
 *
 *   start   lock folder, admin (not ready yet), streams with their logs, access, groups, transactions, Kafka, Kinesis,
 *           ready
 *   stop    not ready, Kinesis and Kafka drain, transactions, groups and streams sync and close, admin, unlock
 */
import { join, resolve } from "node:path";
import type { Access } from "./access/access.ts";
import { openAccess } from "./access/open-access.ts";
import { CONTROL_SOCKET, startControlServer } from "./admin/control-server.ts";
import { Health } from "./admin/health.ts";
import { registerProcessMetrics } from "./admin/process-metrics.ts";
import { startAdminServer } from "./admin/server.ts";
import { isLoopback } from "./base/address.ts";
import { Ballast } from "./base/ballast.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { Closers } from "./base/closers.ts";
import { descriptorLimit } from "./base/descriptor-limit.ts";
import { connectionDescriptorsMax, DescriptorWatch } from "./base/descriptor-watch.ts";
import { hostAndPort, listen } from "./base/listen.ts";
import { takeDataFolder } from "./base/data-folder.ts";
import { disk, freeBytesOf, volumeSizesOf } from "./base/disk.ts";
import { VoikError } from "./base/errors.ts";
import type { FileSystem, Volume } from "./base/file-system.ts";
import type { Logger } from "./base/logger.ts";
import { MetricsRegistry } from "./base/metrics.ts";
import { readCertificate } from "./base/pem.ts";
import { type Random, systemRandom } from "./base/random.ts";
import { readOrMakeSecret } from "./base/secret-file.ts";
import { widenThreadPool } from "./base/thread-pool.ts";
import { VERSION } from "./base/version.ts";
import { openVolume, whyNoVolume } from "./base/volume.ts";
import { kafkaSecurityOf } from "./config/kafka-security.ts";
import {
  accessRulesOf,
  kafkaLimitsOf,
  kafkaOptionsOf,
  kinesisOptionsOf,
  logOptionsOf,
  streamOptionsOf,
  transactionLimitsOf,
} from "./config/part-options.ts";
import type { Config } from "./config/schema.ts";
import { AllGroups } from "./groups/all-groups.ts";
import { ConsumerCoordinator } from "./groups/consumer-coordinator.ts";
import { GroupCoordinator } from "./groups/coordinator.ts";
import { OffsetStore } from "./groups/offset-store.ts";
import { startKafkaServer } from "./kafka/server.ts";
import { startKinesisServer } from "./kinesis/server.ts";
import { checkLogIo } from "./log/log-io.ts";
import { LogStore } from "./log/log-store.ts";
import { warmFilesMax } from "./base/warm-files.ts";
import { openSyncParts } from "./log/sync-parts.ts";
import { showDurability } from "./streams/show-durability.ts";
import { StreamBroker } from "./streams/stream-broker.ts";
import { TransactionCoordinator } from "./transactions/coordinator.ts";
import { TransactionStore } from "./transactions/transaction-store.ts";

/** Requests in work have this long to end when voik stops; what they wait for is a sync of milliseconds. */
const DRAIN_MS = 4_000;
const ITERATOR_KEY_BYTES = 32;

export interface Voik {
  /** Where to connect to, with the ports that were really taken. */
  readonly addresses: { kafka: string; kinesis: string; admin: string };
  /** Resolves when the disk fails and the process has to end. */
  readonly failed: Promise<VoikError>;
  /** Answers what was accepted, makes it durable and closes everything. */
  stop(): Promise<void>;
}

interface Parts {
  config: Config;
  logger: Logger;
  clock: Clock;
  random: Random;
  fileSystem: FileSystem;
  metrics: MetricsRegistry;
  health: Health;
}

/** Starts everything. On a failure it closes what it opened and throws VoikError or ListenError. */
export async function startVoik(config: Config, logger: Logger): Promise<Voik> {
  widenThreadPool();
  const metrics = new MetricsRegistry();
  const health = new Health();
  const parts = {
    config,
    logger,
    clock: systemClock,
    random: systemRandom,
    fileSystem: disk,
    metrics,
    health,
  };
  const closers = new Closers();
  try {
    return await open(parts, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function open(parts: Parts, closers: Closers): Promise<Voik> {
  const { config, clock, health, metrics } = parts;
  const lock = await takeDataFolder(config.dataDir, parts.fileSystem, { inUse: "give another --data-dir" });
  closers.add(() => lock.release());
  registerProcessMetrics(metrics, clock, VERSION);
  const admin = listen("admin-port", config.host, config.adminPort, () =>
    startAdminServer({ host: config.host, port: config.adminPort, health, metrics }),
  );
  closers.add(() => admin.stop());

  const { broker, failed, fail } = await openStreams(parts, closers);
  const access = await openUsers(parts, fail, closers);
  const groups = await openGroups(parts, broker, fail, closers);
  const transactions = await openTransactions(parts, broker, groups, fail, closers);
  const kafka = startKafka(parts, broker, groups, transactions, access);
  closers.add(() => kafka.stop({ drainMs: DRAIN_MS }));
  const kinesis = await startKinesis(parts, broker, access);
  closers.add(() => kinesis.server.stop({ drainMs: DRAIN_MS }));
  const servers = [kinesis.server, admin];
  const watch = new DescriptorWatch({
    limit: descriptorLimit(Infinity),
    clock,
    logger: parts.logger,
    servers,
  });
  closers.add(() => watch.stop());

  health.phase = "ready";
  void failed.then(() => (health.phase = "failed"));
  return {
    addresses: {
      kafka: hostAndPort(config.host, kafka.port),
      kinesis: kinesis.url,
      admin: `http://${hostAndPort(config.host, admin.port)}`,
    },
    failed,
    stop() {
      health.phase = "stopping";
      return closers.closeAll();
    },
  };
}

/** The file system to sync as a whole, unless --sync or the system says no. */
function volumeOf({ config, logger }: Parts): Volume | undefined {
  if (config.sync === "file") return undefined;
  const fallback = (reason: string) => logger.warn("each log is synced by itself", { reason });
  const reason = whyNoVolume([config.dataDir, join(config.dataDir, "streams")]);
  if (reason === undefined) return openVolume(config.dataDir, fallback);
  if (config.sync === "filesystem") fallback(reason);
  else logger.info("each log is synced by itself", { reason });
  return undefined;
}

function ballastOf({ config, fileSystem, clock, logger }: Parts): Ballast {
  const path = join(config.dataDir, "ballast");
  const freeBytes = () => freeBytesOf(config.dataDir);
  return new Ballast({ path, bytes: config.ballastBytes, freeBytes, fileSystem, clock, logger });
}

async function openStreams(parts: Parts, closers: Closers) {
  const { config, fileSystem, clock, random, logger, metrics } = parts;
  checkLogIo(config.logIo, fileSystem, config.dataDir);
  const { dataDir, sync: kind } = config;
  const volume = volumeOf(parts);
  closers.add(() => volume?.close());
  const { sync, journal } = openSyncParts({ kind, dataDir, volume, fileSystem, clock, logger });
  closers.add(() => journal.close());
  const failure = Promise.withResolvers<VoikError>();
  const fail = (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the disk failed, nothing more can be acknowledged: ${reason}`;
    failure.resolve(new VoikError("storage_failed", message, { cause }));
  };
  const ballast = ballastOf(parts);
  closers.add(() => ballast.close());
  const filesMax = warmFilesMax(descriptorLimit());
  const logs = new LogStore({
    fileSystem,
    clock,
    logger,
    ...logOptionsOf(config),
    sync,
    journal,
    metrics,
    warmFilesMax: filesMax,
    makeRoom: ballast.release,
    onSyncFailure: fail,
  });
  closers.add(() => logs.close());
  const broker = await StreamBroker.open({
    ...streamOptionsOf(config),
    fileSystem,
    openLog: logs.open,
    clock,
    random,
    logger,
    openingMax: filesMax,
    onCatalogFailure: fail,
    makeRoom: ballast.release,
  });
  closers.add(() => broker.close());
  journal.settleDeleted();
  showDurability(broker, parts);
  return { broker, failed: failure.promise, fail };
}

/** Users and ACLs. */
async function openUsers(
  parts: Parts,
  onFailure: (cause: unknown) => void,
  closers: Closers,
): Promise<Access> {
  const { config, fileSystem, clock, random } = parts;
  const access = await openAccess({
    path: join(config.dataDir, "access.db"),
    fileSystem,
    clock,
    random,
    onFailure,
    rules: accessRulesOf(config),
  });
  closers.add(() => access.close());
  startControl(parts, access, closers);
  return access;
}

/** Where it can't listen, on a file system without sockets, users are managed while voik is stopped. */
function startControl({ config, fileSystem, logger }: Parts, access: Access, closers: Closers): void {
  const path = join(config.dataDir, CONTROL_SOCKET);
  try {
    const control = startControlServer({ path, access, fileSystem, logger });
    closers.add(() => control.stop());
  } catch (error) {
    const reason = (error as Error).message;
    logger.warn("no control socket: voik user and voik acl work while voik is stopped", { path, reason });
  }
}

async function openGroups(
  { config, fileSystem, clock, random, logger, metrics }: Parts,
  broker: StreamBroker,
  onSyncFailure: (cause: unknown) => void,
  closers: Closers,
) {
  const path = join(config.dataDir, "groups.db");
  const offsets = await OffsetStore.open({ path, fileSystem, clock, onSyncFailure });
  closers.add(() => offsets.close());
  const streamExists = (id: string) => broker.streamById(id) !== undefined;
  const limits = { offsetRetentionMs: config.offsetRetentionMs };
  const classic = new GroupCoordinator({ offsets, clock, random, logger, streamExists, limits });
  const streamByName = (name: string) => broker.streamByName(name);
  const consumers = new ConsumerCoordinator({ offsets, clock, random, logger, streamByName });
  const groups = new AllGroups(classic, consumers);
  closers.add(() => groups.stop());
  metrics.gauge("voik_groups", "Consumer groups with members.", {}, () => groups.counts.groups);
  metrics.gauge("voik_group_members", "Members of consumer groups.", {}, () => groups.counts.members);
  return groups;
}

/** Resolves when what was decided before a crash has been carried out. */
async function openTransactions(
  { config, fileSystem, clock, logger, metrics }: Parts,
  broker: StreamBroker,
  groups: AllGroups,
  onSyncFailure: (cause: unknown) => void,
  closers: Closers,
) {
  const path = join(config.dataDir, "transactions.db");
  const store = await TransactionStore.open({ path, fileSystem, clock, onSyncFailure });
  closers.add(() => store.close());
  const limits = transactionLimitsOf(config);
  const transactions = await TransactionCoordinator.open({ store, broker, groups, clock, logger, limits });
  closers.add(() => transactions.stop());
  const help = "Transactions that have begun and not ended.";
  metrics.gauge("voik_transactions_open", help, {}, () => transactions.openCount);
  return transactions;
}

function startKafka(
  parts: Parts,
  broker: StreamBroker,
  groups: AllGroups,
  transactions: TransactionCoordinator,
  access: Access,
) {
  const { config, fileSystem, clock, random, logger, metrics } = parts;
  const security = kafkaSecurityOf(config, fileSystem);
  if (security.auth === "none") warnIfOpen(parts, "Kafka", "--kafka-auth=sasl");
  const descriptorsMax = connectionDescriptorsMax(descriptorLimit(Infinity));
  return listen("kafka-port", config.host, config.kafkaPort, () =>
    startKafkaServer({
      broker,
      groups,
      transactions,
      access,
      security,
      ...kafkaOptionsOf(config),
      limits: { ...kafkaLimitsOf(config), descriptorsMax },
      dataVolume: { folder: resolve(config.dataDir), sizes: () => volumeSizesOf(config.dataDir) },
      clock,
      random,
      logger,
      metrics,
    }),
  );
}

async function startKinesis(parts: Parts, broker: StreamBroker, access: Access) {
  const { config, fileSystem, clock, random, logger, metrics } = parts;
  const keyPath = join(config.dataDir, "iterator.key");
  const iteratorKey = await readOrMakeSecret(fileSystem, random, keyPath, ITERATOR_KEY_BYTES);
  const files = { cert: config.kinesisTlsCert, key: config.kinesisTlsKey };
  const tls = readCertificate(fileSystem, "kinesis-tls", files);
  if (config.kinesisAuth === "none") warnIfOpen(parts, "Kinesis", "--kinesis-auth=sigv4");
  const server = listen("kinesis-port", config.host, config.kinesisPort, () =>
    startKinesisServer({
      broker,
      ...kinesisOptionsOf(config),
      iteratorKey,
      security: { access, auth: config.kinesisAuth },
      tls,
      clock,
      random,
      logger,
      metrics,
    }),
  );
  const scheme = tls ? "https" : "http";
  return { server, url: `${scheme}://${hostAndPort(config.host, server.port)}` };
}

/** A port that strangers can reach and that asks nobody who they are. */
function warnIfOpen({ config, logger }: Parts, what: string, flag: string): void {
  if (isLoopback(config.host)) return;
  logger.warn(`${what} clients on the network need not say who they are: ${flag} makes them`, {
    host: config.host,
  });
}
