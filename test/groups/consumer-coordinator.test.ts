/** The coordinator of KIP-848's groups: what it keeps of members, and that it is given back. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { ConsumerGroups } from "../../src/groups/groups.ts";
import { JOIN_EPOCH, LEAVE_EPOCH } from "../../src/groups/consumer-group.ts";
import { openTestGroups, type TestGroups } from "../helpers/groups.ts";
import { TimerClock } from "../helpers/timer-clock.ts";

const SESSION_MS = 1_000;

let clock: TimerClock;
let open: TestGroups;
let consumers: ConsumerGroups;
beforeEach(async () => {
  clock = new TimerClock();
  const consumerLimits = { groupBytesMax: 1_000, consumerSessionTimeoutMs: SESSION_MS };
  open = await openTestGroups({ clock, consumerLimits });
  consumers = open.groups.consumers;
});
afterEach(() => open.close());

function beat(memberId: string, epoch: number, topics: readonly string[] | null) {
  const who = { memberId, instanceId: null, clientId: "client", clientHost: "127.0.0.1", rackId: null };
  const said = { rebalanceTimeoutMs: 10_000, assignor: null, owned: null };
  return consumers.heartbeat("g", { kind: "heartbeat", epoch, topics, ...who, ...said });
}

/** Joins with 400 of the 1,000 bytes that all members may take. */
const join = (memberId: string) => beat(memberId, JOIN_EPOCH, ["t".repeat(400)]);

test("the bytes of a member that leaves are given back, though nobody changes what he reads", () => {
  for (const memberId of ["a", "b"]) expect(join(memberId).failure).toBeUndefined();
  expect(join("c").failure).toBe("limit_exceeded");
  expect(beat("a", LEAVE_EPOCH, null).failure).toBeUndefined();
  expect(join("c").failure).toBeUndefined();
  expect(join("d").failure).toBe("limit_exceeded");
});

test("the bytes of a member that is not heard of any more are given back", () => {
  const { epoch } = join("a");
  clock.pass(SESSION_MS / 2);
  join("b");
  clock.pass(SESSION_MS / 2 + 1);
  expect(beat("a", epoch, null).failure).toBe("member_unknown");
  expect(join("c").failure).toBeUndefined();
  expect(join("d").failure).toBe("limit_exceeded");
});
