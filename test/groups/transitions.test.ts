/** The transitions of a consumer group, exhaustively: what every event is answered in every phase, and the phase after it. */
import { describe, expect, test } from "bun:test";
import type { Phase } from "../../src/groups/group.ts";
import {
  GroupScript,
  groupIn,
  INSTANCE_B as B,
  protocol,
  RANGE,
  SESSION_MS,
} from "../helpers/group-script.ts";

const PHASES: Phase[] = ["empty", "joining", "syncing", "stable"];
type Run = (script: GroupScript) => number;
const OLD = 0;

/** For each event: what it is answered in the four phases, and the phase afterwards. */
const TABLE: [name: string, run: Run, after: [string, Phase][]][] = [
  [
    "a new member that knows of required ids",
    (g) => g.join("", { idRequired: true }),
    PHASES.map((phase) => ["member_id_required", phase]),
  ],
  [
    "a new member that doesn't",
    (g) => g.join(""),
    [
      ["waits", "joining"],
      ["waits", "joining"],
      ["waits", "joining"],
      ["waits", "joining"],
    ],
  ],
  [
    "the leader joining again with the same protocols",
    (g) => g.join("a"),
    [
      ["member_unknown", "empty"],
      ["ok", "syncing"],
      ["ok", "syncing"],
      ["waits", "joining"],
    ],
  ],
  [
    "a follower joining again with the same protocols",
    (g) => g.join("b", { instanceId: B, protocols: g.group.members.get("b")?.protocols ?? RANGE }),
    [
      ["member_unknown", "empty"],
      ["waits", "joining"],
      ["ok", "syncing"],
      ["ok", "stable"],
    ],
  ],
  [
    "a follower joining again with other metadata",
    (g) => g.join("b", { instanceId: B, protocols: [protocol("range", "new")] }),
    [
      ["member_unknown", "empty"],
      ["waits", "joining"],
      ["waits", "joining"],
      ["waits", "joining"],
    ],
  ],
  ["a member that nobody knows", (g) => g.join("x"), PHASES.map((phase) => ["member_unknown", phase])],
  [
    "a member with protocols that nobody shares",
    (g) => g.join("", { protocols: [protocol("sticky")] }),
    [
      ["waits", "joining"],
      ["protocol_inconsistent", "joining"],
      ["protocol_inconsistent", "syncing"],
      ["protocol_inconsistent", "stable"],
    ],
  ],
  [
    "a member of another type",
    (g) => g.join("", { protocolType: "connect" }),
    [
      ["waits", "joining"],
      ["protocol_inconsistent", "joining"],
      ["protocol_inconsistent", "syncing"],
      ["protocol_inconsistent", "stable"],
    ],
  ],
  [
    "a member without protocols",
    (g) => g.join("", { protocols: [] }),
    PHASES.map((phase) => ["protocol_inconsistent", phase]),
  ],
  [
    "somebody else under a static member's name",
    (g) => g.join("x", { instanceId: B }),
    PHASES.map((phase) => [phase === "empty" ? "member_unknown" : "instance_fenced", phase]),
  ],
  [
    "a static member that starts anew",
    (g) => g.join("", { instanceId: B }),
    [
      ["waits", "joining"],
      ["waits", "joining"],
      ["waits", "joining"],
      ["ok", "stable"],
    ],
  ],
  [
    "the leader's sync",
    (g) => g.sync("a", { b: "B" }),
    [
      ["member_unknown", "empty"],
      ["rebalance_in_progress", "joining"],
      ["ok", "stable"],
      ["ok", "stable"],
    ],
  ],
  [
    "a follower's sync",
    (g) => g.sync("b"),
    [
      ["member_unknown", "empty"],
      ["rebalance_in_progress", "joining"],
      ["waits", "syncing"],
      ["ok", "stable"],
    ],
  ],
  [
    "a sync of an old generation",
    (g) => g.sync("b", {}, OLD),
    PHASES.map((phase) => [phase === "empty" ? "member_unknown" : "generation_illegal", phase]),
  ],
  [
    "a sync for another protocol",
    (g) => g.sync("b", {}, g.group.generation, { protocolName: "sticky" }),
    [
      ["member_unknown", "empty"],
      ["rebalance_in_progress", "joining"],
      ["protocol_inconsistent", "syncing"],
      ["protocol_inconsistent", "stable"],
    ],
  ],
  [
    "a heartbeat",
    (g) => g.say("heartbeat", "a"),
    [
      ["member_unknown", "empty"],
      ["rebalance_in_progress", "joining"],
      ["ok", "syncing"],
      ["ok", "stable"],
    ],
  ],
  [
    "a heartbeat of an old generation",
    (g) => g.say("heartbeat", "a", OLD),
    PHASES.map((phase) => [phase === "empty" ? "member_unknown" : "generation_illegal", phase]),
  ],
  [
    "a heartbeat of a fenced static member",
    (g) => g.say("heartbeat", "x", 1, B),
    PHASES.map((phase) => [phase === "empty" ? "member_unknown" : "instance_fenced", phase]),
  ],
  [
    "a commit",
    (g) => g.say("commit", "a"),
    [
      ["member_unknown", "empty"],
      ["ok", "joining"],
      ["rebalance_in_progress", "syncing"],
      ["ok", "stable"],
    ],
  ],
  [
    "a commit of an old generation",
    (g) => g.say("commit", "a", OLD),
    PHASES.map((phase) => [phase === "empty" ? "member_unknown" : "generation_illegal", phase]),
  ],
  [
    "a commit by somebody without a group",
    (g) => g.say("commit", "", -1),
    PHASES.map((phase) => [phase === "empty" ? "ok" : "member_unknown", phase]),
  ],
  [
    "a member that leaves",
    (g) => g.leave("a"),
    [
      ["member_unknown", "empty"],
      ["ok", "syncing"],
      ["ok", "joining"],
      ["ok", "joining"],
    ],
  ],
  [
    "a static member that is removed by its name",
    (g) => g.leave("", B),
    [
      ["member_unknown", "empty"],
      ["ok", "joining"],
      ["ok", "joining"],
      ["ok", "joining"],
    ],
  ],
  ["a stranger that leaves", (g) => g.leave("x"), PHASES.map((phase) => ["member_unknown", phase])],
];

