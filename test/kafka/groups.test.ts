/** The APIs of consumer groups over the wire, in every version: joining, committing, describing, deleting. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { KafkaClient } from "../../src/kafka/client.ts";
import { OffsetCommit } from "../../src/kafka/messages/08-offset-commit.ts";
import { OffsetFetch } from "../../src/kafka/messages/09-offset-fetch.ts";
import { JoinGroup } from "../../src/kafka/messages/11-join-group.ts";
import { Heartbeat } from "../../src/kafka/messages/12-heartbeat.ts";
import { LeaveGroup } from "../../src/kafka/messages/13-leave-group.ts";
import { SyncGroup } from "../../src/kafka/messages/14-sync-group.ts";
import { DescribeGroups } from "../../src/kafka/messages/15-describe-groups.ts";
import { ListGroups } from "../../src/kafka/messages/16-list-groups.ts";
import { DeleteGroups } from "../../src/kafka/messages/42-delete-groups.ts";
import { OffsetDelete } from "../../src/kafka/messages/47-offset-delete.ts";
import { startTestKafka, type TestKafka } from "../helpers/kafka.ts";

let kafka: TestKafka;
let client: KafkaClient;
let group: string;
let count = 0;

beforeAll(async () => {
  kafka = await startTestKafka();
  client = await kafka.client();
  await kafka.broker.createStream({ name: "orders", shardCount: 3 });
  await kafka.broker.createStream({ name: "users", shardCount: 1 });
});
afterAll(() => kafka.close());
beforeEach(() => {
  group = `group-${++count}`;
});

/** ConsumerProtocolSubscription, version 0. */
function subscription(...topics: string[]): Buffer {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])];
  for (const topic of topics) parts.push(Buffer.from([0, topic.length]), Buffer.from(topic));
  return Buffer.concat([...parts, Buffer.from([255, 255, 255, 255])]);
}

function joinBody(
  overrides: { memberId?: string; groupInstanceId?: string; sessionTimeoutMs?: number } = {},
) {
  return {
    groupId: group,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: subscription("orders") }],
    ...overrides,
  };
}

/** Joins as the only member, as a client does, and assigns itself `assignment`. */
async function becomeOnlyMember(
  assignment = "all",
  by = client,
): Promise<{ memberId: string; generationId: number }> {
  const given = await by.request(JoinGroup, joinBody());
  expect(given).toMatchObject({ errorCode: 79, generationId: -1 });
  const { memberId } = given;
  const joined = await by.request(JoinGroup, joinBody({ memberId }));
  expect(joined).toMatchObject({ errorCode: 0, leader: memberId, memberId });
  const { generationId } = joined;
  const assignments = [{ memberId, assignment: Buffer.from(assignment) }];
  const synced = await by.request(SyncGroup, { groupId: group, generationId, memberId, assignments });
  expect(synced).toMatchObject({ errorCode: 0, protocolType: "consumer", protocolName: "range" });
  expect(synced.assignment.toString()).toBe(assignment);
  return { memberId, generationId };
}

function commitBody(
  offset: number,
  about: { memberId?: string; generation?: number; metadata?: string | null } = {},
) {
  const { memberId = "", generation = -1, metadata = "m" } = about;
  const partition = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: offset + partitionIndex,
    committedLeaderEpoch: 0,
    committedMetadata: metadata,
  });
  return {
    groupId: group,
    generationIdOrMemberEpoch: generation,
    memberId,
    topics: [
      { name: "orders", partitions: [partition(0), partition(2), partition(3)] },
      { name: "nowhere", partitions: [partition(0)] },
    ],
  };
}

const codesOf = (reply: { topics: { partitions: { errorCode: number }[] }[] }) =>
  reply.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode));

const fetchBody = (...groupIds: string[]) => ({
  groupId: groupIds[0] ?? group,
  topics: [{ name: "orders", partitionIndexes: [0, 1, 2] }],
  groups: (groupIds.length > 0 ? groupIds : [group]).map((groupId) => ({
    groupId,
    topics: [{ name: "orders", partitionIndexes: [0, 1, 2] }],
  })),
});

