/**
 * For every API of the Kafka edge: a request, what a client has to be allowed for it, and the code that says which of
 * that is missing. "open" is for everybody.
 */
import { batchOf } from "./log.ts";

export const TOPIC = 29;
export const GROUP = 30;
export const CLUSTER = 31;
export const TRANSACTION = 53;
export const DENIED = [TOPIC, GROUP, CLUSTER, TRANSACTION];

/** What to ask of things there are, or are not. */
export interface Names {
  topic: string;
  group: string;
  id: string;
}

export interface AclRow {
  /** What to ask of a topic, a group and a transactional id of these names. */
  body(names: Names): object;
  /** Default: the newest. */
  version?: number;
  /** Everything that is needed, "read topic $topic", each with the code that its absence brings. */
  needs: [string, number][];
  /** What the reply has to hold when it is allowed; for APIs that leave out what is not to be seen. */
  shows?: string;
}

export const named = ({ topic }: { topic: string }, more: object = {}) => [
  { name: topic, partitions: [{ partitionIndex: 0, ...more }] },
];
export const commit = { committedOffset: 1, committedLeaderEpoch: 0, committedMetadata: "" };
const config = (topic: string, more: object = {}) => ({
  resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null, configs: [], ...more }],
  validateOnly: true,
});
const producer = { producerId: 1, producerEpoch: 0 };
const READ_GROUP: AclRow["needs"] = [["read group $group", GROUP]];
const WRITE_ID: AclRow["needs"] = [["write transactional-id $id", TRANSACTION]];

const ANY_ENTRY = { resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null };

