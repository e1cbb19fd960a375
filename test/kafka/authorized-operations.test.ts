/** What clients are told that they may do (KIP-430): to topics, groups and the cluster, with ACLs and without. */
import { afterEach, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { DescribeGroups } from "../../src/kafka/messages/15-describe-groups.ts";
import { DescribeCluster } from "../../src/kafka/messages/60-describe-cluster.ts";
import { ConsumerGroupHeartbeat } from "../../src/kafka/messages/68-consumer-group-heartbeat.ts";
import { ConsumerGroupDescribe } from "../../src/kafka/messages/69-consumer-group-describe.ts";
import { DescribeTopicPartitions } from "../../src/kafka/messages/75-describe-topic-partitions.ts";
import { acl } from "../helpers/access.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";

// Kafka's numbers (org.apache.kafka.common.acl.AclOperation).
const [READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE] = [3, 4, 5, 6, 7, 8];
const [CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE] = [9, 10, 11, 12];
const NOT_ASKED = -2147483648;
const NEW_MEMBER = {
  memberId: "m".repeat(22),
  memberEpoch: 0,
  rebalanceTimeoutMs: 1_000,
  topicPartitions: [],
};

const bits = (...operations: number[]) => operations.reduce((all, one) => all | (1 << one), 0);
const ALL_OF_TOPIC = bits(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS);
const ALL_OF_GROUP = bits(READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS);
const ALL_OF_CLUSTER = bits(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
);

let kafka: TestKafka;
afterEach(() => kafka.close());

/** Everything that one client is told about the topic "orders", the group "readers" and the cluster. */
async function told(client: KafkaClient, asks: boolean) {
  const metadata = await client.request(
    Metadata,
    {
      topics: [{ name: "orders" }, { name: "missing" }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: asks,
      includeTopicAuthorizedOperations: asks,
    },
    10,
  );
  const cluster = await client.request(DescribeCluster, {
    includeClusterAuthorizedOperations: asks,
    endpointType: 1,
  });
  const classic = { groups: ["nobody's"], includeAuthorizedOperations: asks };
  const consumer = { groupIds: ["readers"], includeAuthorizedOperations: asks };
  const operations = new Map(metadata.topics.map((topic) => [topic.name, topic.topicAuthorizedOperations]));
  return {
    topic: operations.get("orders"),
    missingTopic: operations.get("missing"),
    metadataCluster: metadata.clusterAuthorizedOperations,
    cluster: cluster.clusterAuthorizedOperations,
    deadGroup: (await client.request(DescribeGroups, classic, 5)).groups[0]?.authorizedOperations,
    missingGroup: (await client.request(DescribeGroups, classic, 6)).groups[0]?.authorizedOperations,
    group: (await client.request(ConsumerGroupDescribe, consumer)).groups[0]?.authorizedOperations,
  };
}

async function makeThings(client: KafkaClient): Promise<void> {
  await kafka.broker.createStream({ name: "orders", shardCount: 1 });
  const member = { ...NEW_MEMBER, groupId: "readers", subscribedTopicNames: ["orders"] };
  expect((await client.request(ConsumerGroupHeartbeat, member)).errorCode).toBe(0);
}

test("without ACLs it is all that can be done, and nothing to who does not ask", async () => {
  kafka = await startTestKafka();
  const client = await kafka.client();
  await makeThings(client);
  expect(await told(client, true)).toEqual({
    topic: ALL_OF_TOPIC,
    missingTopic: NOT_ASKED,
    metadataCluster: ALL_OF_CLUSTER,
    cluster: ALL_OF_CLUSTER,
    deadGroup: ALL_OF_GROUP,
    missingGroup: NOT_ASKED,
    group: ALL_OF_GROUP,
  });
  expect(new Set(Object.values(await told(client, false)))).toEqual(new Set([NOT_ASKED]));
});

test("with ACLs it is what these allow to the user, and 0 for a cluster that it may not see", async () => {
  kafka = await startTestKafka({ enforcing: true, security: { auth: "sasl" } });
  const { users, acls } = kafka.access;
  for (const name of ["admin", "ann", "bob"]) await users.create(name, "secret");
  const as = (user: string) => kafka.client({ login: { mechanism: "PLAIN", user, password: "secret" } });
  const [admin, ann, bob] = await Promise.all([as("admin"), as("ann"), as("bob")]);
  await makeThings(admin);
  acls.add(
    [
      "allow User:ann all topic ord prefixed",
      "deny User:ann delete topic orders",
      "allow User:ann describe topic missing",
      "allow User:ann read group *",
      "allow User:ann create cluster kafka-cluster",
      "allow User:bob read topic orders",
      "allow User:bob describe group *",
      "allow User:bob alter cluster kafka-cluster",
    ].map(acl),
  );
  expect(await told(admin, true)).toMatchObject({
    topic: ALL_OF_TOPIC,
    group: ALL_OF_GROUP,
    cluster: ALL_OF_CLUSTER,
  });
  expect(await told(ann, true)).toEqual({
    topic: ALL_OF_TOPIC & ~bits(DELETE),
    missingTopic: NOT_ASKED,
    metadataCluster: 0,
    cluster: 0,
    deadGroup: bits(READ, DESCRIBE),
    missingGroup: NOT_ASKED,
    group: bits(READ, DESCRIBE),
  });
  expect(await told(bob, true)).toEqual({
    topic: bits(READ, DESCRIBE),
    missingTopic: NOT_ASKED,
    metadataCluster: bits(ALTER, DESCRIBE),
    cluster: bits(ALTER, DESCRIBE),
    deadGroup: bits(DESCRIBE),
    missingGroup: NOT_ASKED,
    group: bits(DESCRIBE),
  });
  acls.delete({ principal: "User:bob", resourceType: "topic" });
  const names = { topics: [{ name: "orders" }], responsePartitionLimit: 10 };
  const operationsFor = async (client: KafkaClient) =>
    (await client.request(DescribeTopicPartitions, names)).topics[0]?.topicAuthorizedOperations;
  expect(await operationsFor(ann)).toBe(ALL_OF_TOPIC & ~bits(DELETE));
  expect(await operationsFor(bob)).toBe(NOT_ASKED);
});
