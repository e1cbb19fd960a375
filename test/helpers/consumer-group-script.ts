/** A group of KIP-848 in a test's hands: members that behave, and what must hold after every step. */
import { expect } from "bun:test";
import type { AssignorName, Topics } from "../../src/groups/assignors.ts";
import {
  type ConsumerGroup,
  type ConsumerHeartbeat,
  type ConsumerReply,
  emptyConsumerGroup,
  isSettled,
} from "../../src/groups/consumer-group.ts";
import { consumerStep } from "../../src/groups/consumer-step.ts";
import { NO_PARTITIONS, type Partitions, partitionKey } from "../../src/groups/partitions.ts";

export const LIMITS = { groupSizeMax: 100, consumerSessionTimeoutMs: 45_000 };
export const REVOKE_MS = 10_000;

/** Topics by name with so many partitions; each stream's id is its name doubled. */
export function topicsOf(counts: Record<string, number>): Topics {
  return new Map(
    Object.entries(counts).map(([name, count]) => [
      name,
      { streamId: name + name, shards: Array.from({ length: count }, (_, i) => i) },
    ]),
  );
}

export function keysOf(topics: Topics): string[] {
  return [...topics.values()].flatMap(({ streamId, shards }) =>
    shards.map((shard) => partitionKey(streamId, shard)),
  );
}

/** What a member knows of itself. */
export interface ScriptedMember {
  id: string;
  epoch: number;
  instanceId: string | null;
  topics: readonly string[];
  assignor: AssignorName | null;
  /** What it reads now. */
  owned: Partitions;
  /** What it was last told to read. */
  told: Partitions;
}

export class ConsumerGroupScript {
  group: ConsumerGroup = emptyConsumerGroup("g");
  nowMs = 1_000;

  constructor(public topics: Topics) {}

  setTopics(topics: Topics): void {
    this.topics = topics;
    this.apply({ kind: "topics", topics });
  }

  send(heartbeat: Partial<ConsumerHeartbeat> & { memberId: string; epoch: number }): ConsumerReply {
    this.apply({ kind: "topics", topics: this.topics });
    return this.apply({
      kind: "heartbeat",
      instanceId: null,
      clientId: "c",
      clientHost: "h",
      rackId: null,
      rebalanceTimeoutMs: -1,
      topics: null,
      assignor: null,
      owned: null,
      ...heartbeat,
    }) as ConsumerReply;
  }

  join(id: string, topics: readonly string[], more: Partial<ConsumerHeartbeat> = {}) {
    const member: ScriptedMember = {
      id,
      epoch: 0,
      instanceId: more.instanceId ?? null,
      topics,
      assignor: more.assignor ?? null,
      owned: NO_PARTITIONS,
      told: NO_PARTITIONS,
    };
    const reply = this.rejoin(member);
    return { member, reply };
  }

  /** Joins, or joins again, owning nothing. */
  rejoin(member: ScriptedMember): ConsumerReply {
    const { id, topics, assignor, instanceId } = member;
    member.owned = member.told = NO_PARTITIONS;
    const fresh = { rebalanceTimeoutMs: REVOKE_MS, topics, assignor, instanceId, owned: NO_PARTITIONS };
    return this.hear(member, this.send({ memberId: id, epoch: 0, ...fresh }));
  }

  /** A heartbeat that says what the member owns. */
  beat(member: ScriptedMember, more: Partial<ConsumerHeartbeat> = {}): ConsumerReply {
    const { id, epoch, owned, instanceId } = member;
    return this.hear(member, this.send({ memberId: id, epoch, owned, instanceId, ...more }));
  }

  /** Reads what it was told to, and no more. */
  obey(member: ScriptedMember): void {
    member.owned = member.told;
  }

  tick(ms = 0): void {
    this.nowMs += ms;
    this.apply({ kind: "tick" });
  }

  /** Beats until nothing moves any more; fails when that takes more than a few rounds. */
  settle(members: readonly ScriptedMember[]): void {
    for (let round = 0; round < 8; round++) {
      for (const member of members) {
        this.beat(member);
        this.obey(member);
      }
      const all = [...this.group.members.values()];
      if (all.every((member) => isSettled(this.group, member))) return;
    }
    throw new Error("the group does not settle");
  }

  private hear(member: ScriptedMember, reply: ConsumerReply): ConsumerReply {
    if (reply.failure) return reply;
    member.epoch = reply.epoch;
    if (reply.assignment) member.told = new Set(reply.assignment);
    return reply;
  }

  private apply(event: Parameters<typeof consumerStep>[1]): ConsumerReply | undefined {
    const before = this.group;
    const frozen = snapshot(before);
    const { group, reply } = consumerStep(before, event, this.nowMs, LIMITS);
    expect(snapshot(before)).toBe(frozen);
    this.group = group;
    this.check();
    return reply;
  }

  /** Each partition has one reader at most, and one that may have it. */
  check(): void {
    const owners = new Map<string, string>();
    for (const { id, assigned, revoking } of this.group.members.values()) {
      for (const key of [...assigned, ...revoking]) {
        if (owners.has(key)) throw new Error(`${key} belongs to ${owners.get(key)} and to ${id}`);
        owners.set(key, id);
      }
    }
    const wanted = new Set<string>();
    for (const [id, target] of this.group.target) {
      if (!this.group.members.has(id)) throw new Error(`${id} has a target and is not there`);
      for (const key of target) {
        if (wanted.has(key)) throw new Error(`${key} is the target of two`);
        wanted.add(key);
      }
    }
  }
}

function snapshot(group: ConsumerGroup): string {
  return JSON.stringify(group, (_key, value: unknown) => {
    if (value instanceof Map) return [...value];
    return value instanceof Set ? [...value] : value;
  });
}
