/** ConsumerGroupHeartbeat: the one request of KIP-848's members. Nothing here waits: a member is told what it may read now. */
import { isAssignor } from "../../groups/assignors.ts";
import { AWAY_EPOCH, JOIN_EPOCH } from "../../groups/consumer-group.ts";
import type { GroupFailure } from "../../groups/group.ts";
import type { ConsumerGroups } from "../../groups/groups.ts";
import { byStream, partitionsOf } from "../../groups/partitions.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from "../messages/68-consumer-group-heartbeat.ts";

type Request = BodyOf<typeof ConsumerGroupHeartbeatRequest>;
type Beat = ReturnType<ConsumerGroups["heartbeat"]>;
type Reply = InputOf<typeof ConsumerGroupHeartbeatResponse>;

/** A rebalance takes two or three heartbeats of those whom it concerns. */
const HEARTBEAT_INTERVAL_MS = 1_000;
const ID_LENGTH_MAX = 1024;
const FIRST_VERSION_WITH_OWN_IDS = 1;

const MESSAGES: Partial<Record<GroupFailure, string>> = {
  assignor_unsupported:
    "the assignors here are uniform and range: leave group.remote.assignor unset, or choose one",
  pattern_unsupported:
    "voik matches no patterns: subscribe to names, or let the client match (java.util.regex.Pattern)",
  group_not_found:
    "the group has members of the classic protocol: stop them first, or use group.protocol=classic",
  instance_unreleased: "another member has this group.instance.id: stop it first, or choose another id",
  request_invalid: "the heartbeat is not one that a member of a group can send (KIP-848)",
};

export const consumerGroupHeartbeatHandler: Handler<Request, Reply> = (request, call) => {
  const failure = refusalOf(request, call.version);
  return failure ? refused(failure) : answer(beat(request, call));
};

function refusalOf(request: Request, version: number): GroupFailure | undefined {
  const { groupId, memberId, memberEpoch, instanceId, serverAssignor, subscribedTopicRegex } = request;
  if (groupId === "" || groupId.length > ID_LENGTH_MAX) return "group_id_invalid";
  const mayLackId = memberEpoch === JOIN_EPOCH && version < FIRST_VERSION_WITH_OWN_IDS;
  if ((memberId === "" && !mayLackId) || memberId.length > ID_LENGTH_MAX) return "request_invalid";
  if (memberEpoch < AWAY_EPOCH) return "request_invalid";
  if (instanceId !== null && (instanceId === "" || instanceId.length > ID_LENGTH_MAX))
    return "request_invalid";
  if (memberEpoch === AWAY_EPOCH && instanceId === null) return "request_invalid";
  if (serverAssignor !== null && !isAssignor(serverAssignor)) return "assignor_unsupported";
  if (subscribedTopicRegex) return "pattern_unsupported";
  if (memberEpoch !== JOIN_EPOCH) return undefined;
  const saysAll = request.rebalanceTimeoutMs > 0 && request.subscribedTopicNames !== null;
  return saysAll && request.topicPartitions?.length === 0 ? undefined : "request_invalid";
}

function beat(request: Request, { clientId, owner, context }: Call): Beat {
  const { serverAssignor, topicPartitions } = request;
  const owned = topicPartitions?.map(({ topicId, partitions }) => ({
    streamId: topicId,
    shards: partitions,
  }));
  return context.groups.consumers.heartbeat(request.groupId, {
    kind: "heartbeat",
    memberId: request.memberId,
    epoch: request.memberEpoch,
    instanceId: request.instanceId,
    clientId: (clientId ?? "").slice(0, ID_LENGTH_MAX),
    clientHost: owner.clientHost,
    rackId: request.rackId?.slice(0, ID_LENGTH_MAX) ?? null,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    topics: request.subscribedTopicNames,
    assignor: serverAssignor !== null && isAssignor(serverAssignor) ? serverAssignor : null,
    owned: owned ? partitionsOf(owned) : null,
  });
}

function answer({ memberId, failure, epoch, assignment }: Beat): Reply {
  if (failure) return refused(failure);
  const topicPartitions =
    assignment &&
    byStream(assignment).map(({ streamId, shards }) => ({ topicId: streamId, partitions: shards }));
  return {
    throttleTimeMs: 0,
    errorCode: KafkaError.none,
    memberId,
    memberEpoch: epoch,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    assignment: topicPartitions && { topicPartitions },
  };
}

function refused(failure: GroupFailure): Reply {
  return {
    throttleTimeMs: 0,
    errorCode: groupErrorOf(failure),
    errorMessage: MESSAGES[failure] ?? null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  };
}
