/**
 * A group in the course of one step: a copy that may be changed, the replies that have become due, and the moves that
 * several events have in common: taking members in and dropping them, starting a rebalance, completing it.
 */
import {
  type Group,
  type GroupFailure,
  type GroupLimits,
  type GroupReply,
  type Joining,
  type JoinReply,
  type Member,
  metadataOf,
  NO_BYTES,
  NO_GENERATION,
  type Protocol,
  type Ticket,
} from "./group.ts";

const GENERATION_MAX = 2 ** 31 - 1;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Draft {
  readonly group: Mutable<Group>;
  readonly members: Map<string, Member>;
  readonly pendingIds: Map<string, number>;
  readonly replies: GroupReply[] = [];

  constructor(
    before: Group,
    readonly nowMs: number,
    readonly limits: GroupLimits,
  ) {
    this.members = new Map(before.members);
    this.pendingIds = new Map(before.pendingIds);
    this.group = { ...before, members: this.members, pendingIds: this.pendingIds };
  }

  member(id: string): Member | undefined {
    return this.members.get(id);
  }

  byInstance(instanceId: string): Member | undefined {
    for (const member of this.members.values()) if (member.instanceId === instanceId) return member;
    return undefined;
  }

  change(id: string, changes: Partial<Member>): Member {
    const member = { ...(this.members.get(id) as Member), ...changes };
    this.members.set(id, member);
    return member;
  }

  /** The member was heard of. */
  touch(id: string): void {
    const member = this.members.get(id);
    if (member) this.change(id, { deadlineMs: this.nowMs + member.sessionTimeoutMs });
  }

  /** Whether somebody with these protocols can work together with all members. */
  accepts(protocolType: string, protocols: readonly Protocol[]): boolean {
    if (this.members.size === 0) return protocolType !== "" && protocols.length > 0;
    if (protocolType !== this.group.protocolType) return false;
    return protocols.some(({ name }) => this.isSupportedByAll(name));
  }

  addMember(id: string, joining: Joining, ticket: Ticket): void {
    const { protocolType, instanceId, clientId, clientHost } = joining;
    const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = joining;
    if (this.members.size === 0) this.group.protocolType = protocolType;
    this.group.leaderId ??= id;
    this.group.initialCame = true;
    this.pendingIds.delete(id);
    this.members.set(id, {
      id,
      instanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols,
      assignment: NO_BYTES,
      joinTicket: ticket,
      syncTicket: undefined,
      isNew: true,
      synced: false,
      deadlineMs: this.nowMs + this.limits.newMemberWaitMs,
    });
  }

  /** A member joins again, perhaps with other protocols and timeouts. */
  rejoin(id: string, joining: Joining, ticket: Ticket): void {
    this.endWaits(id, "rebalance_in_progress");
    const { protocols, sessionTimeoutMs, rebalanceTimeoutMs, clientId, clientHost } = joining;
    const deadlineMs = this.nowMs + sessionTimeoutMs;
    const described = { protocols, sessionTimeoutMs, rebalanceTimeoutMs, clientId, clientHost };
    this.change(id, { ...described, joinTicket: ticket, deadlineMs });
  }

  /** Drops a member; what it waits for is answered. A rebalance has to follow: see `membersChanged`. */
  removeMember(id: string, failure: GroupFailure = "member_unknown"): void {
    this.endWaits(id, failure);
    this.members.delete(id);
    if (this.group.leaderId === id) this.group.leaderId = this.members.keys().next().value ?? null;
  }

  /** A static member came back: `newId` takes the place of `oldId`, whoever still uses that is fenced. */
  replaceMember(oldId: string, newId: string): void {
    this.endWaits(oldId, "instance_fenced");
    const member = this.members.get(oldId) as Member;
    this.members.delete(oldId);
    this.members.set(newId, { ...member, id: newId, joinTicket: undefined, syncTicket: undefined });
    if (this.group.leaderId === oldId) this.group.leaderId = newId;
  }

  /** Answers what a member waits for with `failure`. */
  endWaits(id: string, failure: GroupFailure): void {
    const { joinTicket, syncTicket } = this.members.get(id) as Member;
    if (joinTicket !== undefined) this.refuseJoin(joinTicket, failure, id);
    if (syncTicket !== undefined) this.replySync(syncTicket, failure);
    this.change(id, { joinTicket: undefined, syncTicket: undefined });
  }

  /** After members came or went: begins a rebalance, or sees whether the one under way is complete. */
  membersChanged(): void {
    if (this.group.phase === "joining") this.completeIfAllJoined();
    else this.rebalance();
  }

  /** Begins a rebalance, unless one is being joined already. */
  rebalance(): void {
    const { group, nowMs } = this;
    if (group.phase === "joining") return;
    const wasEmpty = group.phase === "empty";
    if (group.phase === "syncing") {
      for (const { id, syncTicket } of this.members.values()) {
        if (syncTicket !== undefined) this.replySync(syncTicket, "rebalance_in_progress");
        this.change(id, { assignment: NO_BYTES, syncTicket: undefined });
        this.touch(id);
      }
    }
    group.phase = "joining";
    group.syncDeadlineMs = undefined;
    const waitMs = this.rebalanceTimeoutMs();
    const initialMs = wasEmpty ? Math.min(this.limits.initialDelayMs, waitMs) : 0;
    group.initialLeftMs = initialMs > 0 ? waitMs - initialMs : undefined;
    group.initialCame = false;
    group.joinDeadlineMs = nowMs + (initialMs > 0 ? initialMs : waitMs);
    this.completeIfAllJoined();
  }

  completeIfAllJoined(): void {
    if (this.group.phase !== "joining" || this.group.initialLeftMs !== undefined) return;
    if (this.pendingIds.size > 0) return;
    for (const { joinTicket } of this.members.values()) if (joinTicket === undefined) return;
    this.completeJoin();
  }

  /** Time is up for joining: goes on with those who came, unless the group was empty and more are coming. */
  joinTimeUp(): void {
    const { group } = this;
    if (group.initialLeftMs !== undefined && group.initialLeftMs > 0 && group.initialCame) {
      const moreMs = Math.min(this.limits.initialDelayMs, group.initialLeftMs);
      group.initialLeftMs -= moreMs;
      group.initialCame = false;
      group.joinDeadlineMs = this.nowMs + moreMs;
      return;
    }
    group.initialLeftMs = undefined;
    this.completeJoin();
  }

  /** The reply to a member that is in the group and has joined its generation. */
  joinReplyOf(member: Member, ticket: Ticket): JoinReply {
    const { generation, protocolType, protocolName } = this.group;
    const leaderId = this.group.leaderId ?? "";
    const members = leaderId === member.id ? this.memberList() : [];
    const about = { memberId: member.id, generation, protocolType, protocolName, leaderId, members };
    return { kind: "join", ticket, failure: undefined, skipAssignment: false, ...about };
  }

  /** Everybody, with what they said under the chosen protocol. */
  memberList(): JoinReply["members"] {
    const { protocolName } = this.group;
    return [...this.members.values()].map((member) => ({
      id: member.id,
      instanceId: member.instanceId,
      metadata: metadataOf(member, protocolName),
    }));
  }

  refuseJoin(ticket: Ticket, failure: GroupFailure, memberId: string): void {
    const nothing = { generation: NO_GENERATION, protocolType: null, protocolName: null, leaderId: "" };
    const about = { memberId, ...nothing, skipAssignment: false, members: [] };
    this.replies.push({ kind: "join", ticket, failure, ...about });
  }

  replySync(ticket: Ticket, failure: GroupFailure | undefined, assignment = NO_BYTES): void {
    const { protocolType, protocolName } = this.group;
    const about = failure ? { protocolType: null, protocolName: null } : { protocolType, protocolName };
    this.replies.push({ kind: "sync", ticket, failure, ...about, assignment });
  }

  /** The protocol that all members support and most prefer. */
  chooseProtocol(): string | null {
    const votes = new Map<string, number>();
    for (const { protocols } of this.members.values()) {
      const vote = protocols.find(({ name }) => this.isSupportedByAll(name));
      if (vote) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    let chosen: string | null = null;
    for (const [name, count] of votes) if (count > (votes.get(chosen ?? "") ?? 0)) chosen = name;
    return chosen;
  }

  private completeJoin(): void {
    const { group } = this;
    for (const { id, joinTicket, instanceId } of [...this.members.values()]) {
      if (joinTicket === undefined && instanceId === null) this.removeMember(id);
    }
    const joined = [...this.members.values()].filter(({ joinTicket }) => joinTicket !== undefined);
    if (this.members.size > 0 && joined.length === 0) {
      // Static members only, all silent: each is dropped when its session ends.
      group.joinDeadlineMs = this.nowMs + this.rebalanceTimeoutMs();
      return;
    }
    group.joinDeadlineMs = undefined;
    group.generation = group.generation === GENERATION_MAX ? 1 : group.generation + 1;
    if (joined.length === 0) {
      group.phase = "empty";
      group.protocolName = group.leaderId = null;
      return;
    }
    group.phase = "syncing";
    group.protocolName = this.chooseProtocol();
    group.syncDeadlineMs = this.nowMs + this.rebalanceTimeoutMs();
    if (!joined.some(({ id }) => id === group.leaderId)) group.leaderId = (joined[0] as Member).id;
    for (const { id } of this.members.values()) this.change(id, { synced: false, assignment: NO_BYTES });
    for (const { id, joinTicket, sessionTimeoutMs } of joined) {
      const deadlineMs = this.nowMs + sessionTimeoutMs;
      const member = this.change(id, { joinTicket: undefined, isNew: false, deadlineMs });
      this.replies.push(this.joinReplyOf(member, joinTicket as Ticket));
    }
  }

  private isSupportedByAll(name: string): boolean {
    for (const { protocols } of this.members.values()) {
      if (!protocols.some((protocol) => protocol.name === name)) return false;
    }
    return true;
  }

  private rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.members.values())
      longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }
}
