/**
 * Who may do what at the Kafka door (BAD-INPUT 54): every API with everything it needs, and with each need missing in
 * turn. An API without a row here fails the test, and so does one without a guard.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../../src/kafka/client.ts";
import { APIS } from "../../../src/kafka/apis.ts";
import { guardOf } from "../../../src/kafka/guards/guards.ts";
import { InitProducerId } from "../../../src/kafka/messages/22-init-producer-id.ts";
import { Metadata } from "../../../src/kafka/messages/03-metadata.ts";
import { Produce } from "../../../src/kafka/messages/00-produce.ts";
import { acl } from "../../helpers/access.ts";
import {
  ACL_ROWS,
  type AclRow,
  CLUSTER,
  DENIED,
  type Names,
  named,
  commit,
  TOPIC,
} from "../../helpers/acl-rows.ts";
import { frameOf, RawConnection, startTestKafka, type TestKafka } from "../../helpers/kafka.ts";
import { batchOf } from "../../helpers/log.ts";

let kafka: TestKafka;
let client: KafkaClient;
const THERE = { topic: "there", group: "there", id: "there" };
const NOWHERE = { topic: "nowhere", group: "nowhere", id: "nowhere" };

beforeAll(async () => {
  kafka = await startTestKafka({ enforcing: true, security: { auth: "sasl" } });
  for (const name of ["ann", "admin"]) await kafka.access.users.create(name, "secret");
  await kafka.broker.createStream({ name: THERE.topic, shardCount: 1 });
  const admin = await kafka.client({ login: { mechanism: "PLAIN", user: "admin", password: "secret" } });
  const group = { groupId: THERE.group, memberId: "", topics: named(THERE, commit) };
  await admin.request(APIS.find(({ key }) => key === 8) as never, group as never, 8);
  await admin.request(InitProducerId, { transactionalId: THERE.id, transactionTimeoutMs: 1000 });
  client = await kafka.client({ login: { mechanism: "PLAIN", user: "ann", password: "secret" } });
});
afterAll(() => kafka.close());

/** All error codes of a reply, wherever they stand. */
function codesOf(reply: unknown): number[] {
  if (typeof reply !== "object" || reply === null || Buffer.isBuffer(reply)) return [];
  return Object.entries(reply).flatMap(([name, value]) =>
    /^(partition)?errorCode$/i.test(name) ? [value as number] : codesOf(value),
  );
}

const filled = (text: string, names: Names) =>
  text.replace("$topic", names.topic).replace("$group", names.group).replace("$id", names.id);

/** Asks as a user who may do `granted` and nothing else. */
async function ask(key: number, row: AclRow, names: Names, granted: string[]): Promise<unknown> {
  kafka.access.acls.delete({});
  kafka.access.acls.add(granted.map((what) => acl(`allow User:ann ${filled(what, names)}`)));
  const api = APIS.find((one) => one.key === key);
  const version = row.version ?? client.versionOf(api as never);
  return client.request(api as never, row.body(names) as never, version);
}

test("every API has a row, a guard, and no row is left over", () => {
  const keys = APIS.map(({ key }) => key);
  expect(Object.keys(ACL_ROWS).map(Number)).toEqual(keys);
  expect(keys.filter((key) => guardOf(key) === undefined)).toEqual([]);
});

