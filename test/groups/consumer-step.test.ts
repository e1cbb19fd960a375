/** The transitions of KIP-848's groups: each refusal, each way from what a member has to what it should have, and churn. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import {
  AWAY_EPOCH,
  type ConsumerHeartbeat,
  isSettled,
  LEAVE_EPOCH,
  mayCommit,
  type ConsumerMember,
} from "../../src/groups/consumer-group.ts";
import { NO_PARTITIONS } from "../../src/groups/partitions.ts";
import {
  ConsumerGroupScript,
  keysOf,
  LIMITS,
  REVOKE_MS,
  type ScriptedMember,
  topicsOf,
} from "../helpers/consumer-group-script.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const FOUR = topicsOf({ a: 4 });

describe("joining", () => {
  test("the first member gets everything at once", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { reply } = script.join("m1", ["a"]);
    expect(reply).toMatchObject({ failure: undefined, epoch: script.group.epoch });
    expect([...(reply.assignment ?? [])].sort()).toEqual(keysOf(FOUR));
  });

  test("the second gets its part when the first has given it up, and nothing is read twice meanwhile", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member: first } = script.join("m1", ["a"]);
    script.obey(first);
    const { member: second, reply } = script.join("m2", ["a"]);
    expect(reply.assignment?.size).toBe(0);
    const epochBefore = first.epoch;
    expect(script.beat(first).assignment?.size).toBe(2);
    expect(first.epoch).toBe(epochBefore);
    expect(script.beat(second).assignment).toBeNull();
    script.obey(first);
    expect(script.beat(first).epoch).toBe(script.group.epoch);
    expect(script.beat(second).assignment?.size).toBe(2);
  });

  test("a heartbeat that does not say what the member has gives nothing up", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member: first } = script.join("m1", ["a"]);
    script.obey(first);
    const { member: second } = script.join("m2", ["a"]);
    script.beat(first, { owned: null });
    script.beat(first, { owned: null });
    expect(script.beat(second).assignment).toBeNull();
    expect(script.group.members.get("m1")?.revoking.size).toBe(2);
  });

  test("again under the same id starts from nothing, without a new epoch for the others", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member } = script.join("m1", ["a"]);
    script.obey(member);
    const { epoch } = script.group;
    expect(script.rejoin(member).assignment?.size).toBe(4);
    expect(script.group.epoch).toBe(epoch);
  });

  test("a full group is refused", () => {
    const script = new ConsumerGroupScript(FOUR);
    for (let i = 0; i < LIMITS.groupSizeMax; i++) script.join(`m${i}`, ["a"]);
    expect(script.join("late", ["a"]).reply.failure).toBe("group_full");
    expect(script.group.members.size).toBe(LIMITS.groupSizeMax);
  });
});

describe("epochs", () => {
  test("of a member that is not known, ahead, or too far behind are refused", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member } = script.join("m1", ["a"]);
    expect(script.send({ memberId: "x", epoch: 1 }).failure).toBe("member_unknown");
    expect(script.send({ memberId: "m1", epoch: member.epoch + 1 }).failure).toBe("member_fenced");
    const { member: other } = script.join("m2", ["a"]);
    script.settle([member, other]);
    expect(script.send({ memberId: "m1", epoch: 1, owned: new Set(["zz/9"]) }).failure).toBe("member_fenced");
  });

  test("the one before is accepted from a member that has nothing but its own", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member } = script.join("m1", ["a"]);
    script.obey(member);
    const old = member.epoch;
    script.setTopics(topicsOf({ a: 5 }));
    script.beat(member);
    expect(member.epoch).toBeGreaterThan(old);
    const lost = { memberId: "m1", epoch: old };
    expect(script.send({ ...lost, owned: null }).failure).toBe("member_fenced");
    expect(script.send({ ...lost, owned: new Set(["aa/0"]) })).toMatchObject({ epoch: member.epoch });
    expect(script.send({ ...lost, owned: new Set(["other/0"]) }).failure).toBe("member_fenced");
  });
});

test("a commit under an earlier epoch is good for what the member has had since, and for nothing else", () => {
  const script = new ConsumerGroupScript(FOUR);
  const { member: first } = script.join("m1", ["a"]);
  script.obey(first);
  const { member: second } = script.join("m2", ["a"]);
  const old = first.epoch;
  script.beat(first);
  const given = [...first.owned.difference(first.told)];
  const may = (member: ScriptedMember, epoch: number, keys: Iterable<string>) =>
    mayCommit(script.group.members.get(member.id) as ConsumerMember, epoch, keys);
  expect(may(first, old, [...first.told, ...given])).toBe(true);
  script.obey(first);
  script.beat(first);
  script.beat(second);
  expect(first.epoch).toBeGreaterThan(old);
  expect(may(first, old, first.told)).toBe(true);
  expect(may(first, old, given)).toBe(false);
  expect(may(first, first.epoch + 1, first.told)).toBe(false);
  expect(may(first, 0, first.told)).toBe(false);
  expect(may(second, second.epoch - 1, given)).toBe(false);
  expect(may(second, second.epoch, given)).toBe(true);
});

describe("leaving", () => {
  test("frees what the member had, at once", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member: first } = script.join("m1", ["a"]);
    const { member: second } = script.join("m2", ["a"]);
    script.settle([first, second]);
    expect(script.send({ memberId: "m1", epoch: LEAVE_EPOCH })).toMatchObject({ epoch: LEAVE_EPOCH });
    expect(script.beat(second).assignment?.size).toBe(4);
    expect(script.send({ memberId: "m1", epoch: LEAVE_EPOCH }).failure).toBe("member_unknown");
  });

  test("happens to a member that is silent for its session, or slow to give up", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member: first } = script.join("m1", ["a"]);
    script.obey(first);
    script.join("m2", ["a"]);
    script.beat(first);
    script.tick(REVOKE_MS - 1);
    expect(script.group.members.has("m1")).toBe(true);
    script.tick(1);
    expect([...script.group.members.keys()]).toEqual(["m2"]);
    script.tick(LIMITS.consumerSessionTimeoutMs);
    expect(script.group.members.size).toBe(0);
  });
});

describe("static members", () => {
  const STATIC = { instanceId: "i" };

  test("who is away keeps its partitions, and who comes back has them without a rebalance", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member: first } = script.join("m1", ["a"], STATIC);
    const { member: other } = script.join("m2", ["a"]);
    script.settle([first, other]);
    const had = first.owned;
    const { epoch } = script.group;
    script.send({ memberId: "m1", epoch: AWAY_EPOCH, ...STATIC });
    expect(script.beat(other).assignment).toBeNull();
    const { reply } = script.join("m3", ["a"], STATIC);
    expect(reply).toMatchObject({ failure: undefined, epoch });
    expect([...(reply.assignment ?? [])].sort()).toEqual([...had].sort());
    expect([...script.group.members.keys()].sort()).toEqual(["m2", "m3"]);
    expect(script.send({ memberId: "m1", epoch, ...STATIC }).failure).toBe("instance_fenced");
  });

  test("a second one under the same instance is refused while the first is there", () => {
    const script = new ConsumerGroupScript(FOUR);
    const { member } = script.join("m1", ["a"], STATIC);
    expect(script.join("m2", ["a"], STATIC).reply.failure).toBe("instance_unreleased");
    expect(script.send({ memberId: "m1", epoch: member.epoch, instanceId: "j" }).failure).toBe(
      "member_unknown",
    );
    expect(script.send({ memberId: "m1", epoch: LEAVE_EPOCH, instanceId: "j" }).failure).toBe(
      "instance_fenced",
    );
  });

  test("who stays away for its session is gone", () => {
    const script = new ConsumerGroupScript(FOUR);
    script.join("m1", ["a"], STATIC);
    script.send({ memberId: "m1", epoch: AWAY_EPOCH, ...STATIC });
    expect(script.send({ memberId: "m1", epoch: 1, ...STATIC }).failure).toBe("member_fenced");
    script.tick(LIMITS.consumerSessionTimeoutMs);
    expect(script.group.members.size).toBe(0);
  });
});

describe("changes", () => {
  test("of a subscription and of the topics give a new epoch and a new target, and no change gives none", () => {
    const script = new ConsumerGroupScript(topicsOf({ a: 2, b: 2 }));
    const { member } = script.join("m1", ["a"]);
    script.settle([member]);
    const { epoch } = script.group;
    script.beat(member, { topics: ["a"] });
    script.setTopics(topicsOf({ a: 2, b: 2 }));
    expect(script.group.epoch).toBe(epoch);
    script.beat(member, { topics: ["b", "a", "b"] });
    expect(script.group.epoch).toBe(epoch + 1);
    script.settle([member]);
    expect(member.owned.size).toBe(4);
    script.setTopics(topicsOf({ b: 3 }));
    script.settle([member]);
    expect([...member.owned].sort()).toEqual(["bb/0", "bb/1", "bb/2"]);
  });

  test("the assignor is the one that most members ask for", () => {
    const script = new ConsumerGroupScript(FOUR);
    script.join("m1", ["a"], { assignor: "uniform" });
    script.join("m2", ["a"], { assignor: "range" });
    expect(script.group.assignor).toBe("uniform");
    script.join("m3", ["a"], { assignor: "range" });
    expect(script.group.assignor).toBe("range");
  });
});

test("every heartbeat at every epoch in every state of a member is answered or refused, and breaks nothing", () => {
  const states: ((script: ConsumerGroupScript) => ScriptedMember)[] = [
    (script) => script.join("m1", ["a"]).member,
    (script) => {
      const { member } = script.join("m1", ["a"]);
      script.settle([member]);
      return member;
    },
    (script) => {
      const { member } = script.join("m1", ["a"]);
      script.obey(member);
      script.join("m2", ["a"]);
      script.beat(member);
      return member;
    },
    (script) => {
      const { member } = script.join("m2", ["a"]);
      script.obey(member);
      return script.join("m1", ["a"]).member;
    },
    (script) => {
      const { member } = script.join("m1", ["a"], { instanceId: "i" });
      script.send({ memberId: "m1", epoch: AWAY_EPOCH, instanceId: "i" });
      return member;
    },
  ];
  const owned = [null, NO_PARTITIONS, new Set(["aa/0"]), new Set(keysOf(FOUR)), new Set(["zz/7"])];
  const topics: (readonly string[] | null)[] = [null, [], ["a"], ["missing"]];
  let count = 0;
  for (const state of states) {
    for (const epoch of [-2, -1, 0, 1, 2, 3, 9]) {
      for (const instanceId of [null, "i", "j"]) {
        for (const has of owned) {
          for (const names of topics) {
            const script = new ConsumerGroupScript(FOUR);
            state(script);
            const heartbeat: Partial<ConsumerHeartbeat> = { owned: has, topics: names, instanceId };
            const reply = script.send({ memberId: "m1", epoch, ...heartbeat });
            if (reply.failure === undefined && epoch >= 0) {
              expect(reply.epoch).toBe(script.group.members.get("m1")?.epoch as number);
              script.send({ memberId: "m1", epoch: reply.epoch, instanceId, owned: NO_PARTITIONS });
            }
            script.tick(LIMITS.consumerSessionTimeoutMs * 2);
            expect(script.group.members.size).toBe(0);
            count++;
          }
        }
      }
    }
  }
  expect(count).toBe(5 * 7 * 3 * 5 * 4);
});

test("random churn: one reader for each partition at any time, and everything has one in the end", () => {
  const random = seededRandom(SEED);
  const below = (n: number) => random.uint32() % n;
  for (let round = 0; round < 15; round++) {
    const counts = { a: 1 + below(12), b: below(6) };
    const script = new ConsumerGroupScript(topicsOf(counts));
    const members = new Map<string, ScriptedMember>();
    const lost = new Set<ScriptedMember>();
    const reads = () => {
      const readers = new Map<string, string>();
      for (const { id, owned } of members.values()) {
        for (const key of owned) {
          if (readers.has(key))
            throw new Error(`${key} is read by ${readers.get(key)} and ${id}, seed ${SEED}`);
          readers.set(key, id);
        }
      }
    };
    for (let event = 0; event < 200; event++) {
      const all = [...members.values()];
      const member = all[below(Math.max(all.length, 1))];
      const what = below(12);
      if (!member || what === 0) {
        const id = `m${event}`;
        const topics = ["a", "b"].filter(() => below(4) > 0);
        members.set(id, script.join(id, topics, { assignor: below(3) === 0 ? "range" : null }).member);
      } else if (what === 1) {
        script.send({ memberId: member.id, epoch: LEAVE_EPOCH });
        members.delete(member.id);
      } else if (what === 2) {
        // It crashes, and is not heard of any more.
        member.owned = NO_PARTITIONS;
        members.delete(member.id);
      } else if (what === 3) {
        counts[below(2) ? "a" : "b"] += below(3);
        script.setTopics(topicsOf(counts));
      } else if (what === 4) {
        member.topics = ["a", "b"].filter(() => below(4) > 0);
        script.beat(member, { topics: member.topics });
      } else if (what === 5) {
        // A reply is lost: the member goes on as it is, and says everything the next time, as clients do.
        const { epoch } = member;
        script.beat(member, { topics: member.topics });
        Object.assign(member, { epoch, told: member.owned });
        lost.add(member);
      } else if (what === 6) {
        script.tick(below(2_000));
        // Who is dropped may go on reading until it hears so; what it would commit is refused.
        for (const one of members.values()) if (!script.group.members.has(one.id)) one.owned = NO_PARTITIONS;
      } else {
        const { failure } = script.beat(member, { topics: lost.delete(member) ? member.topics : null });
        if (failure) script.rejoin(member);
        // It stops reading what it is not told to at once, and starts with the rest a little later.
        else if (below(2)) script.obey(member);
        else member.owned = member.owned.intersection(member.told);
      }
      reads();
    }
    script.tick(REVOKE_MS);
    for (const member of members.values()) if (script.beat(member).failure) script.rejoin(member);
    script.nowMs += LIMITS.consumerSessionTimeoutMs - 1;
    for (const member of members.values()) if (script.beat(member).failure) script.rejoin(member);
    script.tick(1);
    for (const member of members.values()) if (script.beat(member).failure) script.rejoin(member);
    script.settle([...members.values()]);
    for (const member of script.group.members.values()) expect(isSettled(script.group, member)).toBe(true);
    const wanted = new Set(
      [...members.values()].flatMap(({ id }) => script.group.members.get(id)?.topics ?? []),
    );
    const expected = keysOf(new Map([...script.topics].filter(([name]) => wanted.has(name))));
    const read = [...members.values()].flatMap(({ owned }) => [...owned]);
    expect(read.sort()).toEqual(expected.sort());
  }
}, 30_000);
