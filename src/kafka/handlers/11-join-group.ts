/**
 * JoinGroup: answered when the rebalance that it begins or takes part in is over. As with Kafka, the connection's next
 * request waits for it; clients have a connection of their own for their group.
 */
import type { JoinReply } from "../../groups/group.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { groupErrorOf, waitForGroup } from "../group-errors.ts";
import type { JoinGroupRequest, JoinGroupResponse } from "../messages/11-join-group.ts";

type Request = BodyOf<typeof JoinGroupRequest>;
type Reply = InputOf<typeof JoinGroupResponse>;

const FIRST_VERSION_WITH_REQUIRED_ID = 4;
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;
const FIRST_VERSION_WITH_SKIP = 9;

export const joinGroupHandler: Handler<Request, Reply> = (request, call) => {
  const { version, clientId, owner } = call;
  const { sessionTimeoutMs, rebalanceTimeoutMs, memberId } = request;
  const joining = {
    memberId,
    instanceId: request.groupInstanceId,
    clientId: clientId ?? "",
    clientHost: owner.clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    idRequired: version >= FIRST_VERSION_WITH_REQUIRED_ID,
    maySkip: version >= FIRST_VERSION_WITH_SKIP,
  };
  const waiting = call.context.groups.join(request.groupId, joining, (reply) =>
    call.reply(replyOf(reply, version)),
  );
  waitForGroup(call, waiting, {
    errorCode: KafkaError.notCoordinator,
    protocolName: "",
    leader: "",
    memberId,
    members: [],
  } satisfies Reply);
  return undefined;
};

function replyOf(reply: JoinReply, version: number): Reply {
  const { failure, generation, protocolType, protocolName, leaderId, skipAssignment, memberId } = reply;
  return {
    errorCode: groupErrorOf(failure),
    generationId: generation,
    protocolType,
    protocolName: protocolName ?? (version >= FIRST_VERSION_WITH_NULL_PROTOCOL ? null : ""),
    leader: leaderId,
    skipAssignment,
    memberId,
    members: reply.members.map(({ id, instanceId, metadata }) => ({
      memberId: id,
      groupInstanceId: instanceId,
      metadata,
    })),
  };
}
