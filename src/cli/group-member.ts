/**
 * A member of a consumer group, for `voik consume --group`: the broker tells which shards it reads (KIP-848), and it
 * commits what has been written out. It is heard of as often as the broker wants; who is given up on joins again.
 */
import { randomId, systemRandom } from "../base/random.ts";
import { KafkaError } from "../kafka/errors.ts";
import { OffsetCommit } from "../kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../kafka/messages/09-offset-fetch.ts";
import { ConsumerGroupHeartbeat } from "../kafka/messages/68-consumer-group-heartbeat.ts";
import { type BrokerClient, check, type StreamSummary } from "./broker-client.ts";

/** How long this member may take to give shards up: it does so between two fetches. */
const REBALANCE_TIMEOUT_MS = 60_000;
const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
/** The broker has given this member up, or knows better: it joins again. */
const LOST: readonly number[] = [
  KafkaError.unknownMemberId,
  KafkaError.fencedMemberEpoch,
  KafkaError.staleMemberEpoch,
];

export class GroupMember {
  /** The shards that this member reads now. */
  shards: readonly number[] = [];
  private readonly memberId = randomId(systemRandom);
  private epoch = JOIN_EPOCH;
  private dueMs = 0;

  constructor(
    private readonly client: BrokerClient,
    private readonly groupId: string,
    private readonly stream: StreamSummary,
  ) {}

  /** Milliseconds until the broker wants to hear of this member. */
  get idleMs(): number {
    return Math.max(0, this.dueMs - performance.now());
  }

  /** Says that it is there, if that is due; `shards` may have changed afterwards. Throws CliError. */
  async beat(): Promise<void> {
    if (this.idleMs > 0) return;
    const isJoining = this.epoch === JOIN_EPOCH;
    const owned = this.shards.length > 0 ? [{ topicId: this.stream.id, partitions: this.shards }] : [];
    const reply = await this.client.kafka.request(ConsumerGroupHeartbeat, {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      topicPartitions: owned,
      ...(isJoining
        ? { rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, subscribedTopicNames: [this.stream.name] }
        : {}),
    });
    if (LOST.includes(reply.errorCode) && !isJoining) return this.lose();
    check(reply.errorCode, `group ${this.groupId}`, reply.errorMessage);
    this.epoch = reply.memberEpoch;
    if (reply.assignment) this.shards = reply.assignment.topicPartitions[0]?.partitions ?? [];
    this.dueMs = performance.now() + reply.heartbeatIntervalMs;
  }

  /** What the group has committed, by shard; -1 where it has not. */
  async committed(shards: readonly number[]): Promise<Map<number, number>> {
    const topics = [{ name: this.stream.name, partitionIndexes: shards }];
    const groups = [{ groupId: this.groupId, topics }];
    const reply = await this.client.kafka.request(OffsetFetch, { groupId: "", topics: [], groups });
    const [group] = reply.groups;
    check(group?.errorCode ?? KafkaError.none, `group ${this.groupId}`);
    const partitions = group?.topics[0]?.partitions ?? [];
    return new Map(
      partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
    );
  }

  /** Commits the next offset of each shard. A member that was given up commits nothing, and joins again. */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    if (offsets.size === 0) return;
    const partitions = [...offsets].map(([partitionIndex, committedOffset]) => {
      return { partitionIndex, committedOffset, committedMetadata: "" };
    });
    const reply = await this.client.kafka.request(OffsetCommit, {
      groupId: this.groupId,
      memberId: this.memberId,
      generationIdOrMemberEpoch: this.epoch,
      topics: [{ name: this.stream.name, partitions }],
    });
    for (const { partitionIndex, errorCode } of reply.topics[0]?.partitions ?? []) {
      if (LOST.includes(errorCode)) return this.lose();
      check(errorCode, `shard ${partitionIndex} of ${this.stream.name}`);
    }
  }

  /** Says that it is gone; a broker that is away forgets it by itself. */
  async leave(): Promise<void> {
    const { groupId, memberId } = this;
    this.client.kafka.patienceMs = 0;
    await this.client.kafka.request(ConsumerGroupHeartbeat, { groupId, memberId, memberEpoch: LEAVE_EPOCH });
  }

  private lose(): void {
    this.epoch = JOIN_EPOCH;
    this.shards = [];
    this.dueMs = 0;
  }
}
