/** The coordinator: timers, limits, cancelled waits, and what a stop does. Offsets have tests of their own. */
import { afterEach, describe, expect, test } from "bun:test";
import type { JoinReply, SyncReply } from "../../src/groups/group.ts";
import type { JoinRequest } from "../../src/groups/groups.ts";
import { openTestGroups, type TestGroups, type TestGroupsOptions } from "../helpers/groups.ts";

let open: TestGroups[] = [];
afterEach(async () => {
  for (const one of open) await one.close();
  open = [];
});

async function coordinator(options: TestGroupsOptions = {}) {
  const test = await openTestGroups(options);
  open.push(test);
  return test;
}

function joining(overrides: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId: "",
    instanceId: null,
    clientId: "client",
    clientHost: "127.0.0.1",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.from("topics") }],
    idRequired: false,
    maySkip: true,
    ...overrides,
  };
}

const join = (groups: TestGroups["groups"], id: string, overrides: Partial<JoinRequest> = {}) =>
  new Promise<JoinReply>((resolve) => void groups.join(id, joining(overrides), resolve));

describe("the coordinator", () => {
  test("runs a group from the first join to its end, by real timers", async () => {
    const { groups } = await coordinator({ limits: { sessionTimeoutMsMin: 1 } });
    const joined = await join(groups, "g", { sessionTimeoutMs: 40 });
    expect(joined).toMatchObject({ failure: undefined, generation: 1, leaderId: joined.memberId });
    const assignments = [{ memberId: joined.memberId, assignment: Buffer.from("all") }];
    const speaker = { memberId: joined.memberId, instanceId: null, generation: 1 };
    const synced = await new Promise<SyncReply>(
      (resolve) =>
        void groups.sync("g", { ...speaker, protocolType: null, protocolName: null, assignments }, resolve),
    );
    expect(synced.assignment.toString()).toBe("all");
    expect(groups.heartbeat("g", speaker)).toBeUndefined();
    expect(groups.describe("g")?.phase).toBe("stable");
    while (groups.describe("g")) await Bun.sleep(1);
    expect(groups.heartbeat("g", speaker)).toBe("member_unknown");
    expect(groups.counts).toEqual({ groups: 0, members: 0 });
  });

  test("member ids begin with the client's name or the instance's, and are never the same", async () => {
    const { groups } = await coordinator();
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) ids.add((await join(groups, `g${i}`)).memberId);
    expect(ids.size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^client-[0-9a-f]{32}$/);
    expect((await join(groups, "s", { instanceId: "i" })).memberId).toMatch(/^i-/);
  });

  test("refuses what no client should ask for, without keeping anything", async () => {
    const { groups } = await coordinator({ limits: { groupsMax: 2, groupBytesMax: 1_000 } });
    expect((await join(groups, "")).failure).toBe("group_id_invalid");
    expect((await join(groups, "x".repeat(1025))).failure).toBe("group_id_invalid");
    for (const sessionTimeoutMs of [-1, 0, 5_999, 1_800_001]) {
      expect((await join(groups, "g", { sessionTimeoutMs })).failure).toBe("session_timeout_invalid");
    }
    expect((await join(groups, "g", { memberId: "m" })).failure).toBe("member_unknown");
    const large = [{ name: "range", metadata: Buffer.alloc(1_001) }];
    expect((await join(groups, "g", { protocols: large })).failure).toBe("limit_exceeded");
    expect((await join(groups, "g", { protocols: [] })).failure).toBe("protocol_inconsistent");
    expect(groups.counts.groups).toBe(0);
    await join(groups, "g1");
    await join(groups, "g2");
    expect((await join(groups, "g3")).failure).toBe("limit_exceeded");
    groups.leave("g1", [
      { memberId: [...(groups.describe("g1")?.members.keys() ?? [])][0] ?? "", instanceId: null },
    ]);
    expect((await join(groups, "g3")).failure).toBeUndefined();
  });

  test("gives back the bytes that a member took when it goes", async () => {
    const { groups } = await coordinator({ limits: { groupBytesMax: 1_000 } });
    for (let i = 0; i < 20; i++) {
      const { failure, memberId } = await join(groups, "g", {
        protocols: [{ name: "range", metadata: Buffer.alloc(900) }],
      });
      expect(failure).toBeUndefined();
      groups.leave("g", [{ memberId, instanceId: null }]);
    }
  });

  test("does not answer a join that was cancelled, and copies what it keeps", async () => {
    const { groups } = await coordinator();
    const metadata = Buffer.from("topics");
    const first = await join(groups, "g", { protocols: [{ name: "range", metadata }] });
    metadata.fill(0);
    let answered = false;
    const waiting = groups.join("g", joining(), () => (answered = true));
    waiting.cancel();
    const second = join(groups, "g", { memberId: first.memberId });
    expect((await second).members.map((member) => member.metadata.toString())).toEqual(["topics", "topics"]);
    expect(answered).toBe(false);
  });

  test("answers everything that waits when it stops, and takes no more", async () => {
    const { groups } = await coordinator({ limits: { initialDelayMs: 60_000 } });
    const waiting = join(groups, "g");
    groups.stop();
    expect((await waiting).failure).toBe("stopping");
    expect((await join(groups, "g")).failure).toBe("stopping");
    const speaker = { memberId: "m", instanceId: null, generation: 1 };
    expect(groups.heartbeat("g", speaker)).toBe("stopping");
    expect(groups.leave("g", [{ memberId: "m", instanceId: null }])).toEqual(["stopping"]);
    expect(await groups.commit("g", speaker, [])).toBe("stopping");
  });
});
