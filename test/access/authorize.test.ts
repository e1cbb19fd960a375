/** Kafka's authorization rules, as a table: which entries there are, who asks what, and the answer. */
import { afterEach, describe, expect, test } from "bun:test";
import { type AclOperation, covers, type ResourceType } from "../../src/access/acl.ts";
import type { AuthorizationRules } from "../../src/access/acl-book.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { acl, openTestAccess, type TestAccess } from "../helpers/access.ts";

let access: TestAccess;
afterEach(() => access.close());

const HOST = "10.0.0.7";

/** Whether `who` may do "read topic orders" under `entries`. */
async function may(
  entries: string[],
  question: string,
  { who = "User:ann", ...rules }: Partial<AuthorizationRules> & { who?: string } = {},
): Promise<boolean> {
  access = await openTestAccess(rules);
  access.acls.add(entries.map(acl));
  const [operation, type, name] = question.split(" ") as [AclOperation, ResourceType, string];
  return access.authorize(who, HOST, operation, type, name);
}

describe("authorize", () => {
  test.each<[string, string[], string, boolean]>([
    ["nothing is allowed without entries", [], "read topic orders", false],
    ["what an entry allows", ["allow User:ann read topic orders"], "read topic orders", true],
    ["not another operation", ["allow User:ann read topic orders"], "write topic orders", false],
    ["not another name", ["allow User:ann read topic orders"], "read topic orders2", false],
    ["not another type", ["allow User:ann read topic orders"], "read group orders", false],
    ["not somebody else's", ["allow User:bob read topic orders"], "read topic orders", false],
    ["everybody's", ["allow User:* read topic orders"], "read topic orders", true],
    ["every name", ["allow User:ann read topic *"], "read topic orders", true],
    ["a prefix", ["allow User:ann read topic or prefixed"], "read topic orders", true],
    [
      "not what a prefix is not of",
      ["allow User:ann read topic orders. prefixed"],
      "read topic orders",
      false,
    ],
    ["a literal name is no prefix", ["allow User:ann read topic or"], "read topic orders", false],
    ["all operations", ["allow User:ann all topic orders"], "alter-configs topic orders", true],
    ["from this host", ["allow User:ann read topic orders from 10.0.0.7"], "read topic orders", true],
    ["not from another host", ["allow User:ann read topic orders from 10.0.0.8"], "read topic orders", false],
    ["read implies describe", ["allow User:ann read topic orders"], "describe topic orders", true],
    ["write implies describe", ["allow User:ann write topic orders"], "describe topic orders", true],
    ["delete implies describe", ["allow User:ann delete topic orders"], "describe topic orders", true],
    ["alter implies describe", ["allow User:ann alter topic orders"], "describe topic orders", true],
    ["create does not", ["allow User:ann create topic orders"], "describe topic orders", false],
    [
      "alter-configs implies describe-configs",
      ["allow User:ann alter-configs topic orders"],
      "describe-configs topic orders",
      true,
    ],
    ["describe implies nothing", ["allow User:ann describe topic orders"], "read topic orders", false],
    [
      "deny over allow",
      ["allow User:ann read topic orders", "deny User:* read topic orders"],
      "read topic orders",
      false,
    ],
    [
      "a prefixed deny over a literal allow",
      ["allow User:ann all topic orders", "deny User:ann read topic or prefixed"],
      "read topic orders",
      false,
    ],
    [
      "a wildcard deny of all",
      ["allow User:ann read topic orders", "deny User:ann all topic *"],
      "read topic orders",
      false,
    ],
    [
      "a denied read does not deny describe",
      ["allow User:ann all topic orders", "deny User:ann read topic orders"],
      "describe topic orders",
      true,
    ],
    [
      "a deny for another host",
      ["allow User:ann read topic orders", "deny User:ann read topic orders from 10.0.0.8"],
      "read topic orders",
      true,
    ],
  ])("%s", async (_what, entries, question, answer) => {
    expect(await may(entries, question)).toBe(answer);
  });

  test("lets super users do everything", async () => {
    const superUsers = new Set(["User:ann"]);
    expect(await may(["deny User:ann all topic orders"], "read topic orders", { superUsers })).toBeTrue();
  });

  test("lets everybody at what no entry is about, when told to", async () => {
    const rules = { allowEveryoneIfNoAcl: true };
    expect(await may([], "read topic orders", rules)).toBeTrue();
    access.close();
    // An entry for somebody else is about it all the same.
    expect(await may(["allow User:bob read topic ord prefixed"], "read topic orders", rules)).toBeFalse();
  });

  test("says yes to everything while ACLs are not enforced", async () => {
    expect(await may(["deny User:* all topic *"], "read topic orders", { enforcing: false })).toBeTrue();
  });

  test("knows whether there is any resource at all", async () => {
    access = await openTestAccess();
    const any = () => access.authorizeAny("User:ann", HOST, "write", "topic");
    expect(any()).toBeFalse();
    access.acls.add([acl("allow User:ann write topic or prefixed")]);
    expect(any()).toBeTrue();
    access.acls.add([acl("deny User:ann write topic o prefixed")]);
    expect(any()).toBeFalse();
    access.acls.add([acl("allow User:ann write topic payments")]);
    expect(any()).toBeTrue();
    access.acls.add([acl("deny User:ann write topic *")]);
    expect(any()).toBeFalse();
  });
});

