/** What every handler shares: the broker, the limits, and how a topic of the wire becomes a stream of the broker. */
import type { Access } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Groups } from "../groups/groups.ts";
import type { Broker, Shard, Stream } from "../streams/broker.ts";
import type { Transactions } from "../transactions/transactions.ts";
import { KafkaError } from "./errors.ts";
import type { ByteRates } from "./byte-rates.ts";
import type { KafkaMetrics } from "./metrics.ts";
import type { DataVolume, KafkaLimits, KafkaSecurity } from "./options.ts";

/** This broker's id in the one-broker cluster that Kafka clients see: leader, replica and controller of everything. */
export const NODE_ID = 1;
/** The leader never changes, so its epoch does not either. */
export const LEADER_EPOCH = 0;
/** Says that a client knows of no leader epoch, or does not care. */
const NO_LEADER_EPOCH = -1;
export const NO_TOPIC_ID: string = "0".repeat(32);

export interface KafkaContext {
  readonly broker: Broker;
  readonly groups: Groups;
  readonly transactions: Transactions;
  readonly access: Access;
  readonly security: KafkaSecurity;
  readonly rates: ByteRates;
  readonly limits: KafkaLimits;
  readonly clock: Clock;
  /** For nonces. */
  readonly random: Random;
  readonly metrics: KafkaMetrics;
  readonly autoCreateStreams: boolean;
  readonly autoCreatePartitions: number;
  readonly batchBytesMax: number;
  readonly segmentBytes: number;
  /** Age at which a partition starts a new file, unless its topic says otherwise; Infinity: none. */
  readonly segmentAgeMs: number;
  /** What a partition keeps, unless its topic says otherwise; Infinity: no bound. */
  readonly retentionBytes: number;
  readonly dataVolume: DataVolume;
  /** Keys and versions of the APIs that are spoken, as ApiVersions tells them. */
  readonly spokenApis: readonly { apiKey: number; minVersion: number; maxVersion: number }[];
  /** Largest piece of a log that a fetch may hold for one partition, where it has to go through memory. */
  readonly rangeBytesMax: number;
}

/** The cluster id as Kafka prints ids: 22 characters of base64. */
export function clusterIdOf(broker: Broker): string {
  return Buffer.from(broker.clusterId, "hex").toString("base64url");
}

/** The shard that is partition `index` of the stream, if it can be read. */
export function shardAt(stream: Stream, index: number): Shard | undefined {
  const shard = stream.shards[index];
  return shard?.index === index ? shard : stream.shards.find((other) => other.index === index);
}

/** The stream of a topic given by id (where the version has ids) or by name, or the code that says it is unknown. */
export function streamOf(broker: Broker, byId: boolean, topicId: string, name: string): Stream | KafkaError {
  if (byId) return broker.streamById(topicId) ?? KafkaError.unknownTopicId;
  return broker.streamByName(name) ?? KafkaError.unknownTopicOrPartition;
}

/** The same for all wishes for one topic by its name, or, where that is null, by its id; never for a name and an id. */
export function wishKey({ name, topicId }: { name: string | null; topicId: string }): string {
  return name === null ? topicId : `${name}/`;
}

/** What a client hears that believes in leader `epoch` of a partition (KIP-320); none too when it gives none. */
export function epochError(epoch: number): KafkaError {
  if (epoch === LEADER_EPOCH || epoch === NO_LEADER_EPOCH) return KafkaError.none;
  return epoch > LEADER_EPOCH ? KafkaError.unknownLeaderEpoch : KafkaError.fencedLeaderEpoch;
}

/** Kafka's rule for topic names; what the broker allows may be narrower. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..";
}
