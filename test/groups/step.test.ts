/** The rules of a consumer group one by one, then random walks that may break none of them. */
import { describe, expect, test } from "bun:test";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { nextDeadlineMs } from "../../src/groups/group.ts";
import {
  GroupScript,
  groupIn,
  INSTANCE_B as B,
  LIMITS,
  OTHER,
  protocol,
  RANGE,
  REBALANCE_MS,
  SESSION_MS,
  stableGroup,
} from "../helpers/group-script.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

describe("joining", () => {
  test("only the leader gets the members, with what they said under the chosen protocol", () => {
    const script = groupIn("stable");
    const a = script.join("a", { protocols: [protocol("range", "from a")] });
    const b = script.join("b", { protocols: [protocol("range", "from b")], instanceId: B });
    expect(script.joined(a)).toMatchObject({ generation: 2, leaderId: "a", protocolName: "range" });
    const said = script.joined(a).members.map(({ id, metadata }) => [id, metadata.toString()]);
    expect(said).toEqual([
      ["a", "from a"],
      ["b", "from b"],
    ]);
    expect(script.joined(b)).toMatchObject({ generation: 2, leaderId: "a", members: [] });
  });

  test("the protocol is one that all support, and the one that most prefer", () => {
    const script = new GroupScript({ ...LIMITS, initialDelayMs: 100 });
    const lists = [
      ["sticky", "range", "roundrobin"],
      ["roundrobin", "range"],
      ["range", "roundrobin", "sticky"],
      ["roundrobin", "range"],
    ];
    for (const names of lists) script.join("", { protocols: names.map((name) => protocol(name)) });
    script.tick(100);
    script.tick(100);
    expect(script.group).toMatchObject({ phase: "syncing", protocolName: "range" });
  });

  test("an id that was given out holds up a rebalance until it is used or forgotten", () => {
    const script = stableGroup(1);
    const given = script.joined(script.join("", { idRequired: true, newMemberId: "new" }));
    expect(given).toMatchObject({ failure: "member_id_required", memberId: "new" });
    const leader = script.join("m1");
    expect(script.outcome(leader)).toBe("waits");
    const used = script.join("new");
    expect([script.outcome(leader), script.outcome(used)]).toEqual(["ok", "ok"]);
    script.sync("m1", {});
    script.sync("new");
    script.join("", { idRequired: true });
    const again = [script.join("m1"), script.join("new", { protocols: OTHER })];
    expect(again.map((ticket) => script.outcome(ticket))).toEqual(["waits", "waits"]);
    script.tick(SESSION_MS);
    expect(again.map((ticket) => script.outcome(ticket))).toEqual(["ok", "ok"]);
    expect(script.outcome(script.join("member-9"))).toBe("member_unknown");
  });

  test("an id that is given out and forgotten does not disturb a stable group", () => {
    const script = stableGroup(2);
    script.join("", { idRequired: true });
    for (const id of ["m1", "m2"]) script.say("heartbeat", id);
    script.tick(SESSION_MS - 1);
    for (const id of ["m1", "m2"]) script.say("heartbeat", id);
    script.tick(1);
    expect(script.group).toMatchObject({ phase: "stable", generation: script.group.generation });
    expect(script.group.pendingIds.size).toBe(0);
  });

  test("an empty group waits a little for more members, longer while they come, and not for ever", () => {
    const script = new GroupScript({ ...LIMITS, initialDelayMs: 25_000, groupSizeMax: 100 });
    const first = script.join("");
    script.tick(24_999);
    const second = script.join("");
    script.tick(1);
    expect(script.outcome(first)).toBe("waits");
    script.tick(24_999);
    script.join("");
    script.tick(1);
    script.join("");
    script.tick(9_999);
    expect(script.outcome(second)).toBe("waits");
    script.tick(1);
    expect(script.joined(first).members.length).toBe(4);
  });

  test("a group has so many members and no more, ids that were given out included", () => {
    const script = new GroupScript({ ...LIMITS, groupSizeMax: 3, initialDelayMs: 100 });
    script.join("");
    script.join("", { idRequired: true, newMemberId: "given" });
    script.join("");
    expect(script.outcome(script.join(""))).toBe("group_full");
    expect(script.outcome(script.join("given"))).toBe("waits");
    expect(script.outcome(script.join("", { idRequired: true }))).toBe("group_full");
  });

  test("who does not come back in the longest rebalance timeout is dropped", () => {
    const script = stableGroup(3);
    const generation = script.group.generation;
    const joins = [script.join("m1"), script.join("m2")];
    for (let waited = 0; waited < REBALANCE_MS; waited += SESSION_MS / 2) {
      expect(script.outcome(joins[0] as number)).toBe("waits");
      expect(script.outcome(script.say("heartbeat", "m3"))).toBe("rebalance_in_progress");
      script.tick(SESSION_MS / 2);
    }
    expect(script.joined(joins[0] as number)).toMatchObject({ generation: generation + 1 });
    expect([...script.group.members.keys()].sort()).toEqual(["m1", "m2"]);
    expect(script.outcome(script.say("heartbeat", "m3"))).toBe("member_unknown");
  });

  test("a second join of the same member takes the place of the first, which is told", () => {
    const script = stableGroup(2);
    const first = script.join("m1");
    const second = script.join("m1");
    expect([script.outcome(first), script.outcome(second)]).toEqual(["rebalance_in_progress", "waits"]);
  });

  test("a member that waits for its first rebalance is dropped after five minutes", () => {
    const script = stableGroup(1);
    script.join("", { newMemberId: "n" });
    for (let waited = 0; waited < 300_000; waited += 5_000) {
      script.say("heartbeat", "m1");
      if (script.group.phase !== "joining") break;
      script.tick(5_000);
    }
    expect(script.group.members.has("m1")).toBe(false);
    expect(script.group.members.has("n")).toBe(true);
  });
});