/** By API key. */
export const ACL_ROWS: Record<number, AclRow | "open"> = {
  0: {
    version: 9,
    body: ({ topic, id }) => ({
      transactionalId: id,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOf(["v"]) }] }],
    }),
    needs: [["write topic $topic", TOPIC], ...WRITE_ID],
  },
  1: {
    version: 11,
    body: ({ topic }) => ({
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    }),
    needs: [["read topic $topic", TOPIC]],
  },
  2: {
    body: (names) => ({ replicaId: -1, topics: named(names, { timestamp: -1 }) }),
    needs: [["describe topic $topic", TOPIC]],
  },
  3: {
    body: ({ topic }) => ({ topics: [{ name: topic }], allowAutoTopicCreation: false }),
    needs: [["describe topic $topic", TOPIC]],
  },
  8: {
    body: (names) => ({ groupId: names.group, memberId: "", topics: named(names, commit) }),
    version: 8,
    needs: [...READ_GROUP, ["read topic $topic", TOPIC]],
  },
  9: {
    body: ({ topic, group }) => ({
      groupId: "",
      topics: null,
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] }],
    }),
    version: 8,
    needs: [
      ["describe group $group", GROUP],
      ["describe topic $topic", TOPIC],
    ],
  },
  10: {
    body: ({ group }) => ({ keyType: 0, coordinatorKeys: [group] }),
    needs: [["describe group $group", GROUP]],
  },
  11: {
    body: ({ group }) => ({
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
    }),
    needs: READ_GROUP,
  },
  12: { body: ({ group }) => ({ groupId: group, generationId: 1, memberId: "m" }), needs: READ_GROUP },
  13: {
    body: ({ group }) => ({ groupId: group, memberId: "", members: [{ memberId: "m" }] }),
    needs: READ_GROUP,
  },
  14: {
    body: ({ group }) => ({ groupId: group, generationId: 1, memberId: "m", assignments: [] }),
    needs: READ_GROUP,
  },
  15: { body: ({ group }) => ({ groups: [group] }), needs: [["describe group $group", GROUP]] },
  16: {
    body: () => ({ statesFilter: [], typesFilter: [] }),
    needs: [["describe group $group", 0]],
    shows: "$group",
  },
  17: "open",
  18: "open",
  19: {
    body: ({ topic }) => ({
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1000,
      validateOnly: true,
    }),
    needs: [["create topic $topic", TOPIC]],
  },
  20: {
    body: ({ topic }) => ({ topics: [{ name: `${topic}-gone` }], topicNames: [], timeoutMs: 1000 }),
    needs: [["delete topic $topic-gone", TOPIC]],
  },
  21: {
    body: (names) => ({ topics: named(names, { offset: 0 }), timeoutMs: 1000 }),
    needs: [["delete topic $topic", TOPIC]],
  },
  22: { body: ({ id }) => ({ transactionalId: id, transactionTimeoutMs: 1000 }), needs: WRITE_ID },
  23: {
    body: ({ topic }) => ({ topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
    needs: [["describe topic $topic", TOPIC]],
  },
  24: {
    version: 3,
    body: ({ topic, id }) => ({
      transactions: [],
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: 1,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    }),
    needs: [...WRITE_ID, ["write topic $topic", TOPIC]],
  },
  25: {
    body: ({ group, id }) => ({ transactionalId: id, ...producer, groupId: group }),
    needs: [...WRITE_ID, ...READ_GROUP],
  },
  26: { body: ({ id }) => ({ transactionalId: id, ...producer, committed: true }), needs: WRITE_ID },
  28: {
    body: (names) => ({
      transactionalId: names.id,
      groupId: names.group,
      ...producer,
      topics: named(names, commit),
    }),
    needs: [...WRITE_ID, ...READ_GROUP, ["read topic $topic", TOPIC]],
  },
  29: {
    body: () => ({ ...ANY_ENTRY, resourceTypeFilter: 1, operation: 1, permissionType: 1 }),
    needs: [["describe cluster kafka-cluster", CLUSTER]],
  },
  30: {
    body: ({ topic }) => ({
      creations: [
        {
          resourceType: 2,
          resourceName: topic,
          principal: "User:bob",
          host: "*",
          operation: 3,
          permissionType: 3,
        },
      ],
    }),
    needs: [["alter cluster kafka-cluster", CLUSTER]],
  },
  31: {
    body: () => ({ filters: [{ ...ANY_ENTRY, resourceTypeFilter: 7, operation: 1, permissionType: 1 }] }),
    needs: [["alter cluster kafka-cluster", CLUSTER]],
  },
  32: { body: ({ topic }) => config(topic), needs: [["describe-configs topic $topic", TOPIC]] },
  33: { body: ({ topic }) => config(topic), needs: [["alter-configs topic $topic", TOPIC]] },
  35: { body: () => ({ topics: null }), needs: [["describe cluster kafka-cluster", CLUSTER]] },
  36: "open",
  37: {
    body: ({ topic }) => ({
      topics: [{ name: topic, count: 2, assignments: null }],
      timeoutMs: 1000,
      validateOnly: true,
    }),
    needs: [["alter topic $topic", TOPIC]],
  },
  42: {
    body: ({ group }) => ({ groupsNames: [`${group}-gone`] }),
    needs: [["delete group $group-gone", GROUP]],
  },
  44: { body: ({ topic }) => config(topic), needs: [["alter-configs topic $topic", TOPIC]] },
  47: {
    body: (names) => ({ groupId: names.group, topics: named(names) }),
    needs: [
      ["delete group $group", GROUP],
      ["read topic $topic", TOPIC],
    ],
  },
  48: {
    body: () => ({ components: [], strict: false }),
    needs: [["describe-configs cluster kafka-cluster", CLUSTER]],
  },
  49: {
    body: () => ({
      entries: [{ entity: [{ entityType: "user", entityName: "ann" }], ops: [] }],
      validateOnly: true,
    }),
    needs: [["alter-configs cluster kafka-cluster", CLUSTER]],
  },
  50: { body: () => ({ users: null }), needs: [["describe cluster kafka-cluster", CLUSTER]] },
  51: {
    body: () => ({ deletions: [{ name: "nobody", mechanism: 1 }], upsertions: [] }),
    needs: [["alter cluster kafka-cluster", CLUSTER]],
  },
  60: "open",
  61: {
    body: ({ topic }) => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
    needs: [["read topic $topic", TOPIC]],
  },
  65: {
    body: ({ id }) => ({ transactionalIds: [id] }),
    needs: [["describe transactional-id $id", TRANSACTION]],
  },
  66: {
    body: () => ({ stateFilters: [], producerIdFilters: [] }),
    needs: [["describe transactional-id $id", 0]],
    shows: "$id",
  },
  68: {
    body: ({ topic, group }) => ({
      groupId: `${group}-848`,
      memberId: "m",
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    }),
    needs: [
      ["read group $group-848", GROUP],
      ["describe topic $topic", TOPIC],
    ],
  },
  69: {
    body: ({ group }) => ({ groupIds: [`${group}-848`], includeAuthorizedOperations: false }),
    needs: [
      ["describe group $group-848", GROUP],
      ["describe topic $topic", TOPIC],
    ],
  },
  74: { body: () => ({ resourceTypes: [] }), needs: [["describe-configs cluster kafka-cluster", CLUSTER]] },
  75: {
    body: ({ topic }) => ({ topics: [{ name: topic }], responsePartitionLimit: 10, cursor: null }),
    needs: [["describe topic $topic", TOPIC]],
  },
};