test("answers as a walk over all entries does, for random entries and questions", async () => {
  const seed = Number(process.env.VOIK_SEED ?? 20261125);
  console.log(`ACL entries of seed ${seed}`);
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[randomBelow(random, from.length)] as T;
  const names = ["a", "ab", "abc", "b", "ba"];
  const operations: AclOperation[] = ["read", "write", "describe", "all"];
  access = await openTestAccess();
  const entries = Array.from({ length: 60 }, () =>
    acl(
      `${pick(["allow", "allow", "deny"])} ${pick(["User:ann", "User:bob", "User:*"])} ${pick(operations)} topic ` +
        pick([...names, ...names, "*", "a prefixed", "ab prefixed", "b prefixed"]) +
        pick(["", "", ` from ${HOST}`, " from 10.0.0.8"]),
    ),
  );
  for (let round = 0; round < 200; round++) {
    access.acls.delete({});
    const some = Array.from({ length: 1 + randomBelow(random, 6) }, () => pick(entries));
    access.acls.add(some);
    const [who, operation, name] = [
      pick(["User:ann", "User:bob"]),
      pick(operations.slice(0, 3)),
      pick(names),
    ];
    const mine = some.filter(
      (entry) =>
        covers(entry, name) && [who, "User:*"].includes(entry.principal) && [HOST, "*"].includes(entry.host),
    );
    const says = (permission: string, ...also: string[]) =>
      mine.some(
        (entry) => entry.permission === permission && [operation, "all", ...also].includes(entry.operation),
      );
    const allowed = says("allow", ...(operation === "describe" ? ["read", "write"] : [])) && !says("deny");
    expect([some, who, operation, name, access.authorize(who, HOST, operation, "topic", name)]).toEqual([
      some,
      who,
      operation,
      name,
      allowed,
    ]);
  }
});

describe("ACL entries", () => {
  test("are listed and deleted by filter", async () => {
    access = await openTestAccess();
    const [literal, prefixed, wildcard, other] = [
      "allow User:ann read topic orders",
      "allow User:ann read topic ord prefixed",
      "deny User:* write topic *",
      "allow User:bob read group orders",
    ].map(acl);
    const all = [literal, prefixed, wildcard, other];
    access.acls.add(all as never);
    const named = (patternType: "literal" | "match" | undefined) =>
      access.acls.list({ resourceType: "topic", resourceName: "orders", patternType });
    expect(named("literal")).toEqual([literal] as never);
    expect(named("match")).toEqual([literal, wildcard, prefixed] as never);
    expect(access.acls.list({ principal: "User:bob" })).toEqual([other] as never);
    const { version } = access.acls;
    expect(access.acls.delete({ permission: "allow" })).toEqual([other, literal, prefixed] as never);
    expect(access.acls.list({})).toEqual([wildcard] as never);
    expect(access.acls.version).toBeGreaterThan(version);
  });

  test("are there once, however often they are added", async () => {
    access = await openTestAccess();
    const entry = acl("allow User:ann read topic orders");
    access.acls.add([entry, entry]);
    access.acls.add([entry]);
    expect(access.acls.list({})).toEqual([entry]);
  });

  test.each([
    "allow ann read topic orders",
    "allow User:ann read cluster other",
    "allow User:ann read cluster kafka-cluster",
    "allow User:ann write group workers",
    "allow User:ann read topic * prefixed",
  ])("can't be: %s", async (text) => {
    access = await openTestAccess();
    expect(() => access.acls.add([acl("allow User:ann read topic fine"), acl(text)])).toThrow(
      "the ACL entry",
    );
    expect(access.acls.list({})).toEqual([]);
  });
});