describe("syncing", () => {
  test("each member gets what the leader gave it, and nothing when it gave nothing", () => {
    const script = groupIn("syncing");
    const b = script.sync("b");
    const a = script.sync("a", { b: "part of b", stranger: "nothing" });
    expect(script.synced(b).assignment.toString()).toBe("part of b");
    expect(script.synced(a).assignment.length).toBe(0);
    expect(script.synced(script.sync("b")).assignment.toString()).toBe("part of b");
    expect(script.synced(a)).toMatchObject({ protocolType: "consumer", protocolName: "range" });
  });

  test("whoever waits is sent back when the leader leaves", () => {
    const script = groupIn("syncing");
    const b = script.sync("b");
    script.leave("a");
    expect(script.outcome(b)).toBe("rebalance_in_progress");
    const again = script.join("b", { instanceId: B });
    expect(script.joined(again)).toMatchObject({ generation: 2, leaderId: "b" });
  });

  test("who joins and never syncs is dropped after the rebalance timeout", () => {
    const script = groupIn("syncing");
    script.sync("a", {});
    for (let waited = 0; waited < REBALANCE_MS; waited += SESSION_MS / 2) {
      script.say("heartbeat", "a");
      script.say("heartbeat", "b");
      script.tick(SESSION_MS / 2);
    }
    expect(script.group.members.has("b")).toBe(false);
    expect(script.group.phase).toBe("joining");
  });
});

describe("members come and go", () => {
  test("a member that is silent for its session is dropped, and the others are called", () => {
    const script = stableGroup(2);
    script.tick(SESSION_MS - 1);
    script.say("commit", "m1");
    script.tick(1);
    expect([...script.group.members.keys()]).toEqual(["m1"]);
    expect(script.outcome(script.say("heartbeat", "m1"))).toBe("rebalance_in_progress");
    expect(script.joined(script.join("m1"))).toMatchObject({ leaderId: "m1" });
  });

  test("the last one to leave leaves it empty, one generation on", () => {
    const script = stableGroup(1);
    const generation = script.group.generation;
    script.leave("m1");
    expect(script.group).toMatchObject({ phase: "empty", generation: generation + 1, leaderId: null });
    expect(nextDeadlineMs(script.group)).toBeUndefined();
    expect(script.outcome(script.say("commit", "", -1))).toBe("ok");
  });

  test("many leave in one request, each with an answer of its own", () => {
    const script = groupIn("stable");
    const ticket = script.ticket();
    const members = [
      { memberId: "a", instanceId: null },
      { memberId: "x", instanceId: null },
      { memberId: "x", instanceId: B },
      { memberId: "", instanceId: B },
    ];
    script.run({ kind: "leave", ticket, members });
    const failures = [undefined, "member_unknown", "instance_fenced", undefined];
    expect(script.replies.get(ticket)).toEqual({ kind: "leave", ticket, failures } as never);
    expect(script.group.phase).toBe("empty");
  });
});

