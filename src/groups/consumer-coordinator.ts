/**
 * The groups of KIP-848 on this broker: gives each heartbeat to its group (consumer-step.ts), looks after topics that
 * come, grow and go, and keeps one timer per group. A group is here while it has members; what it has committed is in
 * the offset store. After a restart nobody is known: members hear so and join again.
 *
 * Bounded: members per group, groups, bytes of what members are subscribed to.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomId } from "../base/random.ts";
import type { Topics } from "./assignors.ts";
import {
  type ConsumerEvent,
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

interface Entry {
  group: ConsumerGroup;
  bytes: number;
  timer: Timer | undefined;
  timerMs: number;
  topicsCheckedMs: number;
}

/** How often a group's topics are looked at, heartbeats permitting. */
const TOPICS_INTERVAL_MS = 1_000;

export class ConsumerCoordinator implements ConsumerGroups {
  private readonly entries = new Map<string, Entry>();
  private readonly limits: ConsumerCoordinatorLimits;
  private bytes = 0;
  private stopping = false;

  constructor(private readonly options: ConsumerCoordinatorOptions) {
    this.limits = { ...DEFAULT_CONSUMER_LIMITS, ...options.limits };
  }

  get counts(): { groups: number; members: number } {
    let members = 0;
    for (const { group } of this.entries.values()) members += group.members.size;
    return { groups: this.entries.size, members };
  }

  has(groupId: string): boolean {
    return this.entries.has(groupId);
  }

  heartbeat(groupId: string, asked: ConsumerHeartbeat): ConsumerReply & { memberId: string } {
    const memberId = asked.memberId || randomId(this.options.random);
    const request = { ...asked, memberId };
    const failure = this.refusalOf(groupId, request);
    if (failure) return { failure, epoch: 0, assignment: null, memberId };
    const entry = this.entries.get(groupId) ?? this.addEntry(groupId);
    const nowMs = this.options.clock.monotonicMs();
    if (request.topics !== null || nowMs - entry.topicsCheckedMs >= TOPICS_INTERVAL_MS) {
      entry.topicsCheckedMs = nowMs;
      this.run(entry, { kind: "topics", topics: this.topicsOf(entry.group, request) });
    }
    const reply = this.run(entry, request) as ConsumerReply;
    if (request.topics !== null) this.account(entry);
    this.arm(entry);
    return { ...reply, memberId };
  }

  check(
    groupId: string,
    memberId: string,
    epoch: number,
    offsets?: readonly OffsetKey[],
  ): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    const member = this.entries.get(groupId)?.group.members.get(memberId);
    if (!member) return "member_unknown";
    if (!offsets) return epoch === member.epoch ? undefined : "member_stale";
    const keys = offsets.map(({ streamId, shard }) => partitionKey(streamId, shard));
    return mayCommit(member, epoch, keys) ? undefined : "member_stale";
  }

  describe(groupId: string): ConsumerGroup | undefined {
    return this.entries.get(groupId)?.group;
  }

  list(): ConsumerGroup[] {
    return [...this.entries.values()].map(({ group }) => group);
  }

  stop(): void {
    this.stopping = true;
    for (const { timer } of this.entries.values()) timer?.cancel();
  }

  private refusalOf(groupId: string, { epoch, topics }: ConsumerHeartbeat): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    const entry = this.entries.get(groupId);
    // Not group_not_found: on that clients give up, while an unknown member joins again.
    if (!entry && epoch !== JOIN_EPOCH) return "member_unknown";
    if (!entry && this.entries.size >= this.limits.groupsMax) return "limit_exceeded";
    return topics && this.bytes + bytesOf(topics) > this.limits.groupBytesMax ? "limit_exceeded" : undefined;
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

  private run(entry: Entry, event: ConsumerEvent): ConsumerReply | undefined {
    const before = entry.group;
    const { group, reply } = consumerStep(before, event, this.options.clock.monotonicMs(), this.limits);
    entry.group = group;
    if ((before.members.size === 0) !== (group.members.size === 0)) this.noteMembership(group);
    return reply;
  }

  private addEntry(groupId: string): Entry {
    const group = emptyConsumerGroup(groupId);
    const entry = { group, bytes: 0, timer: undefined, timerMs: Infinity, topicsCheckedMs: -Infinity };
    this.entries.set(groupId, entry);
    return entry;
  }

  private account(entry: Entry): void {
    let bytes = 0;
    for (const { topics } of entry.group.members.values()) bytes += bytesOf(topics);
    this.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  private noteMembership({ id, members }: ConsumerGroup): void {
    const { offsets, clock, logger } = this.options;
    offsets.setEmptySince(id, members.size === 0 ? clock.nowMs() : undefined).catch((error: unknown) => {
      if (!(error instanceof VoikError)) throw error;
      logger.warn("a group's end could not be noted: its offsets may be kept longer", { group: id });
    });
  }

  /** One timer per group; it may ring early, then it finds nothing to do and is set again. */
  private arm(entry: Entry): void {
    const { group } = entry;
    if (group.members.size === 0) return this.removeEntry(entry);
    const dueMs = nextConsumerDeadlineMs(group) ?? Infinity;
    if (entry.timer && entry.timerMs <= dueMs) return;
    entry.timer?.cancel();
    const { clock } = this.options;
    entry.timerMs = dueMs;
    entry.timer = clock.after(Math.max(0, Math.ceil(dueMs - clock.monotonicMs())), () => {
      entry.timer = undefined;
      if (this.stopping || this.entries.get(group.id) !== entry) return;
      this.run(entry, { kind: "tick" });
      this.arm(entry);
    });
  }

  private removeEntry(entry: Entry): void {
    entry.timer?.cancel();
    this.bytes -= entry.bytes;
    this.entries.delete(entry.group.id);
  }
}

function bytesOf(names: readonly string[]): number {
  let bytes = 0;
  for (const name of names) bytes += name.length;
  return bytes;
}
