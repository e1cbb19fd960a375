/** Quotas over the wire: set, described and taken away by Kafka's APIs, by hand and by a client; in force at once. */
import { Admin } from "@platformatic/kafka";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Produce } from "../../src/kafka/messages/00-produce.ts";
import { Fetch } from "../../src/kafka/messages/01-fetch.ts";
import { DescribeClientQuotas } from "../../src/kafka/messages/48-describe-client-quotas.ts";
import { AlterClientQuotas } from "../../src/kafka/messages/49-alter-client-quotas.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";
import { batchOf } from "../helpers/log.ts";

const PRODUCER = "producer_byte_rate";
const CONSUMER = "consumer_byte_rate";
const INVALID_REQUEST = 42;
type Names = Record<string, string | null>;

let kafka: TestKafka;
let admin: KafkaClient;
beforeEach(async () => {
  kafka = await startTestKafka({ security: { auth: "sasl" } });
  await kafka.broker.createStream({ name: "t", shardCount: 1 });
  for (const name of ["admin", "ann", "bob"]) await kafka.access.users.create(name, "secret");
  admin = await connect("admin", "admin");
});
afterEach(() => kafka.close());

function connect(user: string, clientId: string): Promise<KafkaClient> {
  return kafka.client({ clientId, login: { mechanism: "PLAIN", user, password: "secret" } });
}

const wire = (names: Names) =>
  Object.entries(names).map(([entityType, entityName]) => ({ entityType, entityName }));

/** Sets a rate, or takes it away; the error code. */
async function set(names: Names, key: string, value: number | undefined, validateOnly = false) {
  const ops = [{ key, value: value ?? 0, remove: value === undefined }];
  const { entries } = await admin.request(AlterClientQuotas, {
    entries: [{ entity: wire(names), ops }],
    validateOnly,
  });
  expect(entries[0]?.entity).toEqual(wire(names));
  return entries[0]?.errorCode;
}

async function describeQuotas(components: [string, number, string | null][], strict = false) {
  const reply = await admin.request(DescribeClientQuotas, {
    components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
    strict,
  });
  if (reply.errorCode !== 0) return reply.errorCode;
  return (reply.entries ?? []).map(({ entity, values }) => [
    Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
    Object.fromEntries(values.map(({ key, value }) => [key, value])),
  ]);
}

const records = batchOf(["x".repeat(15_000)]);

async function produce(client: KafkaClient): Promise<number> {
  const partitionData = [{ index: 0, records }];
  const body = { acks: -1, timeoutMs: 1000, topicData: [{ name: "t", partitionData }] };
  const { responses, throttleTimeMs } = await client.request(Produce, body, 9);
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  return throttleTimeMs;
}

async function fetch(client: KafkaClient): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
  const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: "t", partitions }], forgottenTopicsData: [] };
  return (await client.request(Fetch, body, 11)).throttleTimeMs;
}

describe("a quota", () => {
  test("throttles its user from the next request on, on every connection, and nobody once it is gone", async () => {
    const [first, second] = [await connect("ann", "a"), await connect("ann", "b")];
    const other = await connect("bob", "a");
    expect(await produce(first)).toBe(0);
    expect(await set({ user: "ann" }, PRODUCER, 16_000)).toBe(0);
    expect(await produce(first)).toBe(0);
    expect(await produce(second)).toBeGreaterThan(0);
    expect(await produce(other)).toBe(0);
    expect(await fetch(second)).toBe(0);
    expect(await set({ user: "ann" }, PRODUCER, undefined)).toBe(0);
    expect(await produce(first)).toBe(0);
    expect(await produce(second)).toBe(0);
  });

  test("by client id is shared by all users with that id; by both, it is one user's", async () => {
    const [ann, bob] = [await connect("ann", "etl"), await connect("bob", "etl")];
    expect(await set({ "client-id": "etl" }, PRODUCER, 16_000)).toBe(0);
    expect(await produce(ann)).toBe(0);
    expect(await produce(bob)).toBeGreaterThan(0);
    expect(await set({ user: "ann", "client-id": "etl" }, PRODUCER, 1_000_000)).toBe(0);
    expect(await produce(ann)).toBe(0);
    expect(await produce(bob)).toBeGreaterThan(0);
  });

  test("by default gives each user its own, and consumers theirs", async () => {
    const [ann, bob] = [await connect("ann", "x"), await connect("bob", "x")];
    expect(await produce(ann)).toBe(0);
    expect(await set({ user: null }, CONSUMER, 16_000)).toBe(0);
    expect(await set({ user: "bob" }, PRODUCER, 10_000_000)).toBe(0);
    expect(await fetch(ann)).toBe(0);
    expect(await fetch(bob)).toBe(0);
    expect(await fetch(ann)).toBeGreaterThan(0);
    expect(await produce(bob)).toBe(0);
  });
});