describe("static members", () => {
  test("come back to the same assignment without a rebalance, and fence who they were", () => {
    const script = groupIn("stable");
    const back = script.join("", { instanceId: B, newMemberId: "b2" });
    expect(script.joined(back)).toMatchObject({ generation: 1, memberId: "b2", leaderId: "a", members: [] });
    expect(script.synced(script.sync("b2", {}, 1, { instanceId: B })).assignment.toString()).toBe("B");
    expect(script.outcome(script.say("heartbeat", "b", 1, B))).toBe("instance_fenced");
    expect(script.outcome(script.say("heartbeat", "a"))).toBe("ok");
  });

  test.each([true, false])("a leader that comes back may skip assigning: %p", (maySkip) => {
    const script = new GroupScript();
    script.join("", { instanceId: "i", newMemberId: "old" });
    script.sync("old", { old: "all" });
    const reply = script.joined(script.join("", { instanceId: "i", newMemberId: "new", maySkip }));
    expect(reply.skipAssignment).toBe(maySkip);
    expect(reply.leaderId).toBe(maySkip ? "new" : "old");
    expect(reply.members.length).toBe(maySkip ? 1 : 0);
    expect(script.synced(script.sync("new")).assignment.toString()).toBe("all");
  });

  test("stay in the group through a rebalance that they miss, until their session ends", () => {
    const script = groupIn("stable");
    script.join("a");
    script.nowMs += SESSION_MS / 2;
    script.say("heartbeat", "b", 1, B);
    const noDeadline = { ...script.group, joinDeadlineMs: script.nowMs };
    script.group = noDeadline;
    script.tick(0);
    expect(script.group.phase).toBe("syncing");
    expect(script.group.members.has("b")).toBe(true);
    script.sync("a", {});
    script.tick(SESSION_MS - 1);
    script.say("heartbeat", "a");
    script.tick(1);
    expect(script.group.members.has("b")).toBe(false);
  });

  test("whoever waits under the name is told that somebody else came", () => {
    const script = groupIn("joining");
    const waiting = script.tickets.at(-1) as number;
    script.join("", { instanceId: B, newMemberId: "b2" });
    expect(script.outcome(waiting)).toBe("instance_fenced");
    script.join("a");
    expect([...script.group.members.keys()].sort()).toEqual(["a", "b2"]);
  });
});

test("random walks answer every ticket once, in time, and never give one member two answers of a generation", () => {
  for (let walk = 0; walk < 150; walk++) {
    const random = seededRandom(SEED + walk);
    const pick = <T>(list: readonly T[]): T => list[randomBelow(random, list.length)] as T;
    const script = new GroupScript({
      groupSizeMax: 6,
      initialDelayMs: pick([0, 50]),
      newMemberWaitMs: 20_000,
    });
    const ids = ["", "a", "b", "c", "d"];
    let generation = 0;
    for (let i = 0; i < 120; i++) {
      const known = [...script.group.members.keys(), ...script.group.pendingIds.keys()];
      const id = randomBelow(random, 5) > 0 && known.length > 0 ? pick(known) : pick(ids);
      const instance = script.group.members.get(id)?.instanceId ?? undefined;
      const at = script.group.generation - (randomBelow(random, 8) === 0 ? 1 : 0);
      switch (randomBelow(random, 8)) {
        case 0:
        case 1:
          script.join(id, {
            protocols: pick([RANGE, OTHER, [protocol("sticky"), ...RANGE]]),
            idRequired: randomBelow(random, 2) === 0,
            ...(instance !== undefined
              ? { instanceId: instance }
              : randomBelow(random, 4)
                ? {}
                : { instanceId: pick(["i", "j"]) }),
          });
          break;
        case 2:
          for (const member of script.group.members.values()) {
            if (member.joinTicket === undefined) {
              script.join(member.id, {
                ...(member.instanceId === null ? {} : { instanceId: member.instanceId }),
              });
            }
          }
          break;
        case 3:
        case 4:
          script.sync(id, { [pick(known.length > 0 ? known : ids)]: "part" }, at);
          break;
        case 5:
          script.say(pick(["heartbeat", "commit"]), id, at);
          break;
        case 6:
          script.leave(id, instance ?? null);
          break;
        default:
          script.tick(pick([1, 50, 1_000, SESSION_MS]));
      }
      expect(script.group.generation).toBeGreaterThanOrEqual(generation);
      generation = script.group.generation;
      checkInvariants(script);
    }
    // Left alone it comes to rest: nobody waits, nobody is left, nothing is due.
    for (let i = 0; i < 50 && nextDeadlineMs(script.group) !== undefined; i++) {
      script.tick(Math.max(0, (nextDeadlineMs(script.group) as number) - script.nowMs));
      checkInvariants(script);
    }
    expect(script.group.phase).toBe("empty");
    expect(script.tickets.filter((ticket) => script.outcome(ticket) === "waits")).toEqual([]);
  }
});

function checkInvariants({ group, tickets, replies }: GroupScript): void {
  const held = new Set<number>();
  for (const { joinTicket, syncTicket } of group.members.values()) {
    for (const ticket of [joinTicket, syncTicket]) if (ticket !== undefined) held.add(ticket);
    if (joinTicket !== undefined) expect(group.phase).toBe("joining");
    if (syncTicket !== undefined) expect(group.phase).toBe("syncing");
  }
  for (const ticket of tickets) expect(held.has(ticket)).toBe(!replies.has(ticket));
  expect(group.members.size + group.pendingIds.size).toBeLessThanOrEqual(6);
  const names = [...group.members.values()].flatMap(({ instanceId }) => instanceId ?? []);
  expect(new Set(names).size).toBe(names.length);
  if (group.phase === "empty") expect(group.members.size).toBe(0);
  if (group.phase === "syncing" || group.phase === "stable") {
    expect(group.members.has(group.leaderId ?? "")).toBe(true);
    expect(group.protocolName).not.toBeNull();
  }
  expect(group.joinDeadlineMs !== undefined).toBe(group.phase === "joining");
}
