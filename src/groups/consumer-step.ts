/**
 * The transitions of a consumer group of KIP-848: (group, event, now) -> (group, reply), and nothing else. What is
 * refused follows Kafka's group coordinator.
 */
import { ASSIGNORS, type AssignorName, DEFAULT_ASSIGNOR, type Topics } from "./assignors.ts";
import {
  AWAY_EPOCH,
  type ConsumerEvent,
  type ConsumerGroup,
  type ConsumerHeartbeat,
  type ConsumerLimits,
  type ConsumerMember,
  type ConsumerReply,
  JOIN_EPOCH,
  LEAVE_EPOCH,
} from "./consumer-group.ts";
import type { GroupFailure } from "./group.ts";
import { NO_PARTITIONS, type Partitions, samePartitions } from "./partitions.ts";

export interface ConsumerStep {
  readonly group: ConsumerGroup;
  /** To a heartbeat. */
  readonly reply: ConsumerReply | undefined;
}

/** The group after `event` at `nowMs`. Changes nothing that it is given. */
export function consumerStep(
  group: ConsumerGroup,
  event: ConsumerEvent,
  nowMs: number,
  limits: ConsumerLimits,
): ConsumerStep {
  switch (event.kind) {
    case "heartbeat":
      return heartbeat(group, event, nowMs, limits);
    case "topics":
      return { group: withTopics({ ...group, topicsCheckedMs: nowMs }, event.topics), reply: undefined };
    case "tick":
      return { group: tick(group, nowMs), reply: undefined };
  }
}

function heartbeat(
  group: ConsumerGroup,
  event: ConsumerHeartbeat,
  nowMs: number,
  limits: ConsumerLimits,
): ConsumerStep {
  if (event.epoch === LEAVE_EPOCH || event.epoch === AWAY_EPOCH) return leave(group, event);
  const found = memberOf(group, event, limits);
  if (typeof found === "string") return refuse(group, found);
  const { before, replaces } = found;
  const member = told(before, event, nowMs + limits.consumerSessionTimeoutMs);
  const members = new Map(group.members);
  const target = new Map(group.target);
  if (replaces !== undefined) {
    members.delete(replaces);
    target.set(member.id, target.get(replaces) ?? NO_PARTITIONS);
    target.delete(replaces);
  }
  members.set(member.id, member);
  let next: ConsumerGroup = { ...group, members, target };
  if (!target.has(member.id) || member.topics !== before.topics || member.assignor !== before.assignor)
    next = retarget(next, next.topics);
  const settled = reconcile(next, member, event.owned, nowMs);
  next = { ...next, members: new Map(next.members).set(member.id, settled) };
  const isFull = event.topics !== null && event.owned !== null;
  const isNews = !samePartitions(settled.assigned, before.assigned) || event.epoch === JOIN_EPOCH;
  const assignment = isFull || isNews ? settled.assigned : null;
  return { group: next, reply: { failure: undefined, epoch: settled.epoch, assignment } };
}

/** Who speaks, as the group knows it, and the static member whose place it takes; or why it may not. */
function memberOf(
  group: ConsumerGroup,
  event: ConsumerHeartbeat,
  { groupSizeMax }: ConsumerLimits,
): { before: ConsumerMember; replaces?: string } | GroupFailure {
  const { memberId, instanceId, epoch, owned } = event;
  const known = group.members.get(memberId);
  const holder = instanceId === null ? undefined : byInstance(group, instanceId);
  if (epoch === JOIN_EPOCH) {
    if (holder && holder.id !== memberId) {
      if (holder.epoch !== AWAY_EPOCH) return "instance_unreleased";
      return { before: { ...holder, id: memberId, epoch: 0, previousEpoch: 0 }, replaces: holder.id };
    }
    // Whoever joins has nothing: also one that was here before.
    if (known) return { before: { ...known, epoch: 0, previousEpoch: 0, ...NOTHING } };
    return group.members.size >= groupSizeMax ? "group_full" : { before: newMember(event) };
  }
  if (instanceId !== null) {
    if (!holder) return "member_unknown";
    if (holder.id !== memberId) return "instance_fenced";
  }
  if (!known) return "member_unknown";
  if (epoch === known.epoch) return { before: known };
  // Its last reply was lost: it goes on from where it was, if it has nothing that it should not have.
  const wasThere = epoch === known.previousEpoch && known.epoch !== AWAY_EPOCH;
  return wasThere && owned?.isSubsetOf(known.assigned) ? { before: known } : "member_fenced";
}

const NOTHING = {
  assigned: NO_PARTITIONS,
  revoking: NO_PARTITIONS,
  since: new Map<string, number>(),
  revokeDeadlineMs: undefined,
};

function newMember({ memberId, instanceId, clientId, clientHost }: ConsumerHeartbeat): ConsumerMember {
  return {
    id: memberId,
    instanceId,
    rackId: null,
    clientId,
    clientHost,
    rebalanceTimeoutMs: 0,
    topics: [],
    assignor: null,
    epoch: 0,
    previousEpoch: 0,
    ...NOTHING,
    deadlineMs: 0,
  };
}

/** The member with what it has said about itself; `topics` stays the same object when nothing is new in it. */
function told(member: ConsumerMember, event: ConsumerHeartbeat, deadlineMs: number): ConsumerMember {
  const { clientId, clientHost, rackId, rebalanceTimeoutMs, assignor } = event;
  const topics = event.topics && [...new Set(event.topics)].sort();
  const isSame =
    topics?.length === member.topics.length && topics.every((name, i) => name === member.topics[i]);
  return {
    ...member,
    clientId,
    clientHost,
    rackId: rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    topics: topics === null || isSame ? member.topics : topics,
    assignor: assignor ?? member.assignor,
    deadlineMs,
  };
}

