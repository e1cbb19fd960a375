/**
 * Groups of both kinds under one face: the classic ones (coordinator.ts) and those of KIP-848 (consumer-coordinator.ts).
 * An id is of the one kind as long as such a group has members; what was committed under it belongs to either. Members
 * of the other kind are refused meanwhile: a group changes its kind when everybody has left (decision 0122).
 */
import {
  type Group,
  type GroupFailure,
  type JoinReply,
  type Leaving,
  refusedJoin,
  refusedSync,
} from "./group.ts";
import type { Speaker, SyncReply } from "./group.ts";
import type {
  CommittedOffset,
  ConsumerGroups,
  Groups,
  JoinRequest,
  OffsetKey,
  PendingCommits,
  SyncRequest,
  Waiting,
} from "./groups.ts";
import { CONSUMER_PROTOCOL, type ConsumerHeartbeat } from "./consumer-group.ts";
import type { GroupCounts } from "./live-groups.ts";

export interface ClassicGroups extends Omit<Groups, "consumers"> {
  readonly counts: GroupCounts;
  /** Commits for a speaker that has been checked. */
  commitOf(
    groupId: string,
    offsets: readonly CommittedOffset[],
    protocolType: string,
  ): Promise<GroupFailure | undefined>;
  stop(): void;
}

export interface ModernGroups extends ConsumerGroups {
  readonly counts: GroupCounts;
  /** Whether a group of that id has members. */
  has(groupId: string): boolean;
  stop(): void;
}

const NOT_WAITING: Waiting = { cancel() {} };

export class AllGroups implements Groups {
  readonly consumers: ConsumerGroups;

  constructor(
    private readonly classic: ClassicGroups,
    private readonly modern: ModernGroups,
  ) {
    this.consumers = {
      heartbeat: (groupId, request) => this.consumerHeartbeat(groupId, request),
      check: (...asked) => modern.check(...asked),
      describe: (groupId) => modern.describe(groupId),
      list: () => modern.list(),
    };
  }

  get counts(): GroupCounts {
    const { classic, modern } = this;
    return {
      groups: classic.counts.groups + modern.counts.groups,
      members: classic.counts.members + modern.counts.members,
    };
  }

  get pending(): PendingCommits {
    return this.classic.pending;
  }

  join(groupId: string, request: JoinRequest, answer: (reply: JoinReply) => void): Waiting {
    if (!this.modern.has(groupId)) return this.classic.join(groupId, request, answer);
    answer(refusedJoin(request.memberId, "protocol_inconsistent"));
    return NOT_WAITING;
  }

  sync(groupId: string, request: SyncRequest, answer: (reply: SyncReply) => void): Waiting {
    if (!this.modern.has(groupId)) return this.classic.sync(groupId, request, answer);
    answer(refusedSync("member_unknown"));
    return NOT_WAITING;
  }

  heartbeat(groupId: string, speaker: Speaker): GroupFailure | undefined {
    return this.classic.heartbeat(groupId, speaker);
  }

  leave(groupId: string, members: readonly Leaving[]): readonly (GroupFailure | undefined)[] {
    return this.classic.leave(groupId, members);
  }

  async commit(
    groupId: string,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined> {
    if (!this.modern.has(groupId)) return this.classic.commit(groupId, speaker, offsets);
    const failure = this.modern.check(groupId, speaker.memberId, speaker.generation, offsets);
    return failure ?? this.classic.commitOf(groupId, offsets, CONSUMER_PROTOCOL);
  }

  async commitPending(
    groupId: string,
    producerId: number,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined> {
    const isNamed = speaker.memberId !== "" || speaker.generation >= 0;
    if (!this.modern.has(groupId) || !isNamed)
      return this.classic.commitPending(groupId, producerId, speaker, offsets);
    const failure = this.modern.check(groupId, speaker.memberId, speaker.generation, offsets);
    return failure ?? this.classic.commitPending(groupId, producerId, ANYBODY, offsets);
  }

  committed(groupId: string, keys: readonly OffsetKey[] | null): Promise<CommittedOffset[]> {
    return this.classic.committed(groupId, keys);
  }

  forget(groupId: string, keys: readonly OffsetKey[]): Promise<void> {
    return this.classic.forget(groupId, keys);
  }

  async delete(groupId: string): Promise<GroupFailure | undefined> {
    return this.modern.has(groupId) ? "group_not_empty" : this.classic.delete(groupId);
  }

  describe(groupId: string): Group | undefined {
    return this.modern.has(groupId) ? undefined : this.classic.describe(groupId);
  }

  list(): Group[] {
    return this.classic.list().filter(({ id }) => !this.modern.has(id));
  }

  /** Answers everything that waits and takes no more. */
  stop(): void {
    this.classic.stop();
    this.modern.stop();
  }

  private consumerHeartbeat(
    groupId: string,
    request: ConsumerHeartbeat,
  ): ReturnType<ConsumerGroups["heartbeat"]> {
    const isClassic = (this.classic.describe(groupId)?.members.size ?? 0) > 0;
    if (!isClassic) return this.modern.heartbeat(groupId, request);
    return { failure: "group_not_found", epoch: 0, assignment: null, memberId: request.memberId };
  }
}

/** Who has been checked already. */
const ANYBODY: Speaker = { memberId: "", instanceId: null, generation: -1 };