test("a quota counts before the rate that the server gives everybody", async () => {
  await kafka.close();
  kafka = await startTestKafka({ limits: { produceBytesPerSecond: 10_000 } });
  await kafka.broker.createStream({ name: "t", shardCount: 1 });
  admin = await kafka.client({ clientId: "admin" });
  expect(await set({ "client-id": "bulk" }, PRODUCER, 10_000_000)).toBe(0);
  expect(await produce(await kafka.client({ clientId: "bulk" }))).toBe(0);
  expect(await produce(await kafka.client({ clientId: "other" }))).toBeGreaterThan(0);
});

test("a filter means exact names, defaults or any, and only what it names when it is strict", async () => {
  await set({ user: "ann" }, PRODUCER, 1);
  await set({ user: "ann" }, CONSUMER, 2);
  await set({ user: null }, PRODUCER, 3);
  await set({ "client-id": "etl" }, PRODUCER, 4);
  await set({ user: "ann", "client-id": "etl" }, PRODUCER, 5);
  const ann = [{ user: "ann" }, { [PRODUCER]: 1, [CONSUMER]: 2 }];
  const users = [{ user: null }, { [PRODUCER]: 3 }];
  const etl = [{ "client-id": "etl" }, { [PRODUCER]: 4 }];
  const both = [{ user: "ann", "client-id": "etl" }, { [PRODUCER]: 5 }];
  const sorted = (entries: unknown) => (entries as unknown[]).map((entry) => JSON.stringify(entry)).sort();
  const expectAll = async (found: Promise<unknown>, ...expected: unknown[]) =>
    expect(sorted(await found)).toEqual(sorted(expected));
  await expectAll(describeQuotas([]), ann, users, etl, both);
  await expectAll(describeQuotas([], true));
  await expectAll(describeQuotas([["user", 0, "ann"]]), ann, both);
  await expectAll(describeQuotas([["user", 0, "ann"]], true), ann);
  await expectAll(describeQuotas([["user", 1, null]]), users);
  await expectAll(describeQuotas([["user", 2, null]], true), ann, users);
  const pair: [string, number, string | null][] = [
    ["user", 2, null],
    ["client-id", 2, null],
  ];
  await expectAll(describeQuotas(pair), both);
  await expectAll(describeQuotas([["ip", 2, null]]));
  const senseless: [string, number, string | null][][] = [
    [["ip", 2, null], ...pair],
    [...pair, ...pair],
    [["team", 2, null]],
    [["user", 3, null]],
    [["user", 0, null]],
    [["user", 2, "ann"]],
  ];
  for (const components of senseless) expect(await describeQuotas(components)).toBe(INVALID_REQUEST);
});

test("what can't be a quota is refused by itself, with nothing kept, and validateOnly keeps nothing", async () => {
  expect(await set({ user: "ann" }, PRODUCER, 1, true)).toBe(0);
  for (const value of [0, -1, 1.5, Number.NaN, Infinity])
    expect(await set({ user: "ann" }, PRODUCER, value)).toBe(INVALID_REQUEST);
  for (const key of ["request_percentage", "connection_creation_rate", ""])
    expect(await set({ user: "ann" }, key, 10)).toBe(INVALID_REQUEST);
  for (const names of [{}, { ip: "127.0.0.1" }, { user: "" }, { "client-id": "x".repeat(300) }] as Names[])
    expect(await set(names, PRODUCER, 10)).toBe(INVALID_REQUEST);
  expect(await describeQuotas([])).toEqual([]);

  const op = { key: PRODUCER, value: 10, remove: false };
  const { entries } = await admin.request(AlterClientQuotas, {
    entries: [
      { entity: wire({ user: "ann" }), ops: [op, { ...op, key: "other" }] },
      { entity: [...wire({ user: "ann" }), ...wire({ user: "bob" })], ops: [op] },
      { entity: wire({ user: "bob" }), ops: [op, { ...op, value: 20 }] },
      { entity: wire({ user: "gone" }), ops: [{ ...op, remove: true }] },
    ],
    validateOnly: false,
  });
  expect(entries.map(({ errorCode }) => errorCode)).toEqual([INVALID_REQUEST, INVALID_REQUEST, 0, 0]);
  expect(await describeQuotas([])).toEqual([[{ user: "bob" }, { [PRODUCER]: 20 }]]);
});

test("@platformatic/kafka sets, describes and takes away quotas", async () => {
  const platformatic = new Admin({
    clientId: "quotas",
    bootstrapBrokers: [`127.0.0.1:${kafka.port}`],
    sasl: { mechanism: "PLAIN", username: "admin", password: "secret" },
  });
  try {
    const alter = (remove: boolean) =>
      platformatic.alterClientQuotas({
        entries: [
          {
            entities: [
              { entityType: "user", entityName: "ann" },
              { entityType: "client-id", entityName: null },
            ],
            ops: [{ key: PRODUCER, value: 123_456, remove }],
          },
        ],
        validateOnly: false,
      });
    const described = () =>
      platformatic.describeClientQuotas({
        components: [{ entityType: "user", matchType: 0, match: "ann" }],
        strict: false,
      });
    await alter(false);
    const [found] = await described();
    expect(found?.values).toEqual([{ key: PRODUCER, value: 123_456 }]);
    await alter(true);
    expect(await described()).toEqual([]);
  } finally {
    await platformatic.close();
  }
});