/** The member a step nearer to its target, by what it says that it has (null: it has not said). */
function reconcile(
  group: ConsumerGroup,
  before: ConsumerMember,
  owned: Partitions | null,
  nowMs: number,
): ConsumerMember {
  const stillHas = (partitions: Partitions) => owned === null || !owned.isDisjointFrom(partitions);
  let member = before;
  if (member.revoking.size > 0) {
    if (stillHas(member.revoking)) return member;
    member = { ...member, revoking: NO_PARTITIONS, revokeDeadlineMs: undefined };
  }
  const target = group.target.get(member.id) ?? NO_PARTITIONS;
  const leaving = member.assigned.difference(target);
  const assigned = member.assigned.intersection(target);
  if (leaving.size > 0 && stillHas(leaving)) {
    return { ...member, assigned, revoking: leaving, revokeDeadlineMs: nowMs + member.rebalanceTimeoutMs };
  }
  const wanted = target.difference(assigned);
  if (wanted.size > 0) {
    const taken = takenByOthers(group, member.id);
    for (const key of wanted) if (!taken.has(key)) assigned.add(key);
  }
  const hasMore = assigned.size > member.assigned.size;
  const isSame = member.epoch === group.epoch && leaving.size === 0 && !hasMore;
  if (isSame) return member;
  const previousEpoch = member.epoch === group.epoch ? member.previousEpoch : member.epoch;
  const since = new Map<string, number>();
  for (const key of assigned) since.set(key, member.since.get(key) ?? group.epoch);
  return { ...member, assigned, since, previousEpoch, epoch: group.epoch };
}

function takenByOthers({ members }: ConsumerGroup, memberId: string): Set<string> {
  const taken = new Set<string>();
  for (const { id, assigned, revoking } of members.values()) {
    if (id === memberId) continue;
    for (const key of assigned) taken.add(key);
    for (const key of revoking) taken.add(key);
  }
  return taken;
}

function leave(group: ConsumerGroup, { memberId, instanceId, epoch }: ConsumerHeartbeat): ConsumerStep {
  const member = group.members.get(memberId);
  if (!member) return refuse(group, "member_unknown");
  if (instanceId !== null && instanceId !== member.instanceId) return refuse(group, "instance_fenced");
  const reply = { failure: undefined, epoch, assignment: null };
  if (epoch === AWAY_EPOCH && member.instanceId !== null) {
    // It keeps its partitions for itself, until its session ends.
    const away = { ...member, epoch: AWAY_EPOCH, revoking: NO_PARTITIONS, revokeDeadlineMs: undefined };
    return { group: { ...group, members: new Map(group.members).set(memberId, away) }, reply };
  }
  return { group: without(group, [memberId]), reply };
}

function tick(group: ConsumerGroup, nowMs: number): ConsumerGroup {
  const gone = [...group.members.values()].filter(
    ({ deadlineMs, revokeDeadlineMs = Infinity }) => deadlineMs <= nowMs || revokeDeadlineMs <= nowMs,
  );
  return gone.length === 0
    ? group
    : without(
        group,
        gone.map(({ id }) => id),
      );
}

function without(group: ConsumerGroup, ids: readonly string[]): ConsumerGroup {
  const members = new Map(group.members);
  for (const id of ids) members.delete(id);
  return retarget({ ...group, members }, group.topics);
}

/** Something has changed: a new epoch, and a new target for everybody. */
function retarget(group: ConsumerGroup, topics: Topics): ConsumerGroup {
  const members = [...group.members.values()];
  const assignor = preferredAssignor(members);
  const target = ASSIGNORS[assignor](members, topics, group.target);
  return { ...group, epoch: group.epoch + 1, assignor, topics, target };
}

/** The one that most members ask for; the first of equals. */
function preferredAssignor(members: readonly ConsumerMember[]): AssignorName {
  const votes = new Map<AssignorName, number>();
  for (const { assignor } of members) if (assignor) votes.set(assignor, (votes.get(assignor) ?? 0) + 1);
  let preferred: AssignorName = DEFAULT_ASSIGNOR;
  for (const [name, count] of votes) if (count > (votes.get(preferred) ?? 0)) preferred = name;
  return preferred;
}

/** Worth a new target only if it is about something that members are subscribed to. */
function withTopics(group: ConsumerGroup, topics: Topics): ConsumerGroup {
  for (const member of group.members.values()) {
    for (const name of member.topics) {
      if (!sameTopic(group.topics.get(name), topics.get(name))) return retarget(group, topics);
    }
  }
  return { ...group, topics };
}

type Topic = ReturnType<Topics["get"]>;

function sameTopic(a: Topic, b: Topic): boolean {
  if (a === undefined || b === undefined) return a === b;
  const sameShards =
    a.shards.length === b.shards.length && a.shards.every((shard, i) => shard === b.shards[i]);
  return sameShards && a.streamId === b.streamId;
}

function byInstance({ members }: ConsumerGroup, instanceId: string): ConsumerMember | undefined {
  for (const member of members.values()) if (member.instanceId === instanceId) return member;
  return undefined;
}

function refuse(group: ConsumerGroup, failure: GroupFailure): ConsumerStep {
  return { group, reply: { failure, epoch: 0, assignment: null } };
}
