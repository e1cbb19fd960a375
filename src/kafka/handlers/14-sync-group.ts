/** SyncGroup: the leader's is answered at once, everybody else's when the leader has assigned. */
import { NO_BYTES } from "../../groups/group.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { groupErrorOf, waitForGroup } from "../group-errors.ts";
import type { SyncGroupRequest, SyncGroupResponse } from "../messages/14-sync-group.ts";

type Request = BodyOf<typeof SyncGroupRequest>;
type Reply = InputOf<typeof SyncGroupResponse>;

export const syncGroupHandler: Handler<Request, Reply> = (request, call) => {
  const { memberId, groupInstanceId, generationId, protocolType, protocolName, assignments } = request;
  const syncing = {
    memberId,
    instanceId: groupInstanceId,
    generation: generationId,
    protocolType,
    protocolName,
    assignments,
  };
  const waiting = call.context.groups.sync(request.groupId, syncing, ({ failure, ...reply }) =>
    call.reply({
      errorCode: groupErrorOf(failure),
      protocolType: reply.protocolType,
      protocolName: reply.protocolName,
      assignment: reply.assignment,
    } satisfies Reply),
  );
  waitForGroup(call, waiting, {
    errorCode: KafkaError.notCoordinator,
    assignment: NO_BYTES,
  } satisfies Reply);
  return undefined;
};
