/**
 * OffsetFetch: what groups have committed, for some partitions or for all. Offset -1 where they have not. Who asks for
 * stable offsets only (KIP-447) is told to come again where a transaction is about to commit one.
 */
import type { GroupFailure } from "../../groups/group.ts";
import type { CommittedOffset, OffsetKey } from "../../groups/groups.ts";
import type { Stream } from "../../streams/broker.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { KafkaContext } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { OffsetFetchRequest, OffsetFetchResponse } from "../messages/09-offset-fetch.ts";

type Request = BodyOf<typeof OffsetFetchRequest>;
type Reply = InputOf<typeof OffsetFetchResponse>;
type Topic = Reply["topics"][number];
type WantedTopics = Request["topics"];

const FIRST_VERSION_WITH_GROUPS = 8;
const NO_OFFSET = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "", errorCode: KafkaError.none };

export const offsetFetchHandler: Handler<Request, Reply> = async (request, call) => {
  const { context } = call;
  if (call.version < FIRST_VERSION_WITH_GROUPS) {
    const { groupId, topics, requireStable } = request;
    return { ...(await offsetsOf(context, groupId, topics, requireStable)), groups: [] };
  }
  const groups: Reply["groups"][number][] = [];
  for (const { groupId, memberId, memberEpoch, topics } of request.groups) {
    const failure = memberId === null ? undefined : memberFailure(context, groupId, memberId, memberEpoch);
    if (failure) groups.push({ groupId, topics: [], errorCode: groupErrorOf(failure) });
    else groups.push({ groupId, ...(await offsetsOf(context, groupId, topics, request.requireStable)) });
  }
  return { topics: [], groups };
};

/** Why a member of KIP-848 may not read its group's offsets; others are not asked who they are. */
function memberFailure(
  { groups: { consumers } }: KafkaContext,
  groupId: string,
  memberId: string,
  epoch: number,
): GroupFailure | undefined {
  return epoch < 0 || !consumers.describe(groupId) ? undefined : consumers.check(groupId, memberId, epoch);
}

async function offsetsOf(
  context: KafkaContext,
  groupId: string,
  wanted: WantedTopics,
  requireStable: boolean,
): Promise<{ topics: Topic[]; errorCode: KafkaError }> {
  try {
    const topics =
      wanted === null ? await allTopics(context, groupId) : await wantedTopics(context, groupId, wanted);
    return {
      topics: requireStable ? stableOnly(context, groupId, topics) : topics,
      errorCode: KafkaError.none,
    };
  } catch (error) {
    kafkaErrorOf(error);
    return { topics: [], errorCode: KafkaError.coordinatorNotAvailable };
  }
}

async function wantedTopics(
  { broker, groups }: KafkaContext,
  groupId: string,
  wanted: NonNullable<WantedTopics>,
): Promise<Topic[]> {
  const keys: OffsetKey[] = [];
  const streams = wanted.map(({ name }) => broker.streamByName(name));
  wanted.forEach(({ partitionIndexes }, i) => {
    const streamId = streams[i]?.id;
    if (streamId !== undefined) for (const shard of partitionIndexes) keys.push({ streamId, shard });
  });
  const committed = Map.groupBy(await groups.committed(groupId, keys), ({ streamId }) => streamId);
  return wanted.map(({ name, partitionIndexes }, i) => {
    const ofStream = new Map((committed.get(streams[i]?.id ?? "") ?? []).map((one) => [one.shard, one]));
    const partitions = partitionIndexes.map((index) => partitionOf(index, ofStream.get(index)));
    return { name, partitions };
  });
}

async function allTopics({ broker, groups }: KafkaContext, groupId: string): Promise<Topic[]> {
  const topics = new Map<Stream, Topic["partitions"][number][]>();
  for (const one of await groups.committed(groupId, null)) {
    const stream = broker.streamById(one.streamId);
    if (!stream) continue;
    const partitions = topics.get(stream) ?? [];
    partitions.push(partitionOf(one.shard, one));
    topics.set(stream, partitions);
  }
  return [...topics].map(([{ name }, partitions]) => ({ name, partitions }));
}

/** `topics` without the offsets that a transaction is about to replace. To be called as soon as they have been read. */
function stableOnly({ broker, groups }: KafkaContext, groupId: string, topics: Topic[]): Topic[] {
  return topics.map(({ name, partitions }) => {
    const streamId = broker.streamByName(name)?.id ?? "";
    const stable = partitions.map((partition) => {
      const isPending = groups.pending.isPending(groupId, streamId, partition.partitionIndex);
      return isPending
        ? { ...partition, ...NO_OFFSET, errorCode: KafkaError.unstableOffsetCommit }
        : partition;
    });
    return { name, partitions: stable };
  });
}

function partitionOf(
  partitionIndex: number,
  committed: CommittedOffset | undefined,
): Topic["partitions"][number] {
  if (!committed) return { partitionIndex, ...NO_OFFSET };
  const { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata } = committed;
  return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: KafkaError.none };
}