describe("a group of one", () => {
  test("joins, syncs, beats, commits, is described, leaves", async () => {
    const { memberId, generationId } = await becomeOnlyMember();
    const speaker = { groupId: group, memberId, generationId };
    expect(await client.request(Heartbeat, speaker)).toMatchObject({ errorCode: 0 });
    const commit = commitBody(7, { memberId, generation: generationId });
    expect(codesOf(await client.request(OffsetCommit, commit))).toEqual([[0, 0, 3], [3]]);
    const { groups } = await client.request(DescribeGroups, {
      groups: [group],
      includeAuthorizedOperations: false,
    });
    expect(groups[0]).toMatchObject({
      errorCode: 0,
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
    });
    expect(groups[0]?.members[0]).toMatchObject({ memberId, clientId: "voik", clientHost: "/127.0.0.1" });
    expect(groups[0]?.members[0]?.memberAssignment.toString()).toBe("all");
    expect((await client.request(DeleteGroups, { groupsNames: [group] })).results[0]).toMatchObject({
      errorCode: 68,
    });
    const leave = { groupId: group, memberId, members: [{ memberId }, { memberId: "x" }] };
    const left = await client.request(LeaveGroup, leave);
    expect(left.members.map(({ errorCode }) => errorCode)).toEqual([0, 25]);
    expect(await client.request(Heartbeat, speaker)).toMatchObject({ errorCode: 25 });
  });

  test("in every version of JoinGroup, SyncGroup, Heartbeat and LeaveGroup", async () => {
    for (let version = 0; version <= 9; version++) {
      group = `versions-${version}`;
      let joined = await client.request(JoinGroup, joinBody(), version);
      if (version >= 4) {
        expect(joined.errorCode).toBe(79);
        joined = await client.request(JoinGroup, joinBody({ memberId: joined.memberId }), version);
      }
      expect(joined).toMatchObject({
        errorCode: 0,
        generationId: 1,
        protocolName: "range",
        leader: joined.memberId,
      });
      expect(joined.members[0]?.metadata).toEqual(subscription("orders"));
      const { memberId, generationId } = joined;
      const assignments = [{ memberId, assignment: Buffer.from("all") }];
      const sync = { groupId: group, generationId, memberId, assignments };
      const synced = await client.request(SyncGroup, sync, Math.min(version, 5));
      expect([synced.errorCode, synced.assignment.toString()]).toEqual([0, "all"]);
      const beat = await client.request(
        Heartbeat,
        { groupId: group, generationId, memberId },
        Math.min(version, 4),
      );
      expect(beat.errorCode).toBe(0);
      const leave = { groupId: group, memberId, members: [{ memberId }] };
      expect((await client.request(LeaveGroup, leave, Math.min(version, 5))).errorCode).toBe(0);
      const again = await client.request(LeaveGroup, leave, Math.min(version, 2));
      expect(again.errorCode).toBe(25);
    }
  });

  test("is refused with Kafka's codes", async () => {
    expect((await client.request(JoinGroup, joinBody({ sessionTimeoutMs: 1 }))).errorCode).toBe(26);
    expect((await client.request(JoinGroup, { ...joinBody(), groupId: "" })).errorCode).toBe(24);
    expect((await client.request(JoinGroup, joinBody({ memberId: "x" }))).errorCode).toBe(25);
    const { memberId, generationId } = await becomeOnlyMember();
    const beat = { groupId: group, memberId, generationId: generationId + 1 };
    expect((await client.request(Heartbeat, beat)).errorCode).toBe(22);
    const foreign = { ...joinBody(), protocolType: "connect" };
    expect((await client.request(JoinGroup, foreign)).errorCode).toBe(23);
  });
});

test("a member too many is refused with 81, one that comes back is not", async () => {
  const small = await startTestKafka({ groupLimits: { groupSizeMax: 1 } });
  const only = await small.client();
  const member = await becomeOnlyMember("all", only);
  expect((await only.request(JoinGroup, joinBody())).errorCode).toBe(81);
  const back = await only.request(JoinGroup, joinBody({ memberId: member.memberId }));
  expect(back).toMatchObject({ errorCode: 0, leader: member.memberId });
  await small.close();
});

