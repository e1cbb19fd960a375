/**
 * The face of the consumer groups that the Kafka edge uses. AllGroups (all-groups.ts) is the real one.
 * Offsets belong to a stream's id, so a stream that is deleted and made again under its old name starts afresh.
 */
import type { ConsumerGroup, ConsumerHeartbeat, ConsumerReply } from "./consumer-group.ts";
import type { Group, GroupFailure, Joining, JoinReply, Leaving, Speaker, SyncReply } from "./group.ts";

/** Characters of the metadata that a client may keep with an offset. */
export const OFFSET_METADATA_MAX = 4096;

/** A request that waits for others. */
export interface Waiting {
  /** Nobody wants the reply any more; the member stays in its group until its session ends. */
  cancel(): void;
}

export interface JoinRequest extends Joining {
  readonly idRequired: boolean;
  readonly maySkip: boolean;
}

export interface SyncRequest extends Speaker {
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export interface OffsetKey {
  /** 32 hex digits. */
  readonly streamId: string;
  readonly shard: number;
}

export interface CommittedOffset extends OffsetKey {
  readonly offset: number;
  /** -1 where the client gave none. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** Offsets that transactions have committed, as long as these are open. */
export interface PendingCommits {
  /** Ends those of a producer, in all groups and in one step; resolves when that survives a crash. May be asked again. */
  end(producerId: number, committed: boolean): Promise<void>;
  /** Producers that have some. */
  producers(): readonly number[];
  isPending(groupId: string, streamId: string, shard: number): boolean;
}

/** The groups of KIP-848. */
export interface ConsumerGroups {
  /** A member without an id is given one. */
  heartbeat(groupId: string, request: ConsumerHeartbeat): ConsumerReply & { memberId: string };
  /** Why a member of this epoch may not read offsets; or, with `offsets`, commit these. Undefined when it may. */
  check(
    groupId: string,
    memberId: string,
    epoch: number,
    offsets?: readonly OffsetKey[],
  ): GroupFailure | undefined;
  /** The group, while it has members. */
  describe(groupId: string): ConsumerGroup | undefined;
  list(): ConsumerGroup[];
}

export interface Groups {
  readonly consumers: ConsumerGroups;
  /** Calls `answer` once, now or when the rebalance is over; never after `cancel`. Buffers are copied. */
  join(groupId: string, request: JoinRequest, answer: (reply: JoinReply) => void): Waiting;
  /** Calls `answer` once, now or when the leader has assigned; never after `cancel`. Buffers are copied. */
  sync(groupId: string, request: SyncRequest, answer: (reply: SyncReply) => void): Waiting;
  heartbeat(groupId: string, speaker: Speaker): GroupFailure | undefined;
  /** What became of each, in their order. */
  leave(groupId: string, members: readonly Leaving[]): readonly (GroupFailure | undefined)[];
  /**
   * Resolves when the offsets survive a crash, or to why they were refused. Rejects with VoikError disk_full,
   * storage_failed or shutting_down.
   */
  commit(
    groupId: string,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined>;
  /**
   * Like `commit`, for a transaction: what is committed shows once the transaction of `producerId` has ended well. A
   * speaker without member id and generation is not checked, as older clients give neither.
   */
  commitPending(
    groupId: string,
    producerId: number,
    speaker: Speaker,
    offsets: readonly CommittedOffset[],
  ): Promise<GroupFailure | undefined>;
  readonly pending: PendingCommits;
  /** What the group has committed for `keys`, or everywhere; what can be read here survives a crash. */
  committed(groupId: string, keys: readonly OffsetKey[] | null): Promise<CommittedOffset[]>;
  /** Forgets offsets; resolves when that survives a crash. The caller knows that nobody is subscribed. */
  forget(groupId: string, keys: readonly OffsetKey[]): Promise<void>;
  /** Forgets a group without members and its offsets. */
  delete(groupId: string): Promise<GroupFailure | undefined>;
  /** The group, be it only known by its offsets; undefined when there is none. */
  describe(groupId: string): Group | undefined;
  /** All groups, those known only by their offsets included. */
  list(): Group[];
}
