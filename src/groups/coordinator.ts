/**
 * The groups of this broker: gives each event to its group (step.ts), and hands replies to whoever waits for them. A
 * group is in memory (live-groups.ts) while somebody is in it or about to be; what it has committed is in the
 * offset store. After a restart every group is empty: members find themselves unknown and join again.
 *
 * Bounded: members per group, groups, bytes of what members say about themselves and of what they are assigned.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomId } from "../base/random.ts";
import {
  emptyGroup,
  type Group,
  type GroupEvent,
  type GroupFailure,
  type GroupLimits,
  type GroupReply,
  type JoinReply,
  type Leaving,
  type LeaveReply,
  nextDeadlineMs,
  type PlainReply,
  refusedJoin,
  refusedSync,
  type Speaker,
  type SyncReply,
  type Ticket,
} from "./group.ts";
import type {
  CommittedOffset,
  Groups,
  JoinRequest,
  OffsetKey,
  PendingCommits,
  SyncRequest,
  Waiting,
} from "./groups.ts";
import { type GroupCounts, LiveGroups } from "./live-groups.ts";
import type { OffsetStore } from "./offset-store.ts";
import { OffsetSweep } from "./offset-sweep.ts";
import { step } from "./step.ts";

export interface CoordinatorLimits extends GroupLimits {
  /** Groups with members, and groups with offsets: so many of each. */
  readonly groupsMax: number;
  /** Bytes of metadata and assignments of all members together. */
  readonly groupBytesMax: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  /** How long the offsets of a group without members are kept. */
  readonly offsetRetentionMs: number;
}

export const DEFAULT_COORDINATOR_LIMITS: CoordinatorLimits = {
  groupSizeMax: 1_000,
  initialDelayMs: 500,
  newMemberWaitMs: 300_000,
  groupsMax: 10_000,
  groupBytesMax: 64 * 1024 * 1024,
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  offsetRetentionMs: 7 * 24 * 3_600_000,
};

export interface CoordinatorOptions {
  offsets: OffsetStore;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Whether a stream of that id exists; offsets of others are forgotten. */
  streamExists(streamId: string): boolean;
  limits?: Partial<CoordinatorLimits>;
}

type Answer = (reply: GroupReply) => void;

const GROUP_ID_LENGTH_MAX = 1024;
const ID_PREFIX_LENGTH_MAX = 255;
const NOT_WAITING: Waiting = { cancel() {} };

/** All that Groups is for the classic kind. */
export class GroupCoordinator implements Omit<Groups, "consumers"> {
  readonly offsetSweep: OffsetSweep;
  private readonly live: LiveGroups<Group>;
  private readonly answers = new Map<Ticket, Answer>();
  private readonly limits: CoordinatorLimits;
  private lastTicket = 0;
  private stopping = false;

  constructor(private readonly options: CoordinatorOptions) {
    this.limits = { ...DEFAULT_COORDINATOR_LIMITS, ...options.limits };
    this.live = new LiveGroups(options, {
      isLive: ({ phase, pendingIds }) => phase !== "empty" || pendingIds.size > 0,
      deadlineMs: nextDeadlineMs,
      bytesOf,
      protocolTypeOf: ({ protocolType }) => protocolType,
      onDue: (groupId) => this.run(groupId, { kind: "tick" }),
    });
    this.offsetSweep = new OffsetSweep({
      ...options,
      retentionMs: this.limits.offsetRetentionMs,
      isInUse: (groupId) => this.live.has(groupId),
    });
  }

  /** Groups that somebody is in, and their members. */
  get counts(): GroupCounts {
    return this.live.counts;
  }

  get pending(): PendingCommits {
    return this.options.offsets.pending;
  }