describe("with ACLs enforced", () => {
  for (const { key, name } of APIS) {
    const row = ACL_ROWS[key];
    if (row === undefined || row === "open") continue;
    const all = row.needs.map(([need]) => need);

    test(`${name} is allowed to who may ${all.join(", ")}`, async () => {
      const reply = await ask(key, row, THERE, all);
      expect(codesOf(reply).filter((code) => DENIED.includes(code))).toEqual([]);
      if (row.shows) expect(JSON.stringify(reply)).toContain(filled(row.shows, THERE));
    });

    test(`${name} is denied when any of it is missing, and tells nothing of what there is`, async () => {
      for (const [missing, code] of row.needs) {
        const granted = all.filter((need) => need !== missing);
        const reply = await ask(key, row, THERE, granted);
        if (code !== 0) expect(codesOf(reply)).toContain(code);
        if (row.shows) expect(JSON.stringify(reply)).not.toContain(filled(row.shows, THERE));
        const ofNothing = await ask(key, row, NOWHERE, granted);
        const masked = (text: string) => text.replaceAll(/there|nowhere/g, "name");
        if (granted.length === 0)
          expect(masked(JSON.stringify(ofNothing))).toBe(masked(JSON.stringify(reply)));
      }
    });
  }

  const metadata = async (topics: { name: string }[] | null, version?: number) => {
    const reply = await client.request(Metadata, { topics, allowAutoTopicCreation: true }, version);
    return reply.topics.map(({ name, errorCode }) => [name, errorCode]);
  };

  test("Metadata of all topics shows those that may be seen, in version 0 too, and makes none that may not be made", async () => {
    kafka.access.acls.delete({});
    expect(await metadata(null)).toEqual([]);
    expect(await metadata([{ name: "there" }], 0)).toEqual([["there", TOPIC]]);
    kafka.access.acls.add([
      acl("allow User:ann describe topic there"),
      acl("allow User:ann describe topic new"),
    ]);
    expect(await metadata(null)).toEqual([["there", 0]]);
    expect(await metadata([], 0)).toEqual([["there", 0]]);
    expect(await metadata([{ name: "new" }, { name: "there" }])).toEqual([
      ["there", 0],
      ["new", TOPIC],
    ]);
    expect(kafka.broker.streamByName("new")).toBeUndefined();
    kafka.access.acls.add([acl("allow User:ann create topic new")]);
    expect(await metadata([{ name: "new" }])).toEqual([["new", 0]]);
  });

  test("a request is done for what is allowed of it, and deny goes before allow", async () => {
    kafka.access.acls.delete({});
    kafka.access.acls.add([
      acl("allow User:ann write topic the prefixed"),
      acl("deny User:ann write topic thermostat"),
    ]);
    await kafka.broker.createStream({ name: "thermostat", shardCount: 1 });
    const data = (name: string) => ({ name, partitionData: [{ index: 0, records: batchOf(["v"]) }] });
    const topicData = [data("thermostat"), data("there"), data("other")];
    const { responses } = await client.request(Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
    const codes = responses.map(({ name, partitionResponses }) => [name, partitionResponses[0]?.errorCode]);
    expect(codes).toEqual([
      ["there", 0],
      ["thermostat", TOPIC],
      ["other", TOPIC],
    ]);
  });

  test("idempotent producers need to write somewhere, or IDEMPOTENT_WRITE on the cluster", async () => {
    const init = async (...granted: string[]) => {
      kafka.access.acls.delete({});
      kafka.access.acls.add(granted.map(acl));
      return (await client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }))
        .errorCode;
    };
    expect(await init()).toBe(CLUSTER);
    expect(await init("allow User:ann read topic there")).toBe(CLUSTER);
    expect(await init("allow User:ann write topic x prefixed")).toBe(0);
    expect(await init("allow User:ann idempotent-write cluster kafka-cluster")).toBe(0);
  });

  test("an acks=0 write that is not allowed ends the connection", async () => {
    const anonymous = await startTestKafka({ enforcing: true });
    await anonymous.broker.createStream({ name: "t", shardCount: 1 });
    const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf(["v"]) }] }];
    const raw = await RawConnection.open(anonymous.port);
    raw.socket.write(frameOf(Produce, 9, { acks: 0, timeoutMs: 1000, topicData }));
    await raw.closed;
    expect(anonymous.broker.streamByName("t")?.shards[0]?.log.endOffset).toBe(0);
    await anonymous.close();
  });

  test("who has not logged in is User:ANONYMOUS, and an entry can be for an address", async () => {
    const anonymous = await startTestKafka({ enforcing: true });
    const one = await anonymous.client();
    const seen = async () => {
      const { topics } = await one.request(Metadata, {
        topics: [{ name: "t" }],
        allowAutoTopicCreation: false,
      });
      return topics[0]?.errorCode;
    };
    expect(await seen()).toBe(TOPIC);
    anonymous.access.acls.add([acl("allow User:ANONYMOUS describe topic t from 10.0.0.1")]);
    expect(await seen()).toBe(TOPIC);
    anonymous.access.acls.add([acl("allow User:ANONYMOUS describe topic t from 127.0.0.1")]);
    expect(await seen()).toBe(3);
    await anonymous.close();
  });
});
