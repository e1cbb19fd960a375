/** The assignors: every partition once, to somebody who wants it, evenly, and with few changes. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { type AssignedMember, type Assignment, ASSIGNORS } from "../../src/groups/assignors.ts";
import { keysOf, topicsOf } from "../helpers/consumer-group-script.ts";

const SEED = Number(process.env.VOIK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${SEED} (VOIK_SEED repeats it)`);

const members = (count: number, topics: string[]): AssignedMember[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `m${String(i).padStart(3, "0")}`,
    instanceId: null,
    topics,
  }));

const loads = (assignment: Assignment) => [...assignment.values()].map(({ size }) => size);
const spread = (assignment: Assignment) => Math.max(...loads(assignment)) - Math.min(...loads(assignment));

function expectEachOnce(assignment: Assignment, keys: readonly string[]): void {
  const given = [...assignment.values()].flatMap((set) => [...set]);
  expect(given.sort()).toEqual([...keys].sort());
}

describe("range", () => {
  test("gives neighbours to each, and one more to the first ones", () => {
    const assignment = ASSIGNORS.range(members(3, ["a"]), topicsOf({ a: 7 }), new Map());
    expect([...assignment].map(([id, set]) => [id, [...set]])).toEqual([
      ["m000", ["aa/0", "aa/1", "aa/2"]],
      ["m001", ["aa/3", "aa/4"]],
      ["m002", ["aa/5", "aa/6"]],
    ]);
  });

  test("gives the same numbers of topics with as many partitions to the same member", () => {
    const assignment = ASSIGNORS.range(members(2, ["a", "b"]), topicsOf({ a: 4, b: 4 }), new Map());
    expect([...(assignment.get("m000") ?? [])]).toEqual(["aa/0", "aa/1", "bb/0", "bb/1"]);
  });

  test("orders static members by their instance", () => {
    const two = members(2, ["a"]).map((member, i) => ({ ...member, instanceId: ["z", "y"][i] as string }));
    const assignment = ASSIGNORS.range(two, topicsOf({ a: 2 }), new Map());
    expect([...(assignment.get("m001") ?? [])]).toEqual(["aa/0"]);
  });
});

describe("uniform", () => {
  test("keeps what can be kept when a member comes and when one goes", () => {
    const topics = topicsOf({ a: 12 });
    const three = ASSIGNORS.uniform(members(3, ["a"]), topics, new Map());
    expect(loads(three)).toEqual([4, 4, 4]);
    const four = ASSIGNORS.uniform(members(4, ["a"]), topics, three);
    expect(loads(four)).toEqual([3, 3, 3, 3]);
    for (const [id, before] of three) expect(four.get(id)?.isSubsetOf(before)).toBe(true);
    const again = ASSIGNORS.uniform(members(3, ["a"]), topics, four);
    for (const [id, before] of four)
      if (again.has(id)) expect(before.isSubsetOf(again.get(id) as never)).toBe(true);
  });

  test("evens out members with different topics as far as they allow", () => {
    const mixed = [
      { id: "both", instanceId: null, topics: ["a", "b"] },
      { id: "only-a", instanceId: null, topics: ["a"] },
    ];
    const assignment = ASSIGNORS.uniform(mixed, topicsOf({ a: 4, b: 2 }), new Map());
    expect(assignment.get("both")?.size).toBe(3);
    expect(assignment.get("only-a")?.size).toBe(3);
  });

  test("nobody, no topic and no partition are no special cases", () => {
    expect(ASSIGNORS.uniform([], topicsOf({ a: 3 }), new Map()).size).toBe(0);
    expect(loads(ASSIGNORS.uniform(members(2, ["gone"]), topicsOf({ a: 3 }), new Map()))).toEqual([0, 0]);
    expect(loads(ASSIGNORS.range(members(2, ["a"]), topicsOf({ a: 0 }), new Map()))).toEqual([0, 0]);
  });
});

test.each(["range", "uniform"] as const)("%s: random members and topics, from what was before", (name) => {
  const random = seededRandom(SEED);
  const below = (n: number) => random.uint32() % n;
  for (let round = 0; round < 300; round++) {
    const names = ["a", "b", "c", "d"].slice(0, 1 + below(4));
    const topics = topicsOf(Object.fromEntries(names.map((topic) => [topic, below(20)])));
    const same = below(2) === 0;
    let previous: Assignment = new Map();
    for (let change = 0; change < 4; change++) {
      const all = members(1 + below(12), names).map((member) =>
        same ? member : { ...member, topics: names.filter(() => below(3) > 0) },
      );
      const assignment = ASSIGNORS[name](all, topics, previous);
      const wanted = names.filter((topic) => all.some((member) => member.topics.includes(topic)));
      const keys = wanted.flatMap((topic) => keysOf(new Map([[topic, topics.get(topic) as never]])));
      expectEachOnce(assignment, keys);
      for (const { id, topics: own } of all) {
        for (const key of assignment.get(id) ?? []) expect(own).toContain(key.charAt(0));
      }
      if (name === "uniform" && same) expect(spread(assignment)).toBeLessThanOrEqual(1);
      previous = assignment;
    }
  }
});
