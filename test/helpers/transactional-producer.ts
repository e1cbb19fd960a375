/**
 * A transactional producer and a reader of committed records over the small Kafka client, as Kafka's clients have them:
 * the producer in the way of KIP-98 ("announced": partitions and groups are added first) or of KIP-890 ("implicit": they
 * are added by being written to, and each end gives a new epoch).
 */
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { InitProducerId } from "../../src/kafka/messages/22-init-producer-id.ts";
import { AddPartitionsToTxn } from "../../src/kafka/messages/24-add-partitions-to-txn.ts";
import { AddOffsetsToTxn } from "../../src/kafka/messages/25-add-offsets-to-txn.ts";
import { EndTxn } from "../../src/kafka/messages/26-end-txn.ts";
import { TxnOffsetCommit } from "../../src/kafka/messages/28-txn-offset-commit.ts";
import {
  Attribute,
  attributesOf,
  batchBytesOf,
  nextOffsetOf,
  producerIdOf,
} from "../../src/log/record-batch.ts";
import { RecordReader } from "../../src/log/record.ts";
import { batchOf } from "./log.ts";
import { inTransaction } from "./producers.ts";

export type Manner = "announced" | "implicit";
export interface Topic {
  name: string;
  id: string;
}

const ABORT = 0;

/** Throws `name: error N`; tests match on the number. */
function check(name: string, code: number | undefined): void {
  if (code !== 0) throw new Error(`${name}: error ${code}`);
}

export class TransactionalProducer {
  private readonly sequences = new Map<string, number>();
  private readonly added = new Set<string>();

  private constructor(
    private readonly client: KafkaClient,
    readonly id: string,
    private readonly manner: Manner,
    public producerId: number,
    public producerEpoch: number,
  ) {}

  /** Starts under a transactional id: whoever had it before is fenced. */
  static async start(
    client: KafkaClient,
    id: string,
    manner: Manner = "announced",
    timeoutMs = 60_000,
  ): Promise<TransactionalProducer> {
    const body = { transactionalId: id, transactionTimeoutMs: timeoutMs };
    const reply = await client.request(InitProducerId, body);
    check("InitProducerId", reply.errorCode);
    return new TransactionalProducer(client, id, manner, reply.producerId, reply.producerEpoch);
  }

  private get identity() {
    const { producerId, producerEpoch, id: transactionalId } = this;
    return { transactionalId, producerId, producerEpoch };
  }

  /** Sends one batch; resolves to its base offset. */
  async send(topic: Topic, partition: number, values: readonly string[]): Promise<number> {
    const place = `${topic.name}/${partition}`;
    if (this.manner === "announced" && !this.added.has(place)) {
      await this.announce(topic.name, [partition]);
      this.added.add(place);
    }
    const sequence = this.sequences.get(place) ?? 0;
    this.sequences.set(place, sequence + values.length);
    const records = inTransaction(batchOf(values), this.producerId, this.producerEpoch, sequence);
    const topicData = [
      { name: topic.name, topicId: topic.id, partitionData: [{ index: partition, records }] },
    ];
    const version = this.manner === "announced" ? 11 : 13;
    const body = { transactionalId: this.id, acks: -1, timeoutMs: 30_000, topicData };
    const { responses } = await this.client.request(Produce, body, version);
    const result = responses[0]?.partitionResponses[0];
    check("Produce", result?.errorCode);
    return result?.baseOffset ?? -1;
  }