describe("every event in every phase", () => {
  test("finds the phases as they are named", () => {
    for (const phase of PHASES) expect(groupIn(phase).group.phase).toBe(phase);
  });

  for (const [name, run, after] of TABLE) {
    for (const [i, phase] of PHASES.entries()) {
      const [outcome, next] = after[i] as [string, Phase];
      test(`${name}, ${phase}: ${outcome}, then ${next}`, () => {
        const script = groupIn(phase);
        const ticket = run(script);
        expect([script.outcome(ticket), script.group.phase]).toEqual([outcome as never, next]);
      });
    }
  }

  test.each([
    ["empty", "empty"],
    ["joining", "syncing"],
    ["syncing", "empty"],
    ["stable", "empty"],
  ] as [Phase, Phase][])("long silence, %s: then %s", (phase, next) => {
    const script = groupIn(phase);
    script.tick(SESSION_MS);
    expect(script.group.phase).toBe(next);
  });

  test.each(PHASES)("a stop, %s: whoever waits is told", (phase) => {
    const script = groupIn(phase);
    if (phase === "syncing") script.sync("b");
    script.run({ kind: "stop" });
    const waiting = script.tickets.filter((ticket) => script.outcome(ticket) === "waits");
    expect(waiting).toEqual([]);
    const told = script.tickets.filter((ticket) => script.outcome(ticket) === "stopping");
    expect(told.length).toBe(phase === "joining" || phase === "syncing" ? 1 : 0);
  });
});
