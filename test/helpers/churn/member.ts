/**
 * A member of a churning group, on voik's own client: it reads what it is given a batch at a time, commits each batch
 * before it reads the next, and tells a ledger. The two protocols say how it gets in, stays in and leaves.
 */
import { KafkaClient } from "../../../src/kafka/client.ts";
import { KafkaError } from "../../../src/kafka/errors.ts";
import { OffsetCommit } from "../../../src/kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../../../src/kafka/messages/09-offset-fetch.ts";
import { fetchRecords } from "../kafka-records.ts";
import type { Topic } from "../transactional-producer.ts";
import type { ChurnLedger } from "./ledger.ts";

/** How often a member says that it is there: it hears of a rebalance no later. */
export const HEARTBEAT_MS = 300;
const FETCH_WAIT_MS = 50;
const FETCH_BYTES = 4096;

/** The group has given this member up, or has moved on without it. */
export const LOST: readonly number[] = [
  KafkaError.illegalGeneration,
  KafkaError.unknownMemberId,
  KafkaError.rebalanceInProgress,
  KafkaError.fencedMemberEpoch,
  KafkaError.staleMemberEpoch,
];

export interface ChurnGroup {
  port: number;
  topic: Topic;
  groupId: string;
  ledger: ChurnLedger;
}

export abstract class ChurnMember {
  /** Settles when the member has left or died; rejects on anything unexpected. */
  readonly ended: Promise<void>;
  protected client!: KafkaClient;
  /** Next offset of each partition that it reads. */
  protected readonly positions = new Map<number, number>();
  protected leaving = false;
  private dead = false;
  private dueMs = 0;

  constructor(
    readonly name: string,
    protected readonly group: ChurnGroup,
  ) {
    this.ended = this.run();
  }

  /** Gets into the group, or back, and takes what it is given. */
  protected abstract join(): Promise<void>;
  /** Says that it is there; false when it has to join again. */
  protected abstract beat(): Promise<boolean>;
  /** Tells the group that it goes. */
  protected abstract goodbye(): Promise<void>;
  /** Member id and generation or epoch, for commits. */
  protected abstract identity(): { memberId: string; generation: number };

  /** Leaves the group at its next step. */
  leave(): Promise<void> {
    this.leaving = true;
    return this.ended;
  }

  /** Is gone at once, without a word. */
  die(): Promise<void> {
    this.dead = true;
    this.group.ledger.died(this.name, this.positions.keys());
    this.client?.close();
    return this.ended;
  }

  private async run(): Promise<void> {
    try {
      this.client = await KafkaClient.connect({
        host: "127.0.0.1",
        port: this.group.port,
        clientId: this.name,
      });
      while (!this.leaving) {
        await this.join();
        await this.readWhileMember();
        this.release([...this.positions.keys()]);
      }
      await this.goodbye();
      this.client.close();
    } catch (error) {
      if (!this.dead) throw error;
    }
  }

  private async readWhileMember(): Promise<void> {
    this.dueMs = performance.now() + HEARTBEAT_MS;
    while (!this.leaving) {
      if (performance.now() >= this.dueMs) {
        this.dueMs = performance.now() + HEARTBEAT_MS;
        if (!(await this.beat())) return;
      }
      if (this.positions.size === 0) await Bun.sleep(FETCH_WAIT_MS);
      for (const partition of [...this.positions.keys()]) if (!(await this.readBatch(partition))) return;
    }
  }

  /** False when the commit of what was read is refused: then it was not read. */
  private async readBatch(partition: number): Promise<boolean> {
    const { topic, ledger } = this.group;
    const from = this.positions.get(partition) as number;
    const options = { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES };
    const records = await fetchRecords(this.client, topic, partition, from, options);
    if (records.length === 0) return true;
    const wrong = records.findIndex(({ offset }, i) => offset !== from + i);
    if (wrong >= 0) ledger.broken.push(`${this.name} fetched ${records[wrong]?.offset} at ${from + wrong}`);
    const end = from + records.length;
    ledger.committing(partition, end);
    const errorCode = await this.commit(partition, end);
    if (errorCode === KafkaError.none) {
      ledger.committed(this.name, partition, from, end);
      this.positions.set(partition, end);
      return true;
    }
    ledger.refused(partition, end);
    if (!LOST.includes(errorCode)) throw new Error(`OffsetCommit: error ${errorCode}`);
    return false;
  }

  private async commit(partition: number, end: number): Promise<number> {
    const { memberId, generation } = this.identity();
    const partitions = [{ partitionIndex: partition, committedOffset: end, committedMetadata: "" }];
    const { topics } = await this.client.request(OffsetCommit, {
      groupId: this.group.groupId,
      memberId,
      generationIdOrMemberEpoch: generation,
      topics: [{ name: this.group.topic.name, partitions }],
    });
    return topics[0]?.partitions[0]?.errorCode ?? -1;
  }

  /** Begins to read these, from where the group is. */
  protected async take(partitions: readonly number[], generation?: number): Promise<void> {
    if (partitions.length === 0) return;
    const { groupId, topic, ledger } = this.group;
    const wanted = [{ groupId, topics: [{ name: topic.name, partitionIndexes: partitions }] }];
    const { groups } = await this.client.request(OffsetFetch, { groupId: "", topics: null, groups: wanted });
    for (const { partitionIndex, committedOffset } of groups[0]?.topics[0]?.partitions ?? []) {
      const at = Math.max(0, committedOffset);
      ledger.claim(this.name, generation, partitionIndex, at);
      this.positions.set(partitionIndex, at);
    }
  }

  /** Reads these no more. */
  protected release(partitions: readonly number[]): void {
    this.group.ledger.release(this.name, partitions);
    for (const partition of partitions) this.positions.delete(partition);
  }
}