  /** AddPartitionsToTxn in the version that clients use. */
  async announce(name: string, partitions: number[]): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this.identity;
    const { resultsByTopicV3AndBelow } = await this.client.request(
      AddPartitionsToTxn,
      {
        transactions: [],
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name, partitions }],
      },
      3,
    );
    for (const { partitionErrorCode } of resultsByTopicV3AndBelow[0]?.resultsByPartition ?? [])
      check("AddPartitionsToTxn", partitionErrorCode);
  }

  /** Commits, with the transaction, that `groupId` has read `name` up to `offset`. */
  async commitOffset(groupId: string, name: string, partitionIndex: number, offset: number): Promise<void> {
    if (this.manner === "announced" && !this.added.has(groupId)) {
      const { errorCode } = await this.client.request(AddOffsetsToTxn, { ...this.identity, groupId });
      check("AddOffsetsToTxn", errorCode);
      this.added.add(groupId);
    }
    const partitions = [{ partitionIndex, committedOffset: offset, committedMetadata: "" }];
    const body = { ...this.identity, groupId, topics: [{ name, partitions }] };
    const reply = await this.client.request(TxnOffsetCommit, body, this.manner === "announced" ? 4 : 5);
    check("TxnOffsetCommit", reply.topics[0]?.partitions[0]?.errorCode);
  }

  async end(committed: boolean): Promise<void> {
    const version = this.manner === "announced" ? 4 : 5;
    const reply = await this.client.request(EndTxn, { ...this.identity, committed }, version);
    check("EndTxn", reply.errorCode);
    this.added.clear();
    if (version < 5) return;
    const { producerId, producerEpoch } = reply;
    if (producerId !== this.producerId || producerEpoch !== this.producerEpoch) this.sequences.clear();
    Object.assign(this, { producerId, producerEpoch });
  }
}

export interface CommittedRecord {
  offset: number;
  value: string;
}

/**
 * What a consumer with isolation.level=read_committed gives from `offset` on, one Fetch, by the rules of Kafka's clients: a
 * transaction of the list is aborted from its first offset on, until the producer's abort marker comes by.
 */
export async function fetchCommitted(
  client: KafkaClient,
  topic: Topic,
  partition: number,
  offset: number,
  options: { maxWaitMs?: number; maxBytes?: number } = {},
): Promise<{ records: CommittedRecord[]; nextOffset: number; stableEnd: number; highWatermark: number }> {
  const { maxWaitMs = 0, maxBytes = 1 << 20 } = options;
  const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }];
  const reply = await client.request(Fetch, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: 1,
    topics: [{ topic: topic.name, topicId: topic.id, partitions }],
    forgottenTopicsData: [],
  });
  const found = reply.responses[0]?.partitions[0];
  check("Fetch", reply.errorCode || found?.errorCode);
  const bytes = (found?.records as Buffer | null | undefined) ?? Buffer.alloc(0);
  const toCome = [...(found?.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedNow = new Set<number>();
  const records: CommittedRecord[] = [];
  let nextOffset = offset;
  for (let at = 0; at < bytes.length;) {
    const batch = bytes.subarray(at, at + batchBytesOf(bytes, at));
    at += batch.length;
    const end = nextOffsetOf(batch);
    while (toCome[0] && toCome[0].firstOffset < end) abortedNow.add(toCome.shift()?.producerId ?? -1);
    nextOffset = end;
    const attributes = attributesOf(batch);
    const producerId = producerIdOf(batch);
    if (attributes & Attribute.control) {
      if (batch.readInt16BE(68) === ABORT) abortedNow.delete(producerId);
      continue;
    }
    if (attributes & Attribute.transactional && abortedNow.has(producerId)) continue;
    const reader = new RecordReader(batch);
    while (reader.next()) {
      if (reader.offset >= offset) records.push({ offset: reader.offset, value: String(reader.value()) });
    }
  }
  const { highWatermark = -1, lastStableOffset: stableEnd = -1 } = found ?? {};
  return { records, nextOffset, stableEnd, highWatermark };
}

/** Every committed record of a partition, up to the last stable offset, read in fetches of `maxBytes`. */
export async function readCommitted(
  client: KafkaClient,
  topic: Topic,
  partition: number,
  maxBytes = 1 << 20,
): Promise<CommittedRecord[]> {
  const all: CommittedRecord[] = [];
  for (let offset = 0; ;) {
    const { records, nextOffset, stableEnd } = await fetchCommitted(client, topic, partition, offset, {
      maxBytes,
    });
    all.push(...records);
    if (nextOffset >= stableEnd || nextOffset === offset) return all;
    offset = nextOffset;
  }
}
