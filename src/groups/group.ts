/**
 * A consumer group as a value: its members, and what each of them waits for. `step` (step.ts) turns a group and an
 * event into the next group and the replies that are due; nothing here reads a clock or does I/O. Times are
 * milliseconds of a clock that never steps. A ticket stands for one request that waits for its reply.
 *
 *            join                     all joined, or time is up            leader has assigned
 *   empty ---------> joining (27) ----------------------------> syncing ------------------------> stable
 *     ^                |  ^                                        |                                 |
 *     +-- nobody left -+  +---- a member joins anew, leaves, or is not heard of any more -----------+
 *
 * Kafka's names for the phases: Empty, PreparingRebalance, CompletingRebalance, Stable. Members of a group that is
 * joining hear REBALANCE_IN_PROGRESS (27) in their heartbeats and join again; eager members give up what they have
 * first, cooperative ones keep it, and the group need not know which they are.
 */

export type Phase = "empty" | "joining" | "syncing" | "stable";

/** Why a group refuses; the Kafka edge maps each to a code. */
export type GroupFailure =
  | "group_id_invalid"
  | "session_timeout_invalid"
  | "protocol_inconsistent"
  | "group_full"
  | "member_id_required"
  | "member_unknown"
  | "instance_fenced"
  | "generation_illegal"
  | "rebalance_in_progress"
  | "group_not_found"
  | "group_not_empty"
  | "limit_exceeded"
  | "stopping"
  // of KIP-848's groups
  | "request_invalid"
  | "member_fenced"
  | "member_stale"
  | "instance_unreleased"
  | "assignor_unsupported"
  | "pattern_unsupported";

export type Ticket = number;

/** A way of assigning partitions that a member can take part in, with what it wants to say to the leader. */
export interface Protocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  readonly id: string;
  /** Set for a static member (KIP-345): who comes back under this name takes the member's place. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** In the member's order of preference. */
  readonly protocols: readonly Protocol[];
  readonly assignment: Buffer;
  readonly joinTicket: Ticket | undefined;
  readonly syncTicket: Ticket | undefined;
  /** Has not been through a rebalance yet. */
  readonly isNew: boolean;
  /** Has asked for its assignment in this generation. */
  readonly synced: boolean;
  /** The member is dropped when it is not heard of until then; what waits for a reply is not dropped. */
  readonly deadlineMs: number;
}

export interface Group {
  readonly id: string;
  readonly phase: Phase;
  readonly generation: number;
  /** What its members are, such as "consumer"; stays when they have gone. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  readonly members: ReadonlyMap<string, Member>;
  /** Member ids that were given out and not used yet (KIP-394), with the time when they are forgotten. */
  readonly pendingIds: ReadonlyMap<string, number>;
  /** While joining: when it ends whoever has come. */
  readonly joinDeadlineMs: number | undefined;
  /**
   * While a group that was empty joins: the most that it goes on waiting for others after the deadline. All joined is
   * no reason to go on early then.
   */
  readonly initialLeftMs: number | undefined;
  /** While that lasts: somebody has come since the last deadline. */
  readonly initialCame: boolean;
  /** Members that have not synced until then are dropped. */
  readonly syncDeadlineMs: number | undefined;
}

export interface GroupLimits {
  /** Members of a group, ids given out included. */
  readonly groupSizeMax: number;
  /** How long an empty group waits for more members after the first one has come. */
  readonly initialDelayMs: number;
  /** How long a member may wait for its first rebalance. */
  readonly newMemberWaitMs: number;
}

/** What a member says about itself when it joins. */
export interface Joining {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
}

