/**
 * A consumer group of KIP-848 as a value. The broker decides who reads what; each member is led from what it has to
 * what it should have by its own heartbeats, and nobody waits for everybody. `consumerStep` (consumer-step.ts) turns a
 * group and an event into the next group and a reply. Times are milliseconds of a clock that never steps.
 *
 *   group.epoch    counts the changes of members, subscriptions and topics: each gives a new target
 *   member.epoch   the target that the member has come to; offsets of another epoch are refused
 *
 *   member:  behind --(has to give up some)--> revoking --(says it has)--> assigned --(others have let go)--> settled
 *
 * A partition belongs to one member until that member says that it has given it up, leaves, or is not heard of any
 * more: `assigned` and `revoking` of all members never share one.
 */
import type { AssignedMember, AssignorName, Topics } from "./assignors.ts";
import type { GroupFailure } from "./group.ts";
import { type Partitions, samePartitions } from "./partitions.ts";

/** What the members of such a group are, and of most classic ones. */
export const CONSUMER_PROTOCOL = "consumer";
/** In place of an epoch: the member joins, leaves, or (a static one) leaves and will be back. */
export const JOIN_EPOCH = 0;
export const LEAVE_EPOCH = -1;
export const AWAY_EPOCH = -2;

export interface ConsumerMember extends AssignedMember {
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** How long it may take to give partitions up. */
  readonly rebalanceTimeoutMs: number;
  readonly assignor: AssignorName | null;
  /** AWAY_EPOCH while a static member is away. */
  readonly epoch: number;
  /** The one before: what a member says whose last reply was lost. */
  readonly previousEpoch: number;
  /** What it may read. */
  readonly assigned: Partitions;
  /** What it has to give up and has not yet. */
  readonly revoking: Partitions;
  /** Of each of both, the epoch since which the member has it without a break. */
  readonly since: ReadonlyMap<string, number>;
  /** It is dropped when it is not heard of until then. */
  readonly deadlineMs: number;
  /** While it revokes: it is dropped when it has not done so until then. */
  readonly revokeDeadlineMs: number | undefined;
}

export interface ConsumerGroup {
  readonly id: string;
  readonly epoch: number;
  readonly assignor: AssignorName;
  readonly members: ReadonlyMap<string, ConsumerMember>;
  /** What each member should have. */
  readonly target: ReadonlyMap<string, Partitions>;
  /** The topics that members are subscribed to, as far as they exist. */
  readonly topics: Topics;
  /** When these were looked at last. */
  readonly topicsCheckedMs: number;
}

export interface ConsumerLimits {
  readonly groupSizeMax: number;
  readonly consumerSessionTimeoutMs: number;
}

export interface ConsumerHeartbeat {
  readonly kind: "heartbeat";
  readonly memberId: string;
  readonly epoch: number;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Of these, null or -1 is what has not changed. */
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly topics: readonly string[] | null;
  readonly assignor: AssignorName | null;
  /** What the member has now. */
  readonly owned: Partitions | null;
}

export type ConsumerEvent =
  | ConsumerHeartbeat
  /** The topics that members are subscribed to, and those of a heartbeat to come, as they are now. */
  | { readonly kind: "topics"; readonly topics: Topics }
  /** Time has passed. */
  | { readonly kind: "tick" };

export interface ConsumerReply {
  readonly failure: GroupFailure | undefined;
  readonly epoch: number;
  /** What the member may read; null when it knows. */
  readonly assignment: Partitions | null;
}

/** A group that nobody has joined yet. */
export function emptyConsumerGroup(id: string): ConsumerGroup {
  const nothing = { members: new Map(), target: new Map(), topics: new Map() };
  return { id, epoch: 0, assignor: "uniform", ...nothing, topicsCheckedMs: -Infinity };
}

/** When the next tick is due; undefined while nothing can happen by time alone. */
export function nextConsumerDeadlineMs({ members }: ConsumerGroup): number | undefined {
  let next = Infinity;
  for (const { deadlineMs, revokeDeadlineMs = Infinity } of members.values())
    next = Math.min(next, deadlineMs, revokeDeadlineMs);
  return next === Infinity ? undefined : next;
}

/**
 * Whether a member may commit for `partitions` under `epoch`: its own, or an earlier one since which it has had them
 * all (KIP-1251). A commit may be on its way while a heartbeat moves the epoch on.
 */
export function mayCommit(member: ConsumerMember, epoch: number, partitions: Iterable<string>): boolean {
  if (epoch === member.epoch) return true;
  if (epoch <= JOIN_EPOCH || epoch > member.epoch) return false;
  for (const key of partitions) if (!((member.since.get(key) ?? Infinity) <= epoch)) return false;
  return true;
}

/** Whether the member has what it should have. */
export function isSettled(group: ConsumerGroup, member: ConsumerMember): boolean {
  const { epoch, revoking, assigned, id } = member;
  const target = group.target.get(id);
  return (
    epoch === group.epoch && revoking.size === 0 && target !== undefined && samePartitions(assigned, target)
  );
}