test("a join that waits does not hold up other connections, and ends with its own", async () => {
  const first = await becomeOnlyMember();
  const other = await kafka.client();
  const { memberId } = await other.request(JoinGroup, joinBody());
  const waiting = other.request(JoinGroup, joinBody({ memberId }));
  const beat = { groupId: group, ...first };
  while ((await client.request(Heartbeat, beat)).errorCode !== 27) await Bun.sleep(1);
  const back = await client.request(JoinGroup, joinBody({ memberId: first.memberId }));
  expect(back.members.length).toBe(2);
  expect(await waiting).toMatchObject({ errorCode: 0, generationId: back.generationId, members: [] });

  const protocols = [{ name: "range", metadata: subscription("users") }];
  const gone = client.request(JoinGroup, { ...joinBody({ memberId: first.memberId }), protocols });
  other.close();
  const third = await kafka.client();
  const ask = { groups: [group], includeAuthorizedOperations: false };
  const state = async () => (await third.request(DescribeGroups, ask)).groups[0]?.groupState;
  while ((await state()) !== "PreparingRebalance") await Bun.sleep(1);
  await third.request(LeaveGroup, { groupId: group, memberId, members: [{ memberId }] });
  expect(await gone).toMatchObject({ errorCode: 0 });
});

test("waiting joins are answered when the broker stops", async () => {
  const stopping = await startTestKafka({ groupLimits: { initialDelayMs: 60_000 } });
  const one = await stopping.client();
  const { memberId } = await one.request(JoinGroup, joinBody());
  const waiting = one.request(JoinGroup, joinBody({ memberId }));
  const other = await stopping.client();
  const describe = { groups: [group], includeAuthorizedOperations: false };
  while ((await other.request(DescribeGroups, describe)).groups[0]?.members.length !== 1) await Bun.sleep(1);
  await stopping.server.stop();
  expect(await waiting).toMatchObject({ errorCode: 16 });
  await stopping.close();
});

describe("offsets", () => {
  test("are committed and fetched in every version", async () => {
    for (let version = 2; version <= 9; version++) {
      const codes = codesOf(await client.request(OffsetCommit, commitBody(version * 10), version));
      expect(codes).toEqual([[0, 0, 3], [3]]);
      for (let fetch = 1; fetch <= 9; fetch++) {
        const reply = await client.request(OffsetFetch, fetchBody(), fetch);
        const topics = fetch >= 8 ? reply.groups[0]?.topics : reply.topics;
        const found = topics?.[0]?.partitions.map(({ committedOffset, metadata }) => [
          committedOffset,
          metadata,
        ]);
        expect(found).toEqual([
          [version * 10, "m"],
          [-1, ""],
          [version * 10 + 2, "m"],
        ]);
      }
    }
  });

  test("are fetched for all topics, and for many groups at once", async () => {
    const first = group;
    await client.request(OffsetCommit, commitBody(1));
    group = `${first}-b`;
    await client.request(OffsetCommit, commitBody(100, { metadata: null }));
    for (let version = 2; version <= 7; version++) {
      const all = await client.request(OffsetFetch, { groupId: first, topics: null, groups: [] }, version);
      expect(all.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["orders", 2]]);
    }
    const groups = [
      { groupId: first, topics: null },
      { groupId: group, topics: null },
      { groupId: "nobody", topics: null },
    ];
    const many = await client.request(OffsetFetch, { groupId: "", topics: null, groups });
    const offsets = many.groups.map(({ topics }) => topics[0]?.partitions.map((one) => one.committedOffset));
    expect(offsets).toEqual([[1, 3], [100, 102], undefined]);
  });

  test("are refused one by one: unknown partitions, metadata that is too long", async () => {
    const codes = codesOf(await client.request(OffsetCommit, commitBody(1, { metadata: "x".repeat(4097) })));
    expect(codes).toEqual([[12, 12, 3], [3]]);
    await client.request(OffsetCommit, commitBody(1, { metadata: "x".repeat(4096) }));
    const all = await client.request(OffsetFetch, fetchBody(group));
    expect(all.groups[0]?.topics[0]?.partitions[0]?.metadata?.length).toBe(4096);
  });

  test("are refused as a whole from who is not of this generation", async () => {
    const { memberId, generationId: generation } = await becomeOnlyMember();
    const commit = async (about: Parameters<typeof commitBody>[1], version = 9) =>
      codesOf(await client.request(OffsetCommit, commitBody(1, about), version))[0]?.[0];
    expect(await commit({ memberId, generation: generation + 1 })).toBe(22);
    expect(await commit({ memberId: "x", generation })).toBe(25);
    expect(await commit({})).toBe(25);
    group = "never-seen";
    expect(await commit({ memberId, generation })).toBe(69);
    expect(await commit({ memberId, generation }, 8)).toBe(22);
  });

  test("do not outlive their topic, be it made again under the same name", async () => {
    await kafka.broker.createStream({ name: "short", shardCount: 1 });
    const body = (name: string) => ({
      ...commitBody(5),
      topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "" }] }],
    });
    await client.request(OffsetCommit, body("short"));
    await kafka.broker.deleteStream("short");
    await kafka.broker.createStream({ name: "short", shardCount: 1 });
    const fetch = { groupId: group, topics: [{ name: "short", partitionIndexes: [0] }], groups: [] };
    const reply = await client.request(OffsetFetch, fetch, 7);
    expect(reply.topics[0]?.partitions[0]?.committedOffset).toBe(-1);
    const all = await client.request(OffsetFetch, { groupId: group, topics: null, groups: [] }, 7);
    expect(all.topics).toEqual([]);
  });
});