/** Who speaks, and of which generation it believes to be. */
export interface Speaker {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface Leaving {
  readonly memberId: string;
  readonly instanceId: string | null;
}

export type GroupEvent =
  | {
      readonly kind: "join";
      readonly ticket: Ticket;
      readonly joining: Joining;
      /** A fresh id, for a member that has none. */
      readonly newMemberId: string;
      /** The client knows to come back with the id that it is given (KIP-394). */
      readonly idRequired: boolean;
      /** The client knows that a leader may be told to assign nothing (KIP-814). */
      readonly maySkip: boolean;
    }
  | {
      readonly kind: "sync";
      readonly ticket: Ticket;
      readonly speaker: Speaker;
      /** Null where the client does not say. */
      readonly protocolType: string | null;
      readonly protocolName: string | null;
      readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
    }
  | { readonly kind: "heartbeat"; readonly ticket: Ticket; readonly speaker: Speaker }
  /** Asks whether `speaker` may commit offsets. */
  | { readonly kind: "commit"; readonly ticket: Ticket; readonly speaker: Speaker }
  | { readonly kind: "leave"; readonly ticket: Ticket; readonly members: readonly Leaving[] }
  /** Time has passed. */
  | { readonly kind: "tick" }
  /** The broker stops: everything that waits is answered. */
  | { readonly kind: "stop" };

export interface JoinReply {
  readonly kind: "join";
  readonly ticket: Ticket;
  readonly failure: GroupFailure | undefined;
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string;
  readonly skipAssignment: boolean;
  /** For the leader: everybody, with what they said under the chosen protocol. */
  readonly members: readonly { id: string; instanceId: string | null; metadata: Buffer }[];
}

export interface SyncReply {
  readonly kind: "sync";
  readonly ticket: Ticket;
  readonly failure: GroupFailure | undefined;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** The answer to a heartbeat and to a commit. */
export interface PlainReply {
  readonly kind: "plain";
  readonly ticket: Ticket;
  readonly failure: GroupFailure | undefined;
}

export interface LeaveReply {
  readonly kind: "leave";
  readonly ticket: Ticket;
  /** One for each that wanted to leave, in their order. */
  readonly failures: readonly (GroupFailure | undefined)[];
}

export type GroupReply = JoinReply | SyncReply | PlainReply | LeaveReply;

export const NO_BYTES: Buffer = Buffer.alloc(0);
export const NO_GENERATION = -1;

/** A group that nobody has joined yet. */
export function emptyGroup(id: string): Group {
  return {
    id,
    phase: "empty",
    generation: 0,
    protocolType: null,
    protocolName: null,
    leaderId: null,
    members: new Map(),
    pendingIds: new Map(),
    joinDeadlineMs: undefined,
    initialLeftMs: undefined,
    initialCame: false,
    syncDeadlineMs: undefined,
  };
}

/** Whether the member waits for others, so that its silence means nothing. */
export function isWaiting({ joinTicket, syncTicket, isNew }: Member): boolean {
  return (joinTicket !== undefined && !isNew) || syncTicket !== undefined;
}

/** When the next tick is due; undefined while nothing can happen by time alone. */
export function nextDeadlineMs(group: Group): number | undefined {
  let next = Math.min(group.joinDeadlineMs ?? Infinity, group.syncDeadlineMs ?? Infinity);
  for (const deadlineMs of group.pendingIds.values()) next = Math.min(next, deadlineMs);
  for (const member of group.members.values()) {
    if (!isWaiting(member)) next = Math.min(next, member.deadlineMs);
  }
  return next === Infinity ? undefined : next;
}

/** The chosen protocol's metadata of a member. */
export function metadataOf(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES;
}

/** The answer to a join that is refused. */
export function refusedJoin(memberId: string, failure: GroupFailure): JoinReply {
  const about = { protocolType: null, protocolName: null, leaderId: "", skipAssignment: false, members: [] };
  return { kind: "join", ticket: 0, failure, memberId, generation: NO_GENERATION, ...about };
}

/** The answer to a sync that is refused. */
export function refusedSync(failure: GroupFailure): SyncReply {
  return { kind: "sync", ticket: 0, failure, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
