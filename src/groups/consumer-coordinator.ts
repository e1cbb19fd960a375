/**
 * The groups of KIP-848 on this broker: gives each heartbeat to its group (consumer-step.ts), looks after topics that
 * come, grow and go. A group is in memory (live-groups.ts) while it has members; what it has committed is in
 * the offset store. After a restart nobody is known: members hear so and join again.
 *
 * Bounded: members per group, groups, bytes of what members are subscribed to.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomId } from "../base/random.ts";
import type { Topics } from "./assignors.ts";
import {
  CONSUMER_PROTOCOL,
  type ConsumerGroup,
  type ConsumerHeartbeat,
  type ConsumerLimits,
  type ConsumerReply,
  emptyConsumerGroup,
  JOIN_EPOCH,
  mayCommit,
  nextConsumerDeadlineMs,
} from "./consumer-group.ts";
import { consumerStep } from "./consumer-step.ts";
import type { GroupFailure } from "./group.ts";
import type { ConsumerGroups, OffsetKey } from "./groups.ts";
import { type GroupCounts, LiveGroups } from "./live-groups.ts";
import { partitionKey } from "./partitions.ts";
import type { OffsetStore } from "./offset-store.ts";

export interface ConsumerCoordinatorLimits extends ConsumerLimits {
  readonly groupsMax: number;
  /** Bytes of topic names of all members together. */
  readonly groupBytesMax: number;
}

export const DEFAULT_CONSUMER_LIMITS: ConsumerCoordinatorLimits = {
  groupSizeMax: 1_000,
  consumerSessionTimeoutMs: 45_000,
  groupsMax: 10_000,
  groupBytesMax: 64 * 1024 * 1024,
};

export interface ConsumerCoordinatorOptions {
  offsets: Pick<OffsetStore, "setEmptySince">;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** The stream of that name, with all shards that can be read. */
  streamByName(name: string): { id: string; shards: readonly { index: number }[] } | undefined;
  limits?: Partial<ConsumerCoordinatorLimits>;
}

/** How often a group's topics are looked at, heartbeats permitting. */
const TOPICS_INTERVAL_MS = 1_000;

export class ConsumerCoordinator implements ConsumerGroups {
  private readonly live: LiveGroups<ConsumerGroup>;
  private readonly limits: ConsumerCoordinatorLimits;
  private stopping = false;

  constructor(private readonly options: ConsumerCoordinatorOptions) {
    this.limits = { ...DEFAULT_CONSUMER_LIMITS, ...options.limits };
    this.live = new LiveGroups(options, {
      isLive: ({ members }) => members.size > 0,
      deadlineMs: nextConsumerDeadlineMs,
      bytesOf: ({ members }) => {
        let bytes = 0;
        for (const { topics } of members.values()) bytes += bytesOf(topics);
        return bytes;
      },
      protocolTypeOf: () => CONSUMER_PROTOCOL,
      onDue: (groupId) => this.tick(groupId),
    });
  }

  get counts(): GroupCounts {
    return this.live.counts;
  }

  has(groupId: string): boolean {
    return this.live.has(groupId);
  }

  heartbeat(groupId: string, asked: ConsumerHeartbeat): ConsumerReply & { memberId: string } {
    const memberId = asked.memberId || randomId(this.options.random);
    const request = { ...asked, memberId };
    const failure = this.refusalOf(groupId, request);
    if (failure) return { failure, epoch: 0, assignment: null, memberId };
    const nowMs = this.options.clock.monotonicMs();
    let group = this.live.get(groupId) ?? emptyConsumerGroup(groupId);
    if (request.topics !== null || nowMs - group.topicsCheckedMs >= TOPICS_INTERVAL_MS) {
      const topics = this.topicsOf(group, request);
      ({ group } = consumerStep(group, { kind: "topics", topics }, nowMs, this.limits));
    }
    const { group: after, reply } = consumerStep(group, request, nowMs, this.limits);
    this.live.put(after, request.topics !== null);
    return { ...(reply as ConsumerReply), memberId };
  }

  check(
    groupId: string,
    memberId: string,
    epoch: number,
    offsets?: readonly OffsetKey[],
  ): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    const member = this.live.get(groupId)?.members.get(memberId);
    if (!member) return "member_unknown";
    if (!offsets) return epoch === member.epoch ? undefined : "member_stale";
    const keys = offsets.map(({ streamId, shard }) => partitionKey(streamId, shard));
    return mayCommit(member, epoch, keys) ? undefined : "member_stale";
  }

  describe(groupId: string): ConsumerGroup | undefined {
    return this.live.get(groupId);
  }

  list(): ConsumerGroup[] {
    return this.live.all();
  }

  stop(): void {
    this.stopping = true;
    this.live.stop();
  }

  private refusalOf(groupId: string, { epoch, topics }: ConsumerHeartbeat): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    const isLive = this.live.has(groupId);
    // Not group_not_found: on that clients give up, while an unknown member joins again.
    if (!isLive && epoch !== JOIN_EPOCH) return "member_unknown";
    if (!isLive && this.live.size >= this.limits.groupsMax) return "limit_exceeded";
    return topics && this.live.bytes + bytesOf(topics) > this.limits.groupBytesMax
      ? "limit_exceeded"
      : undefined;
  }

  private topicsOf({ members }: ConsumerGroup, request: ConsumerHeartbeat): Topics {
    const names = new Set(request.topics ?? []);
    for (const { topics } of members.values()) for (const name of topics) names.add(name);
    const topics = new Map<string, { streamId: string; shards: readonly number[] }>();
    for (const name of names) {
      const stream = this.options.streamByName(name);
      if (stream) topics.set(name, { streamId: stream.id, shards: stream.shards.map(({ index }) => index) });
    }
    return topics;
  }

  private tick(groupId: string): void {
    const before = this.live.get(groupId) as ConsumerGroup;
    const { group } = consumerStep(before, { kind: "tick" }, this.options.clock.monotonicMs(), this.limits);
    this.live.put(group, false);
  }
}

function bytesOf(names: readonly string[]): number {
  let bytes = 0;
  for (const name of names) bytes += name.length;
  return bytes;
}
