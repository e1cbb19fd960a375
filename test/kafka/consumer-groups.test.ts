/** KIP-848 over the wire: heartbeats, descriptions, offsets that are fenced by epoch, and the other kind of group. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { OffsetCommit } from "../../src/kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { JoinGroup } from "../../src/kafka/messages/11-join-group.ts";
import { DescribeGroups } from "../../src/kafka/messages/15-describe-groups.ts";
import { ListGroups } from "../../src/kafka/messages/16-list-groups.ts";
import { ApiVersions } from "../../src/kafka/messages/18-api-versions.ts";
import { DeleteGroups } from "../../src/kafka/messages/42-delete-groups.ts";
import { OffsetDelete } from "../../src/kafka/messages/47-offset-delete.ts";
import { ConsumerGroupHeartbeat } from "../../src/kafka/messages/68-consumer-group-heartbeat.ts";
import { ConsumerGroupDescribe } from "../../src/kafka/messages/69-consumer-group-describe.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";

let kafka: TestKafka;
let client: KafkaClient;
let topicId: string;

beforeAll(async () => {
  kafka = await startTestKafka({ consumerLimits: { groupSizeMax: 3 } });
  client = await kafka.client();
  topicId = (await kafka.broker.createStream({ name: "t", shardCount: 4 })).id;
});
afterAll(() => kafka.close());

type Beat = Parameters<typeof client.request<typeof ConsumerGroupHeartbeat.request.fields, never>>[1];

const beat = (
  groupId: string,
  memberId: string,
  memberEpoch: number,
  more: Partial<Beat> = {},
  version = 1,
) => client.request(ConsumerGroupHeartbeat, { groupId, memberId, memberEpoch, ...more }, version);

const FRESH = { rebalanceTimeoutMs: 1000, subscribedTopicNames: ["t"], topicPartitions: [] };
const join = (groupId: string, memberId: string, more: Partial<Beat> = {}) =>
  beat(groupId, memberId, 0, { ...FRESH, ...more });

const commit = async (groupId: string, memberId: string, epoch: number) => {
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }];
  const topics = [{ name: "t", partitions }];
  const reply = await client.request(OffsetCommit, {
    groupId,
    memberId,
    generationIdOrMemberEpoch: epoch,
    topics,
  });
  return reply.topics[0]?.partitions[0]?.errorCode;
};

const fetchOffset = async (groupId: string, memberId: string | null, memberEpoch: number) => {
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const reply = await client.request(OffsetFetch, {
    groupId: "",
    topics: [],
    groups: [{ groupId, memberId, memberEpoch, topics }],
  });
  const [group] = reply.groups;
  return [group?.errorCode, group?.topics[0]?.partitions[0]?.committedOffset];
};

describe("a member", () => {
  test("joins, is told what to read, shares it, and leaves", async () => {
    const first = await join("g1", "m1");
    expect(first).toMatchObject({ errorCode: 0, memberId: "m1", memberEpoch: 1 });
    expect(first.heartbeatIntervalMs).toBeGreaterThan(0);
    expect(first.assignment?.topicPartitions).toEqual([{ topicId, partitions: [0, 1, 2, 3] }]);
    const second = await join("g1", "m2");
    expect(second.assignment?.topicPartitions).toEqual([]);
    const owned = [{ topicId, partitions: [0, 1, 2, 3] }];
    const less = await beat("g1", "m1", 1, { topicPartitions: owned });
    const kept = less.assignment?.topicPartitions ?? [];
    expect(kept[0]?.partitions.length).toBe(2);
    await beat("g1", "m1", 1, { topicPartitions: kept });
    const more = await beat("g1", "m2", second.memberEpoch);
    expect(more.assignment?.topicPartitions[0]?.partitions.length).toBe(2);
    expect(await beat("g1", "m1", -1)).toMatchObject({ errorCode: 0, memberEpoch: -1 });
  });

  test("without an id is given one by version 0, and refused by version 1", async () => {
    const given = await beat("g2", "", 0, FRESH, 0);
    expect(given).toMatchObject({ errorCode: 0, memberId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((await beat("g2", "", 0, FRESH, 1)).errorCode).toBe(42);
  });

  test("notices new partitions and topics", async () => {
    const empty = await kafka.broker.createStream({ name: "grows", shardCount: 1 });
    const member = await join("g3", "m1", { subscribedTopicNames: ["grows", "later"] });
    expect(member.assignment?.topicPartitions).toEqual([{ topicId: empty.id, partitions: [0] }]);
    await kafka.broker.reshard(empty, { kind: "grow", shardCount: 2 });
    const later = await kafka.broker.createStream({ name: "later", shardCount: 1 });
    const again = {
      subscribedTopicNames: ["grows", "later"],
      topicPartitions: [{ topicId: empty.id, partitions: [0] }],
    };
    const told = await beat("g3", "m1", member.memberEpoch, again);
    const topics = told.assignment?.topicPartitions.toSorted(
      (a, b) => b.partitions.length - a.partitions.length,
    );
    expect(topics).toEqual([
      { topicId: empty.id, partitions: [0, 1] },
      { topicId: later.id, partitions: [0] },
    ]);
  });

  test.each([
    ["joins without a subscription", 0, { subscribedTopicNames: null }, 42],
    ["joins with partitions", 0, { topicPartitions: [{ topicId: "a".repeat(32), partitions: [1] }] }, 42],
    ["joins without a time to give up in", 0, { rebalanceTimeoutMs: -1 }, 42],
    ["asks for an assignor that is not there", 0, { serverAssignor: "sticky" }, 112],
    ["subscribes to a pattern", 0, { subscribedTopicRegex: "t.*" }, 128],
    ["goes away without being static", -2, {}, 42],
    ["has no such epoch", -3, {}, 42],
    ["is not known", 5, {}, 25],
  ])("that %s is refused", async (_what, epoch, more, code) => {
    const refused = await beat("g4", "m", epoch, { ...FRESH, ...more });
    expect(refused).toMatchObject({ errorCode: code, memberEpoch: 0 });
  });

  test("too many is refused, and so is an empty group id", async () => {
    for (const id of ["a", "b", "c"]) expect((await join("g5", id)).errorCode).toBe(0);
    expect((await join("g5", "d")).errorCode).toBe(81);
    expect((await join("", "d")).errorCode).toBe(24);
  });
});

describe("offsets", () => {
  test("are committed and read under the member's epoch and no other", async () => {
    const { memberEpoch } = await join("g6", "m1");
    expect(await commit("g6", "m1", memberEpoch)).toBe(0);
    expect(await commit("g6", "m1", memberEpoch - 1)).toBe(113);
    expect(await commit("g6", "m1", memberEpoch + 1)).toBe(113);
    expect(await commit("g6", "zombie", memberEpoch)).toBe(25);
    expect(await commit("g6", "", -1)).toBe(25);
    expect(await fetchOffset("g6", "m1", memberEpoch)).toEqual([0, 7]);
    expect(await fetchOffset("g6", "m1", memberEpoch + 1)).toEqual([113, undefined]);
    expect(await fetchOffset("g6", "zombie", memberEpoch)).toEqual([25, undefined]);
    expect(await fetchOffset("g6", null, -1)).toEqual([0, 7]);
  });

  test("stay when the members have gone, and are deleted only then", async () => {
    const { memberEpoch } = await join("g7", "m1");
    await commit("g7", "m1", memberEpoch);
    const remove = async () =>
      (await client.request(DeleteGroups, { groupsNames: ["g7"] })).results[0]?.errorCode;
    const forget = async () => {
      const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
      const reply = await client.request(OffsetDelete, { groupId: "g7", topics });
      return reply.topics[0]?.partitions[0]?.errorCode;
    };
    expect(await remove()).toBe(68);
    expect(await forget()).toBe(86);
    await beat("g7", "m1", -1);
    expect(await fetchOffset("g7", null, -1)).toEqual([0, 7]);
    expect(await commit("g7", "", -1)).toBe(0);
    expect(await remove()).toBe(0);
    expect(await fetchOffset("g7", null, -1)).toEqual([0, -1]);
  });
});

describe("the kind of a group", () => {
  const classicJoin = (groupId: string) =>
    client.request(
      JoinGroup,
      {
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: "",
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
      },
      3,
    );

  test("keeps members of the other kind out until everybody has left", async () => {
    await join("g8", "m1");
    expect((await classicJoin("g8")).errorCode).toBe(23);
    await beat("g8", "m1", -1);
    expect((await classicJoin("g8")).errorCode).toBe(0);
    const refused = await join("g8", "m1");
    expect(refused.errorCode).toBe(69);
    expect(refused.errorMessage).toContain("classic");
  });

  test("is listed, filtered and described", async () => {
    await join("g9", "m1", { instanceId: "i", rackId: "r", serverAssignor: "range" });
    const all = await client.request(ListGroups, { statesFilter: [], typesFilter: [] });
    expect(all.groups).toContainEqual({
      groupId: "g9",
      protocolType: "consumer",
      groupState: "Stable",
      groupType: "consumer",
    });
    const classic = await client.request(ListGroups, { statesFilter: [], typesFilter: ["Classic"] });
    expect(classic.groups.map(({ groupId }) => groupId)).not.toContain("g9");
    const groupIds = ["g9", "missing"];
    const reply = await client.request(ConsumerGroupDescribe, {
      groupIds,
      includeAuthorizedOperations: false,
    });
    const assignment = { topicPartitions: [{ topicId, topicName: "t", partitions: [0, 1, 2, 3] }] };
    expect(reply.groups[0]).toMatchObject({
      errorCode: 0,
      groupState: "Stable",
      groupEpoch: 1,
      assignorName: "range",
      members: [
        {
          memberId: "m1",
          instanceId: "i",
          rackId: "r",
          memberEpoch: 1,
          subscribedTopicNames: ["t"],
          assignment,
          targetAssignment: assignment,
          memberType: 1,
        },
      ],
    });
    expect(reply.groups[1]?.errorCode).toBe(69);
    const old = await client.request(
      DescribeGroups,
      { groups: ["g9"], includeAuthorizedOperations: false },
      5,
    );
    expect(old.groups[0]?.groupState).toBe("Dead");
  });

  test("is announced as a feature", async () => {
    const reply = await client.request(ApiVersions, { clientSoftwareName: "t", clientSoftwareVersion: "1" });
    expect(reply.finalizedFeatures).toContainEqual({
      name: "group.version",
      maxVersionLevel: 1,
      minVersionLevel: 1,
    });
  });
});
