/** A consumer group driven by hand: events in, replies by ticket out, time as the test says. */
import {
  emptyGroup,
  type Group,
  type GroupEvent,
  type GroupFailure,
  type GroupLimits,
  type GroupReply,
  type JoinReply,
  type Phase,
  type Protocol,
  type SyncReply,
} from "../../src/groups/group.ts";
import { step } from "../../src/groups/step.ts";

export const LIMITS: GroupLimits = { groupSizeMax: 10, initialDelayMs: 0, newMemberWaitMs: 300_000 };
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;

export const protocol = (name: string, metadata = `${name} metadata`): Protocol => ({
  name,
  metadata: Buffer.from(metadata),
});
export const RANGE: readonly Protocol[] = [protocol("range")];

export interface JoinOptions {
  instanceId?: string;
  protocols?: readonly Protocol[];
  protocolType?: string;
  newMemberId?: string;
  idRequired?: boolean;
  maySkip?: boolean;
}

export class GroupScript {
  group: Group = emptyGroup("g");
  nowMs = 1_000_000;
  readonly replies = new Map<number, GroupReply>();
  /** Tickets that have been given to the group. */
  readonly tickets: number[] = [];

  constructor(private readonly limits: GroupLimits = LIMITS) {}

  /** Runs an event; the replies that it brings go to `replies`. */
  run(event: GroupEvent): void {
    const before = JSON.stringify(plain(this.group));
    const was = this.group;
    const { group, replies } = step(was, event, this.nowMs, this.limits);
    if (JSON.stringify(plain(was)) !== before) throw new Error("a step changed the group it was given");
    this.group = group;
    for (const reply of replies) {
      if (this.replies.has(reply.ticket)) throw new Error(`ticket ${reply.ticket} is answered twice`);
      if (!this.tickets.includes(reply.ticket)) throw new Error(`nobody holds ticket ${reply.ticket}`);
      this.replies.set(reply.ticket, reply);
    }
  }

  ticket(): number {
    this.tickets.push(this.tickets.length + 1);
    return this.tickets.length;
  }

  /** Time passes and a tick comes. */
  tick(afterMs: number): void {
    this.nowMs += afterMs;
    this.run({ kind: "tick" });
  }

  /** JoinGroup; returns its ticket. A member id is required only when asked for. */
  join(memberId: string, options: JoinOptions = {}): number {
    const ticket = this.ticket();
    const { instanceId = null, protocols = RANGE, protocolType = "consumer" } = options;
    const { newMemberId = `member-${ticket}`, idRequired = false, maySkip = true } = options;
    const joining = {
      memberId,
      instanceId,
      clientId: "client",
      clientHost: "127.0.0.1",
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType,
      protocols,
    };
    this.run({ kind: "join", ticket, joining, newMemberId, idRequired, maySkip });
    return ticket;
  }

  sync(
    memberId: string,
    assignments: Record<string, string> = {},
    generation = this.group.generation,
    about: { instanceId?: string; protocolName?: string; protocolType?: string } = {},
  ): number {
    const ticket = this.ticket();
    const { instanceId = null, protocolName = null, protocolType = null } = about;
    const list = Object.entries(assignments).map(([id, text]) => ({
      memberId: id,
      assignment: Buffer.from(text),
    }));
    const speaker = { memberId, instanceId, generation };
    this.run({ kind: "sync", ticket, speaker, protocolType, protocolName, assignments: list });
    return ticket;
  }

  say(
    kind: "heartbeat" | "commit",
    memberId: string,
    generation = this.group.generation,
    instanceId: string | null = null,
  ): number {
    const ticket = this.ticket();
    this.run({ kind, ticket, speaker: { memberId, instanceId, generation } });
    return ticket;
  }

  leave(memberId: string, instanceId: string | null = null): number {
    const ticket = this.ticket();
    this.run({ kind: "leave", ticket, members: [{ memberId, instanceId }] });
    return ticket;
  }

  /** "waits", "ok", or why the request was refused. */
  outcome(ticket: number): GroupFailure | "waits" | "ok" {
    const reply = this.replies.get(ticket);
    if (reply === undefined) return "waits";
    return (reply.kind === "leave" ? reply.failures[0] : reply.failure) ?? "ok";
  }

  joined(ticket: number): JoinReply {
    const reply = this.replies.get(ticket);
    if (reply?.kind !== "join") throw new Error(`ticket ${ticket} has no join reply`);
    return reply;
  }

  synced(ticket: number): SyncReply {
    const reply = this.replies.get(ticket);
    if (reply?.kind !== "sync") throw new Error(`ticket ${ticket} has no sync reply`);
    return reply;
  }
}

/** A group of `count` members, m1 leading, brought to "stable" with the assignment "of mN" each. */
export function stableGroup(count: number, limits: GroupLimits = LIMITS): GroupScript {
  const script = new GroupScript(limits);
  const ids = Array.from({ length: count }, (_, i) => `m${i + 1}`);
  for (const id of ids) script.join("", { newMemberId: id });
  // The first ones went through a generation of their own meanwhile: they hear of the others and come back.
  while (script.group.phase === "joining") {
    const absent = [...script.group.members.values()].find(({ joinTicket }) => joinTicket === undefined);
    if (!absent) script.tick(limits.initialDelayMs);
    else script.join(absent.id);
  }
  const assignments = Object.fromEntries(ids.map((id) => [id, `of ${id}`]));
  for (const id of ids) script.sync(id, id === script.group.leaderId ? assignments : {});
  return script;
}

export const OTHER = [protocol("range", "other topics")];
export const INSTANCE_B = "instance-b";

/** Members a (leads) and b (static, instance-b), in the given phase of generation 1, or on the way to 2. */
export function groupIn(phase: Phase): GroupScript {
  const script = new GroupScript({ ...LIMITS, initialDelayMs: 100 });
  if (phase === "empty") return script;
  script.join("", { newMemberId: "a" });
  script.join("", { newMemberId: "b", instanceId: INSTANCE_B });
  script.tick(100);
  script.tick(100);
  if (phase === "syncing") return script;
  script.sync("a", { a: "A", b: "B" });
  script.sync("b");
  if (phase === "joining") script.join("b", { protocols: OTHER, instanceId: INSTANCE_B });
  return script;
}

function plain(group: Group): object {
  return { ...group, members: [...group.members], pendingIds: [...group.pendingIds] };
}