  join(groupId: string, request: JoinRequest, answer: (reply: JoinReply) => void): Waiting {
    const failure = this.refusalOfJoin(groupId, request);
    if (failure) {
      answer(refusedJoin(request.memberId, failure));
      return NOT_WAITING;
    }
    const { idRequired, maySkip, clientId, instanceId, protocols } = request;
    const joining = {
      ...request,
      clientId: clientId.slice(0, ID_PREFIX_LENGTH_MAX),
      protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    };
    const prefix = (instanceId ?? clientId).slice(0, ID_PREFIX_LENGTH_MAX);
    const newMemberId = `${prefix}-${randomId(this.options.random)}`;
    const ticket = this.ticketFor(answer as Answer);
    this.run(groupId, { kind: "join", ticket, joining, newMemberId, idRequired, maySkip });
    return this.waitingOf(ticket);
  }

  sync(groupId: string, request: SyncRequest, answer: (reply: SyncReply) => void): Waiting {
    const failure = this.refusalOfSync(groupId, request);
    if (failure) {
      answer(refusedSync(failure));
      return NOT_WAITING;
    }
    const { protocolType, protocolName, assignments } = request;
    const copies = assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }));
    const ticket = this.ticketFor(answer as Answer);
    this.run(groupId, {
      kind: "sync",
      ticket,
      speaker: request,
      protocolType,
      protocolName,
      assignments: copies,
    });
    return this.waitingOf(ticket);
  }

  heartbeat(groupId: string, speaker: Speaker): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    if (!this.live.has(groupId)) return "member_unknown";
    return this.ask<PlainReply>(groupId, { kind: "heartbeat", ticket: 0, speaker }).failure;
  }

  leave(groupId: string, members: readonly Leaving[]): readonly (GroupFailure | undefined)[] {
    if (this.stopping) return members.map(() => "stopping");
    if (!this.live.has(groupId)) return members.map(() => "member_unknown");
    return this.ask<LeaveReply>(groupId, { kind: "leave", ticket: 0, members }).failures;
  }

  async commit(
    groupId: string,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined> {
    if (this.stopping) return "stopping";
    if (!isGroupId(groupId)) return "group_id_invalid";
    const { offsets: store } = this.options;
    if (this.live.has(groupId)) {
      const { failure } = this.ask<PlainReply>(groupId, { kind: "commit", ticket: 0, speaker });
      if (failure) return failure;
    } else if (speaker.generation >= 0) {
      return store.groups.has(groupId) ? "member_unknown" : "group_not_found";
    }
    const group = this.live.get(groupId);
    const hasMembers = group !== undefined && group.members.size > 0;
    return this.commitOf(groupId, offsets, hasMembers ? group.protocolType : null, !hasMembers);
  }

  /** Commits for a speaker that has been checked. `protocolType`: what members are; `empty`: the group has none. */
  async commitOf(
    groupId: string,
    offsets: readonly CommittedOffset[],
    protocolType: string | null,
    empty = false,
  ): Promise<GroupFailure | undefined> {
    const { offsets: store, clock } = this.options;
    if (offsets.length === 0) return undefined;
    if (!store.groups.has(groupId) && store.groups.size >= this.limits.groupsMax) return "limit_exceeded";
    await store.commit(groupId, offsets, empty ? clock.nowMs() : undefined, protocolType);
    return undefined;
  }

  async commitPending(
    groupId: string,
    producerId: number,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined> {
    if (this.stopping) return "stopping";
    if (!isGroupId(groupId)) return "group_id_invalid";
    const { offsets: store } = this.options;
    const isNamed = speaker.memberId !== "" || speaker.generation >= 0 || speaker.instanceId !== null;
    if (isNamed && this.live.has(groupId)) {
      const { failure } = this.ask<PlainReply>(groupId, { kind: "commit", ticket: 0, speaker });
      if (failure) return failure;
    } else if (speaker.generation >= 0) {
      return "generation_illegal";
    }
    if (offsets.length === 0) return undefined;
    if (!store.groups.has(groupId) && store.groups.size >= this.limits.groupsMax) return "limit_exceeded";
    await store.pending.add(producerId, groupId, offsets);
    return undefined;
  }

  committed(groupId: string, keys: readonly OffsetKey[] | null): Promise<CommittedOffset[]> {
    return this.options.offsets.read(groupId, keys);
  }

  forget(groupId: string, keys: readonly OffsetKey[]): Promise<void> {
    return this.options.offsets.forget(groupId, keys);
  }

  async delete(groupId: string): Promise<GroupFailure | undefined> {
    const group = this.live.get(groupId);
    if (group && group.members.size > 0) return "group_not_empty";
    if (!group && !this.options.offsets.groups.has(groupId)) return "group_not_found";
    await this.options.offsets.deleteGroup(groupId);
    return undefined;
  }

  describe(groupId: string): Group | undefined {
    const group = this.live.get(groupId);
    if (group) return group;
    return this.storedGroup(groupId);
  }

  list(): Group[] {
    const groups = this.live.all();
    for (const id of this.options.offsets.groups.keys()) {
      const stored = this.live.has(id) ? undefined : this.storedGroup(id);
      if (stored) groups.push(stored);
    }
    return groups;
  }

  /** Answers everything that waits and takes no more. */
  stop(): void {
    this.stopping = true;
    this.offsetSweep.stop();
    for (const { id } of this.live.all()) this.run(id, { kind: "stop" });
    this.live.stop();
  }

  /** A group that is only known by its offsets, and by what its members were. */
  private storedGroup(groupId: string): Group | undefined {
    const stored = this.options.offsets.groups.get(groupId);
    return stored && { ...emptyGroup(groupId), protocolType: stored.protocolType };
  }

  private refusalOfJoin(groupId: string, request: JoinRequest): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    if (!isGroupId(groupId)) return "group_id_invalid";
    const { sessionTimeoutMs, memberId, protocols } = request;
    const { sessionTimeoutMsMin, sessionTimeoutMsMax, groupsMax, groupBytesMax } = this.limits;
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
      return "session_timeout_invalid";
    }
    const isLive = this.live.has(groupId);
    if (!isLive && memberId !== "") return "member_unknown";
    if (!isLive && this.live.size >= groupsMax) return "limit_exceeded";
    let bytes = 0;
    for (const { name, metadata } of protocols) bytes += name.length + metadata.length;
    return this.live.bytes + bytes > groupBytesMax ? "limit_exceeded" : undefined;
  }

  private refusalOfSync(groupId: string, { assignments }: SyncRequest): GroupFailure | undefined {
    if (this.stopping) return "stopping";
    if (!this.live.has(groupId)) return "member_unknown";
    let bytes = 0;
    for (const { assignment } of assignments) bytes += assignment.length;
    return this.live.bytes + bytes > this.limits.groupBytesMax ? "limit_exceeded" : undefined;
  }

  private ticketFor(answer: Answer): Ticket {
    this.lastTicket++;
    this.answers.set(this.lastTicket, answer);
    return this.lastTicket;
  }

  private waitingOf(ticket: Ticket): Waiting {
    return { cancel: () => void this.answers.delete(ticket) };
  }

  /** Runs an event that is answered at once. */
  private ask<Reply extends GroupReply>(groupId: string, event: GroupEvent): Reply {
    let own: GroupReply | undefined;
    const ticket = this.ticketFor((reply) => {
      own = reply;
    });
    this.run(groupId, { ...event, ticket } as GroupEvent);
    assert(own !== undefined, "some events are answered at once");
    return own as Reply;
  }

  private run(groupId: string, event: GroupEvent): void {
    const before = this.live.get(groupId) ?? this.storedGroup(groupId) ?? emptyGroup(groupId);
    const { group, replies } = step(before, event, this.options.clock.monotonicMs(), this.limits);
    this.live.put(group, event.kind !== "heartbeat" && event.kind !== "commit");
    for (const reply of replies) {
      const answer = this.answers.get(reply.ticket);
      this.answers.delete(reply.ticket);
      answer?.(reply);
    }
  }
}

function bytesOf({ members }: Group): number {
  let bytes = 0;
  for (const { protocols, assignment } of members.values()) {
    bytes += assignment.length;
    for (const { name, metadata } of protocols) bytes += name.length + metadata.length;
  }
  return bytes;
}

function isGroupId(groupId: string): boolean {
  return groupId !== "" && groupId.length <= GROUP_ID_LENGTH_MAX;
}