describe("administration", () => {
  test("lists groups by state and type, in every version", async () => {
    await becomeOnlyMember();
    const stable = group;
    group = `${stable}-empty`;
    await client.request(OffsetCommit, commitBody(1));
    const list = async (statesFilter: string[] = [], typesFilter: string[] = [], version = 5) => {
      const { groups } = await client.request(ListGroups, { statesFilter, typesFilter }, version);
      return groups.filter(({ groupId }) => groupId.startsWith(stable));
    };
    for (let version = 0; version <= 5; version++) {
      const names = (await list([], [], version)).map(({ groupId }) => groupId).sort();
      expect(names).toEqual([stable, group]);
    }
    expect(await list(["stable"])).toMatchObject([
      { groupId: stable, protocolType: "consumer", groupState: "Stable" },
    ]);
    expect(await list(["Empty"])).toMatchObject([{ groupId: group, groupType: "classic" }]);
    expect((await list([], ["Classic"])).length).toBe(2);
    expect(await list([], ["consumer"])).toEqual([]);
  });

  test("describes and deletes groups, in every version", async () => {
    for (let version = 0; version <= 5; version++) {
      await client.request(OffsetCommit, commitBody(1));
      const ask = { groups: [group, "nobody"], includeAuthorizedOperations: true };
      const { groups } = await client.request(DescribeGroups, ask, version);
      expect(groups.map(({ groupState }) => groupState)).toEqual(["Empty", "Dead"]);
      const request = { groupsNames: [group, "nobody"] };
      const { results } = await client.request(DeleteGroups, request, Math.min(version, 2));
      expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 69]);
    }
  });

  test("forgets offsets, but not those of topics that somebody is subscribed to", async () => {
    const { memberId, generationId } = await becomeOnlyMember();
    const users = {
      name: "users",
      partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: "" }],
    };
    const commit = commitBody(1, { memberId, generation: generationId });
    await client.request(OffsetCommit, { ...commit, topics: [...commit.topics, users] });
    const partitions = [{ partitionIndex: 0 }];
    const forget = {
      groupId: group,
      topics: [
        { name: "orders", partitions },
        { name: "users", partitions },
        { name: "nowhere", partitions },
      ],
    };
    expect(codesOf(await client.request(OffsetDelete, forget))).toEqual([[86], [0], [3]]);
    const all = await client.request(OffsetFetch, { groupId: group, topics: null, groups: [] }, 7);
    expect(all.topics.map(({ name }) => name)).toEqual(["orders"]);
    await client.request(LeaveGroup, { groupId: group, memberId, members: [{ memberId }] });
    expect(codesOf(await client.request(OffsetDelete, forget))).toEqual([[0], [0], [3]]);
    expect((await client.request(OffsetDelete, { ...forget, groupId: "nobody" })).errorCode).toBe(69);
  });
});
