/**
 * The transitions of a consumer group: (group, event, now) -> (group, replies), and nothing else. What each event does
 * in each phase follows Kafka's classic group coordinator, with KIP-394 (member ids are given out first), KIP-345
 * (static members), KIP-559 and KIP-814.
 */
import { Draft } from "./draft.ts";
import {
  type Group,
  type GroupEvent,
  type GroupFailure,
  type GroupLimits,
  type GroupReply,
  isWaiting,
  type Joining,
  type Leaving,
  type Member,
  type Protocol,
  type Speaker,
} from "./group.ts";

export interface Step {
  readonly group: Group;
  /** In the order in which they should go out. */
  readonly replies: readonly GroupReply[];
}

type EventOf<Kind extends GroupEvent["kind"]> = Extract<GroupEvent, { kind: Kind }>;

/** The group after `event` at `nowMs`. Changes nothing that it is given. */
export function step(group: Group, event: GroupEvent, nowMs: number, limits: GroupLimits): Step {
  const draft = new Draft(group, nowMs, limits);
  switch (event.kind) {
    case "join":
      join(draft, event);
      break;
    case "sync":
      sync(draft, event);
      break;
    case "heartbeat":
      heartbeat(draft, event);
      break;
    case "commit":
      commit(draft, event);
      break;
    case "leave":
      leave(draft, event);
      break;
    case "tick":
      tick(draft);
      break;
    case "stop":
      for (const id of [...draft.members.keys()]) draft.endWaits(id, "stopping");
      break;
  }
  return { group: draft.group, replies: draft.replies };
}

function join(draft: Draft, event: EventOf<"join">): void {
  const { joining, ticket, newMemberId, idRequired } = event;
  const { memberId, instanceId, sessionTimeoutMs } = joining;
  const refuse = (failure: GroupFailure) => draft.refuseJoin(ticket, failure, memberId);
  const replaced = memberId === "" && instanceId !== null ? draft.byInstance(instanceId) : undefined;
  if (!replaced && !draft.member(memberId) && isFull(draft, memberId)) return refuse("group_full");
  const known = replaced ?? draft.member(memberId);
  if (!acceptsFrom(draft, known, joining)) return refuse("protocol_inconsistent");
  if (memberId !== "") return joinWithId(draft, event);
  if (replaced) return rejoinStatic(draft, event, replaced);
  if (instanceId === null && idRequired) {
    draft.pendingIds.set(newMemberId, draft.nowMs + sessionTimeoutMs);
    return draft.refuseJoin(ticket, "member_id_required", newMemberId);
  }
  draft.addMember(newMemberId, joining, ticket);
  draft.membersChanged();
}

function isFull(draft: Draft, memberId: string): boolean {
  if (draft.pendingIds.has(memberId)) return false;
  return draft.members.size + draft.pendingIds.size >= draft.limits.groupSizeMax;
}

/** Whether the protocols fit; a sole member may come back with other ones. */
function acceptsFrom(draft: Draft, known: Member | undefined, { protocolType, protocols }: Joining): boolean {
  if (known && draft.members.size === 1) {
    return protocolType === draft.group.protocolType && protocols.length > 0;
  }
  return draft.accepts(protocolType, protocols);
}

function joinWithId(draft: Draft, { joining, ticket }: EventOf<"join">): void {
  const { group } = draft;
  const { memberId, instanceId } = joining;
  if (draft.pendingIds.has(memberId) && instanceId === null) {
    draft.addMember(memberId, joining, ticket);
    return draft.membersChanged();
  }
  const failure = checkIdentity(draft, memberId, instanceId);
  if (failure) return draft.refuseJoin(ticket, failure, memberId);
  const member = draft.member(memberId) as Member;
  const same = sameProtocols(member.protocols, joining.protocols);
  // The reply was lost, and the client asks again: it missed nothing.
  const goesOn =
    same && (group.phase === "syncing" || (group.phase === "stable" && group.leaderId !== memberId));
  if (goesOn) {
    draft.touch(memberId);
    draft.replies.push(draft.joinReplyOf(member, ticket));
    return;
  }
  draft.rejoin(memberId, joining, ticket);
  draft.membersChanged();
}

/** A static member starts anew: in a stable group it takes its old place and nobody else hears of it. */
function rejoinStatic(draft: Draft, event: EventOf<"join">, old: Member): void {
  const { joining, ticket, newMemberId, maySkip } = event;
  const { group } = draft;
  const oldLeaderId = group.leaderId ?? "";
  const wasStable = group.phase === "stable";
  draft.replaceMember(old.id, newMemberId);
  draft.rejoin(newMemberId, joining, ticket);
  if (!wasStable || draft.chooseProtocol() !== group.protocolName) return draft.membersChanged();
  const member = draft.change(newMemberId, { joinTicket: undefined });
  const reply = draft.joinReplyOf(member, ticket);
  const leads = group.leaderId === newMemberId;
  // A leader that can't skip is not told that it leads, or it would assign, and nobody would be there to hear of it.
  draft.replies.push({
    ...reply,
    leaderId: leads && !maySkip ? oldLeaderId : reply.leaderId,
    members: leads && maySkip ? reply.members : [],
    skipAssignment: leads && maySkip,
  });
}

