/** Who may be in consumer groups, see them, and keep or delete their offsets. */
import { KafkaError } from "../errors.ts";
import { EMPTY_BYTES } from "../codec/reader.ts";
import { DEAD } from "../group-states.ts";
import { OffsetCommit } from "../messages/08-offset-commit.ts";
import { OffsetFetch } from "../messages/09-offset-fetch.ts";
import { FindCoordinator } from "../messages/10-find-coordinator.ts";
import { JoinGroup } from "../messages/11-join-group.ts";
import { Heartbeat } from "../messages/12-heartbeat.ts";
import { LeaveGroup } from "../messages/13-leave-group.ts";
import { SyncGroup } from "../messages/14-sync-group.ts";
import { DescribeGroups } from "../messages/15-describe-groups.ts";
import { ListGroups } from "../messages/16-list-groups.ts";
import { DeleteGroups } from "../messages/42-delete-groups.ts";
import { OffsetDelete } from "../messages/47-offset-delete.ts";
import type { Permissions } from "../security/permissions.ts";
import { guard, type Guard, groupDenied, takeDenied, takeDeniedBy, topicDenied } from "./guard.ts";

const { errorCode } = groupDenied;
const KEY_TYPE_TRANSACTION = 1;

type FetchTopics = { name: string; partitionIndexes: number[] }[] | null;
type FetchedTopic = {
  name: string;
  partitions: readonly {
    partitionIndex: number;
    committedOffset: number;
    metadata: string | null;
    errorCode: number;
  }[];
};

function noOffsets(topics: NonNullable<FetchTopics>, code: KafkaError): FetchedTopic[] {
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1,
      metadata: "",
      errorCode: code,
    })),
  }));
}

/** Takes topics out of one group's wish; gives what has to be done to the answer. */
function offsetsOfTopics(topics: FetchTopics, may: Permissions) {
  const seen = ({ name }: { name: string }) => may.topic("describe", name);
  if (topics === null) return <T extends { name: string }>(answers: readonly T[]) => answers.filter(seen);
  const denied = noOffsets(takeDenied(topics, seen), topicDenied.errorCode);
  return <T extends { name: string }>(answers: readonly T[]) => [...answers, ...(denied as unknown as T[])];
}

export const GROUP_GUARDS: readonly Guard[] = [
  guard(FindCoordinator, (request, { may, amend }) => {
    const ofTransactions = request.keyType === KEY_TYPE_TRANSACTION;
    const allowed = (key: string) =>
      ofTransactions ? may.transaction("describe", key) : may.group("describe", key);
    const refusal = {
      ...groupDenied,
      errorCode: ofTransactions ? KafkaError.transactionalIdAuthorizationFailed : errorCode,
      nodeId: -1,
      host: "",
      port: -1,
    };
    const keys = takeDenied(request.coordinatorKeys, allowed);
    const coordinators = keys.map((key) => ({ key, ...refusal }));
    if (keys.length === 0 && request.coordinatorKeys.length === 0 && !allowed(request.key))
      return { ...refusal, coordinators };
    amend((reply) => ({ ...reply, coordinators: [...reply.coordinators, ...coordinators] }));
    return undefined;
  }),
  guard(JoinGroup, ({ groupId, memberId }, { may }) =>
    may.group("read", groupId)
      ? undefined
      : { errorCode, generationId: -1, protocolName: "", leader: "", memberId, members: [] },
  ),
  guard(SyncGroup, ({ groupId }, { may }) =>
    may.group("read", groupId) ? undefined : { errorCode, assignment: EMPTY_BYTES },
  ),
  guard(Heartbeat, ({ groupId }, { may }) => (may.group("read", groupId) ? undefined : { errorCode })),
  guard(LeaveGroup, ({ groupId }, { may }) =>
    may.group("read", groupId) ? undefined : { errorCode, members: [] },
  ),
  guard(OffsetCommit, ({ groupId, topics }, { may, amend }) => {
    const codes = (from: typeof topics, code: KafkaError) =>
      from.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
      }));
    if (!may.group("read", groupId)) return { topics: codes(topics, errorCode) };
    const denied = codes(
      takeDenied(topics, ({ name }) => may.topic("read", name)),
      topicDenied.errorCode,
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
  guard(OffsetFetch, ({ groupId, topics, groups }, { may, amend }) => {
    const many = groups.length > 0;
    if (!many && !may.group("describe", groupId))
      return { errorCode, topics: noOffsets(topics ?? [], errorCode), groups: [] };
    const denied = takeDenied(groups, (group) => may.group("describe", group.groupId)).map((group) => ({
      groupId: group.groupId,
      topics: [],
      errorCode,
    }));
    const change = offsetsOfTopics(topics, may);
    const changes = groups.map((group) => offsetsOfTopics(group.topics, may));
    amend((reply) => ({
      ...reply,
      topics: change(reply.topics),
      groups: [
        ...reply.groups.map((group, i) => ({ ...group, topics: changes[i]?.(group.topics) ?? [] })),
        ...denied,
      ],
    }));
    return undefined;
  }),
  guard(DescribeGroups, ({ groups }, { may, amend }) => {
    const denied = takeDenied(groups, (id) => may.group("describe", id)).map((groupId) => ({
      ...groupDenied,
      groupId,
      groupState: DEAD,
      protocolType: "",
      protocolData: "",
      members: [],
    }));
    amend((reply) => ({ ...reply, groups: [...reply.groups, ...denied] }));
    return undefined;
  }),
  guard(ListGroups, (_request, { may, amend }) => {
    if (may.cluster("describe")) return undefined;
    amend((reply) => ({
      ...reply,
      groups: reply.groups.filter(({ groupId }) => may.group("describe", groupId)),
    }));
    return undefined;
  }),
  guard(DeleteGroups, ({ groupsNames }, { may, amend }) => {
    const denied = takeDeniedBy(groupsNames, String, (id) => may.group("delete", id)).map(([groupId]) => ({
      groupId,
      errorCode,
    }));
    amend((reply) => ({ ...reply, results: [...reply.results, ...denied] }));
    return undefined;
  }),
  guard(OffsetDelete, ({ groupId, topics }, { may, amend }) => {
    if (!may.group("delete", groupId)) return { errorCode, topics: [] };
    const denied = takeDenied(topics, ({ name }) => may.topic("read", name)).map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: topicDenied.errorCode,
      })),
    }));
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
];
