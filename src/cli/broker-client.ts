/**
 * What the client commands ask of a running voik, over Kafka's wire protocol: one connection, plain questions and
 * answers, and every failure a line that a person can act on.
 */
import { VoikError } from "../base/errors.ts";
import { KafkaClient, type KafkaClientOptions } from "../kafka/client.ts";
import { KafkaError } from "../kafka/errors.ts";
import { Produce } from "../kafka/messages/00-produce.ts";
import { Fetch } from "../kafka/messages/01-fetch.ts";
import { ListOffsets } from "../kafka/messages/02-list-offsets.ts";
import { Metadata } from "../kafka/messages/03-metadata.ts";
import { CreateTopics } from "../kafka/messages/19-create-topics.ts";
import { DeleteTopics } from "../kafka/messages/20-delete-topics.ts";
import { InitProducerId } from "../kafka/messages/22-init-producer-id.ts";
import { DescribeConfigs } from "../kafka/messages/32-describe-configs.ts";
import type { AbortedFrom } from "./committed-filter.ts";
import { CliError, EXIT } from "./exit.ts";
import { LastingConnection } from "./lasting-connection.ts";
import { PASSWORD_ENV } from "./password.ts";

export interface StreamSummary {
  name: string;
  /** 32 hex digits. */
  id: string;
  /** Ascending. */
  shards: number[];
}

export interface StreamSettings {
  retentionMs: number;
  /** "sync" or "os", as the broker spells it. */
  durability: string;
}

/** Where to read a shard from. */
export interface ShardPosition {
  shard: number;
  offset: number;
}

export interface FetchedShard {
  shard: number;
  highWatermark: number;
  /** Record batches, one behind the other; the last may be cut. */
  batches: Buffer;
  /** Transactions in them whose records are not to be shown; none when reading uncommitted. */
  aborted: readonly AbortedFrom[];
}

/** Kafka's isolation levels. */
export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
export type Isolation = typeof READ_UNCOMMITTED | typeof READ_COMMITTED;

/** Kafka's special timestamps of ListOffsets. */
export const LATEST = -1;
export const EARLIEST = -2;

/** Kafka's number for settings of a topic. */
const TOPIC = 2;
const RETENTION_MS = "retention.ms";
const DURABILITY = "voik.durability";
const ALL_REPLICAS = -1;
/** What voik answers a write to a shard that was split or merged (docs/decisions/0001). */
const SHARD_CLOSED = KafkaError.policyViolation;
const TIMEOUT_MS = 30_000;
const SHARD_FETCH_BYTES = 1024 * 1024;
const FETCH_BYTES = 8 * 1024 * 1024;

const USER_ENV = "VOIK_USER";
const CA_ENV = "VOIK_CA";

/** The argument that every client command takes. */
export const brokerArg = {
  broker: {
    type: "string",
    default: "127.0.0.1:9092",
    valueHint: "host:port",
    description: "A running voik",
  },
} as const;