function sync(draft: Draft, event: EventOf<"sync">): void {
  const { group } = draft;
  const { ticket, speaker, protocolType, protocolName, assignments } = event;
  const { memberId } = speaker;
  const failure = checkSpeaker(draft, speaker);
  if (failure) return draft.replySync(ticket, failure);
  if (
    (protocolType !== null && protocolType !== group.protocolType) ||
    (protocolName !== null && group.phase !== "joining" && protocolName !== group.protocolName)
  ) {
    return draft.replySync(ticket, "protocol_inconsistent");
  }
  if (group.phase === "joining") return draft.replySync(ticket, "rebalance_in_progress");
  draft.touch(memberId);
  if (group.phase === "stable") {
    const { assignment } = draft.change(memberId, { synced: true });
    return draft.replySync(ticket, undefined, assignment);
  }
  const { syncTicket: earlier } = draft.member(memberId) as Member;
  if (earlier !== undefined) draft.replySync(earlier, "rebalance_in_progress");
  draft.change(memberId, { syncTicket: ticket, synced: true });
  if (group.leaderId === memberId) assign(draft, assignments);
}

/** The leader has spoken: everybody who waits gets its part. */
function assign(draft: Draft, assignments: EventOf<"sync">["assignments"]): void {
  const { group } = draft;
  for (const { memberId, assignment } of assignments) {
    if (draft.member(memberId)) draft.change(memberId, { assignment });
  }
  group.phase = "stable";
  for (const { id, syncTicket, assignment } of draft.members.values()) {
    if (syncTicket === undefined) continue;
    draft.change(id, { syncTicket: undefined });
    draft.touch(id);
    draft.replySync(syncTicket, undefined, assignment);
  }
}

function heartbeat(draft: Draft, { ticket, speaker }: EventOf<"heartbeat">): void {
  let failure = checkSpeaker(draft, speaker);
  if (!failure) draft.touch(speaker.memberId);
  if (!failure && draft.group.phase === "joining") failure = "rebalance_in_progress";
  draft.replies.push({ kind: "plain", ticket, failure });
}

function commit(draft: Draft, { ticket, speaker }: EventOf<"commit">): void {
  draft.replies.push({ kind: "plain", ticket, failure: checkCommit(draft, speaker) });
}

/** Members commit what they own; without members, anybody may keep offsets under the group's name. */
function checkCommit(draft: Draft, speaker: Speaker): GroupFailure | undefined {
  const { phase } = draft.group;
  if (speaker.generation < 0 && speaker.memberId === "" && speaker.instanceId === null) {
    return draft.members.size === 0 ? undefined : "member_unknown";
  }
  if (speaker.generation < 0 && phase === "empty") return undefined;
  const failure = checkSpeaker(draft, speaker);
  if (failure) return failure;
  draft.touch(speaker.memberId);
  return phase === "syncing" ? "rebalance_in_progress" : undefined;
}

function leave(draft: Draft, { ticket, members }: EventOf<"leave">): void {
  const before = draft.members.size;
  const failures = members.map((leaving) => leaveOne(draft, leaving));
  draft.replies.push({ kind: "leave", ticket, failures });
  afterRemovals(draft, before);
}

function leaveOne(draft: Draft, { memberId, instanceId }: Leaving): GroupFailure | undefined {
  if (memberId === "" && instanceId !== null) {
    const member = draft.byInstance(instanceId);
    if (!member) return "member_unknown";
    draft.removeMember(member.id);
    return undefined;
  }
  if (draft.pendingIds.delete(memberId)) return undefined;
  const failure = checkIdentity(draft, memberId, instanceId);
  if (!failure) draft.removeMember(memberId);
  return failure;
}

function tick(draft: Draft): void {
  const { group, nowMs, members, pendingIds } = draft;
  const before = members.size;
  for (const [id, deadlineMs] of pendingIds) if (deadlineMs <= nowMs) pendingIds.delete(id);
  const syncIsOver = group.syncDeadlineMs !== undefined && group.syncDeadlineMs <= nowMs;
  for (const member of [...members.values()]) {
    const silent = member.deadlineMs <= nowMs && !isWaiting(member);
    if (silent || (syncIsOver && !member.synced)) draft.removeMember(member.id);
  }
  if (syncIsOver) group.syncDeadlineMs = undefined;
  afterRemovals(draft, before);
  if (group.joinDeadlineMs !== undefined && group.joinDeadlineMs <= nowMs) draft.joinTimeUp();
}

/** Goes on after members or ids may have gone; only members are worth a rebalance. */
function afterRemovals(draft: Draft, membersBefore: number): void {
  if (draft.members.size < membersBefore) draft.membersChanged();
  else draft.completeIfAllJoined();
}

/** Whether the member is who it says it is. */
function checkIdentity(draft: Draft, memberId: string, instanceId: string | null): GroupFailure | undefined {
  if (instanceId !== null) {
    const holder = draft.byInstance(instanceId);
    if (!holder) return "member_unknown";
    if (holder.id !== memberId) return "instance_fenced";
  }
  return draft.member(memberId) ? undefined : "member_unknown";
}

/** Whether the member is who it says it is, and of this generation. */
function checkSpeaker(draft: Draft, { memberId, instanceId, generation }: Speaker): GroupFailure | undefined {
  const failure = checkIdentity(draft, memberId, instanceId);
  if (failure) return failure;
  return generation === draft.group.generation ? undefined : "generation_illegal";
}

function sameProtocols(ours: readonly Protocol[], theirs: readonly Protocol[]): boolean {
  if (ours.length !== theirs.length) return false;
  return ours.every(({ name, metadata }, i) => {
    const other = theirs[i] as Protocol;
    return name === other.name && metadata.equals(other.metadata);
  });
}
