/** Users and ACL entries through Kafka's own APIs: kept, listed, deleted, refused; by hand and by kafkajs. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import { saltedPassword } from "../../../src/access/scram.ts";
import type { KafkaClient } from "../../../src/kafka/client.ts";
import { Metadata } from "../../../src/kafka/messages/03-metadata.ts";
import { CreateAcls } from "../../../src/kafka/messages/30-create-acls.ts";
import { DescribeAcls } from "../../../src/kafka/messages/29-describe-acls.ts";
import { DescribeUserScramCredentials } from "../../../src/kafka/messages/50-describe-user-scram-credentials.ts";
import { AlterUserScramCredentials } from "../../../src/kafka/messages/51-alter-user-scram-credentials.ts";
import { startTestKafka, type TestKafka } from "../../helpers/kafka.ts";

const SHA_256 = 1;
const SHA_512 = 2;

let kafka: TestKafka;
let admin: KafkaClient;
beforeEach(async () => {
  kafka = await startTestKafka({ enforcing: true, security: { auth: "sasl" } });
  await kafka.access.users.create("admin", "secret");
  admin = await kafka.client({ login: { mechanism: "PLAIN", user: "admin", password: "secret" } });
});
afterEach(() => kafka.close());

async function set(
  name: string,
  mechanism: number,
  password: string,
  more: { iterations?: number; salt?: Buffer } = {},
) {
  const { iterations = 4096, salt = Buffer.from("a salt") } = more;
  const scram = mechanism === SHA_256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512";
  const salted = await saltedPassword(scram, password, salt, iterations);
  const upsertions = [{ name, mechanism, iterations, salt, saltedPassword: salted }];
  const { results } = await admin.request(AlterUserScramCredentials, { deletions: [], upsertions });
  return results[0]?.errorCode;
}

async function remove(name: string, mechanism: number) {
  const deletions = [{ name, mechanism }];
  const { results } = await admin.request(AlterUserScramCredentials, { deletions, upsertions: [] });
  return results[0]?.errorCode;
}

const canLogIn = (mechanism: "SCRAM-SHA-256" | "SCRAM-SHA-512" | "PLAIN", user: string, password: string) =>
  kafka.client({ login: { mechanism, user, password } }).then(
    () => true,
    () => false,
  );

test("a password that is set lets its user in with its mechanism, until it is deleted", async () => {
  expect(await set("ann", SHA_512, "first")).toBe(0);
  expect(await canLogIn("SCRAM-SHA-512", "ann", "first")).toBe(true);
  expect(await canLogIn("PLAIN", "ann", "first")).toBe(true);
  expect(await canLogIn("SCRAM-SHA-256", "ann", "first")).toBe(false);
  expect(await set("ann", SHA_512, "second", { iterations: 5000 })).toBe(0);
  expect(await canLogIn("SCRAM-SHA-512", "ann", "first")).toBe(false);
  const { results } = await admin.request(DescribeUserScramCredentials, { users: [{ name: "ann" }] });
  expect(results[0]?.credentialInfos).toEqual([{ mechanism: SHA_512, iterations: 5000 }]);
  expect(await remove("ann", SHA_512)).toBe(0);
  expect(await canLogIn("SCRAM-SHA-512", "ann", "second")).toBe(false);
  expect(await remove("ann", SHA_512)).toBe(91);
});

test("a credential that is none, an unknown mechanism and an unknown user are refused", async () => {
  expect(await set("ann", SHA_256, "x", { iterations: 100 })).toBe(93);
  expect(await set("ann", SHA_256, "x", { iterations: 1_000_000 })).toBe(93);
  expect(await set("ann", SHA_256, "x", { salt: Buffer.alloc(0) })).toBe(93);
  expect(await set("", SHA_256, "x")).toBe(93);
  expect(await remove("ann", 3)).toBe(33);
  const users = [{ name: "admin" }, { name: "nobody" }, { name: "twice" }, { name: "twice" }];
  const { results } = await admin.request(DescribeUserScramCredentials, { users });
  expect(results.map(({ user, errorCode }) => [user, errorCode])).toEqual([
    ["admin", 0],
    ["nobody", 91],
    ["twice", 92],
  ]);
  const deletions = [
    { name: "admin", mechanism: SHA_256 },
    { name: "admin", mechanism: SHA_512 },
  ];
  const twice = await admin.request(AlterUserScramCredentials, { deletions, upsertions: [] });
  expect(twice.results.map(({ errorCode }) => errorCode)).toEqual([92]);
});

test("an ACL entry that makes no sense is refused with a reason, beside one that does", async () => {
  const entry = { resourceName: "t", principal: "User:ann", host: "*", permissionType: 3 };
  const { results } = await admin.request(CreateAcls, {
    creations: [
      { ...entry, resourceType: 2, operation: 3 },
      { ...entry, resourceType: 99, operation: 3 },
      { ...entry, resourceType: 2, operation: 12 },
    ],
  });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 42, 42]);
  expect(results[1]?.errorMessage).toBe("there is no resource type 99");
  expect(kafka.access.acls.list({}).length).toBe(1);
});

test("kafkajs adds, describes and deletes entries, and they hold at once", async () => {
  await kafka.access.users.create("ann", "secret");
  const ann = await kafka.client({ login: { mechanism: "PLAIN", user: "ann", password: "secret" } });
  const seen = async () => {
    const { topics } = await ann.request(Metadata, {
      topics: [{ name: "orders.1" }],
      allowAutoTopicCreation: false,
    });
    return topics[0]?.errorCode;
  };
  expect(await seen()).toBe(29);
  const client = new Kafka({
    brokers: [`127.0.0.1:${kafka.port}`],
    sasl: { mechanism: "scram-sha-512", username: "admin", password: "secret" },
    logLevel: logLevel.NOTHING,
  }).admin();
  await client.connect();
  const entry = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: "orders.",
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: "User:ann",
    host: "*",
    operation: AclOperationTypes.READ,
    permissionType: AclPermissionTypes.ALLOW,
  };
  await client.createAcls({ acl: [entry] });
  expect(await seen()).toBe(3);
  const filter = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: "orders.1",
    resourcePatternType: ResourcePatternTypes.MATCH,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  };
  const { resources } = await client.describeAcls(filter as never);
  expect(resources.map(({ resourceName, acls }) => [resourceName, acls.length])).toEqual([["orders.", 1]]);
  const { filterResponses } = await client.deleteAcls({ filters: [filter as never] });
  expect(filterResponses[0]?.matchingAcls.map(({ principal }) => principal)).toEqual(["User:ann"]);
  expect(await seen()).toBe(29);
  await client.disconnect();
});

test("without ACLs nobody changes users or entries through Kafka", async () => {
  const open = await startTestKafka();
  const client = await open.client();
  const any = {
    resourceNameFilter: null,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  };
  expect((await client.request(DescribeAcls, { ...any, resourceTypeFilter: 1 })).errorCode).toBe(54);
  const upsertions = [
    {
      name: "eve",
      mechanism: SHA_256,
      iterations: 4096,
      salt: Buffer.from("s"),
      saltedPassword: Buffer.from("p"),
    },
  ];
  const { results } = await client.request(AlterUserScramCredentials, { deletions: [], upsertions });
  expect(results[0]?.errorCode).toBe(54);
  expect(open.access.users.list()).toEqual([]);
  await open.close();
});

test("without ACLs everybody may see which users have a password, as in Kafka without an authorizer", async () => {
  const open = await startTestKafka();
  const client = await open.client();
  const all = () => client.request(DescribeUserScramCredentials, { users: null });
  expect(await all()).toMatchObject({ errorCode: 0, results: [] });
  await open.access.users.create("ann", "secret");
  const { errorCode, results } = await all();
  expect(errorCode).toBe(0);
  expect(results.map(({ user, credentialInfos }) => [user, credentialInfos.length])).toEqual([["ann", 2]]);
  await open.close();
});