/** From the environment: who to log in as, and whose certificate the broker has to have, which means TLS. */
async function credentials(): Promise<Pick<KafkaClientOptions, "login" | "tls">> {
  const { [USER_ENV]: user, [PASSWORD_ENV]: password, [CA_ENV]: ca } = process.env;
  if (user !== undefined && password === undefined)
    throw new VoikError("argument_invalid", `${USER_ENV} needs ${PASSWORD_ENV} beside it`);
  return {
    ...(user !== undefined && { login: { mechanism: "SCRAM-SHA-512", user, password: password ?? "" } }),
    ...(ca !== undefined && { tls: { ca: await readCa(ca) } }),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (error) {
    throw new VoikError("argument_invalid", `${CA_ENV}: ${path} can't be read: ${(error as Error).message}`);
  }
}

export class BrokerClient {
  private constructor(readonly kafka: LastingConnection) {}

  /** Connects to "host:port", does `work`, and disconnects. Throws CliError when nothing answers, or nothing any more. */
  static async use<T>(address: string, work: (client: BrokerClient) => Promise<T>): Promise<T> {
    const [, host = "", port] = /^\[?([^\s[\]]+?)\]?:(\d{1,5})$/.exec(address) ?? [];
    if (port === undefined) throw new CliError(EXIT.usage, `--broker takes host:port, not "${address}"`);
    const known = await credentials();
    const connect = () => KafkaClient.connect({ host, port: Number(port), clientId: "voik-cli", ...known });
    let kafka: LastingConnection;
    try {
      kafka = new LastingConnection(await connect(), connect);
    } catch (error) {
      if (error instanceof VoikError && error.code === "argument_invalid") throw error;
      throw new CliError(EXIT.unavailable, `no broker answers at ${address}: ${(error as Error).message}`);
    }
    try {
      return await work(new BrokerClient(kafka));
    } finally {
      kafka.close();
    }
  }

  /** All streams, or those of `names` that exist; by name. */
  async streams(names: string[] | null = null): Promise<StreamSummary[]> {
    const topics = names?.map((name) => ({ name })) ?? null;
    const reply = await this.kafka.request(Metadata, { topics, allowAutoTopicCreation: false });
    const found: StreamSummary[] = [];
    for (const topic of reply.topics) {
      if (topic.errorCode === KafkaError.unknownTopicOrPartition) continue;
      check(topic.errorCode, `stream ${topic.name}`);
      const shards = topic.partitions.map((partition) => partition.partitionIndex).sort((a, b) => a - b);
      found.push({ name: topic.name ?? "", id: topic.topicId, shards });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The stream of that name. Throws CliError when there is none. */
  async stream(name: string): Promise<StreamSummary> {
    const [found] = await this.streams([name]);
    if (!found)
      throw new CliError(EXIT.failed, `there is no stream ${name}: voik stream create ${name} makes one`);
    return found;
  }

  /** Creates a stream; -1 shards and settings that are left out mean the broker's defaults. */
  async create(name: string, shardCount: number, settings: Partial<StreamSettings>): Promise<void> {
    const { retentionMs, durability } = settings;
    const configs: { name: string; value: string }[] = [];
    if (retentionMs !== undefined) configs.push({ name: RETENTION_MS, value: String(retentionMs) });
    if (durability !== undefined) configs.push({ name: DURABILITY, value: durability });
    const topic = { name, numPartitions: shardCount, replicationFactor: -1, assignments: [], configs };
    const reply = await this.kafka.request(CreateTopics, { topics: [topic], timeoutMs: TIMEOUT_MS });
    for (const result of reply.topics) check(result.errorCode, `creating ${name}`, result.errorMessage);
  }

  /** How long a stream keeps its records, and what its acknowledgements mean. */
  async settings(name: string): Promise<StreamSettings> {
    const wanted = {
      resourceType: TOPIC,
      resourceName: name,
      configurationKeys: [RETENTION_MS, DURABILITY],
    };
    const reply = await this.kafka.request(DescribeConfigs, { resources: [wanted] });
    const [found] = reply.results;
    if (found) check(found.errorCode, `stream ${name}`, found.errorMessage);
    const value = (key: string) => found?.configs.find((config) => config.name === key)?.value ?? "";
    return { retentionMs: Number(value(RETENTION_MS)), durability: value(DURABILITY) };
  }

  /** Deletes a stream with its records. */
  async delete(name: string): Promise<void> {
    const request = { topics: [{ name }], topicNames: [name], timeoutMs: TIMEOUT_MS };
    const reply = await this.kafka.request(DeleteTopics, request);
    for (const result of reply.responses) {
      if (result.errorCode === KafkaError.unknownTopicOrPartition) await this.stream(name);
      check(result.errorCode, `deleting ${name}`, result.errorMessage);
    }
  }

  /**
   * For each shard the offset at `timestamp` (ms, EARLIEST or LATEST); -1 where nothing is that new. LATEST of what is
   * committed is where the first open transaction begins.
   */
  async offsets(
    name: string,
    shards: readonly number[],
    timestamp: number,
    isolationLevel: Isolation = READ_UNCOMMITTED,
  ): Promise<Map<number, number>> {
    const partitions = shards.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const reply = await this.kafka.request(ListOffsets, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name, partitions }],
      timeoutMs: TIMEOUT_MS,
    });
    const offsets = new Map<number, number>();
    for (const { partitionIndex, errorCode, offset } of reply.topics[0]?.partitions ?? []) {
      check(errorCode, `shard ${partitionIndex} of ${name}`);
      offsets.set(partitionIndex, offset);
    }
    return offsets;
  }

  /** An id of its own for who writes, under which the broker knows a batch that is sent again (KIP-98). */
  async newProducerId(): Promise<number> {
    const nobody = { transactionalId: null, transactionTimeoutMs: 0 };
    const { errorCode, producerId } = await this.kafka.request(InitProducerId, nobody);
    check(errorCode, "starting to write");
    return producerId;
  }

  /**
   * Writes one batch to each shard of `batches`. Resolves, when every one is durable, to the shards that took none,
   * because they were split or merged.
   */
  async produce(stream: StreamSummary, batches: ReadonlyMap<number, Buffer>): Promise<number[]> {
    const partitionData = [...batches].map(([index, records]) => ({ index, records }));
    const topic = { name: stream.name, topicId: stream.id, partitionData };
    const reply = await this.kafka.request(Produce, {
      transactionalId: null,
      acks: ALL_REPLICAS,
      timeoutMs: TIMEOUT_MS,
      topicData: [topic],
    });
    const closed: number[] = [];
    for (const { partitionResponses } of reply.responses) {
      for (const { index, errorCode, errorMessage } of partitionResponses) {
        if (errorCode === SHARD_CLOSED) closed.push(index);
        else check(errorCode, `writing to shard ${index} of ${stream.name}`, errorMessage);
      }
    }
    return closed;
  }

  /** Reads from `positions` on, waiting up to `waitMs` for the first record. */
  async fetch(
    stream: StreamSummary,
    positions: readonly ShardPosition[],
    waitMs: number,
    isolationLevel: Isolation,
  ): Promise<FetchedShard[]> {
    const partitions = positions.map(({ shard, offset }) => ({
      partition: shard,
      fetchOffset: offset,
      partitionMaxBytes: SHARD_FETCH_BYTES,
    }));
    const reply = await this.kafka.request(Fetch, {
      maxWaitMs: waitMs,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel,
      topics: [{ topic: stream.name, topicId: stream.id, partitions }],
      forgottenTopicsData: [],
    });
    check(reply.errorCode, `reading ${stream.name}`);
    const shards: FetchedShard[] = [];
    for (const partition of reply.responses[0]?.partitions ?? []) {
      check(partition.errorCode, `reading shard ${partition.partitionIndex} of ${stream.name}`);
      const batches = partition.records ?? Buffer.alloc(0);
      const { partitionIndex: shard, highWatermark, abortedTransactions } = partition;
      shards.push({ shard, highWatermark, batches, aborted: abortedTransactions ?? [] });
    }
    return shards;
  }
}

const NAMES = new Map<number, string>(Object.entries(KafkaError).map(([name, code]) => [code, name]));

/** Throws CliError unless `code` is none; says what was tried, and the broker's own words where it has some. */
export function check(code: number, what: string, message?: string | null): void {
  if (code === KafkaError.none) return;
  const name = (NAMES.get(code) ?? `error ${code}`).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  throw new CliError(EXIT.failed, `${what}: ${message ?? name}`);
}
