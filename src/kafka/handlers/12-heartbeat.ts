/** Heartbeat: keeps a member in its group, and tells it when to join again. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { HeartbeatRequest, HeartbeatResponse } from "../messages/12-heartbeat.ts";

export const heartbeatHandler: Handler<BodyOf<typeof HeartbeatRequest>, InputOf<typeof HeartbeatResponse>> = (
  { groupId, memberId, groupInstanceId, generationId },
  call,
) => {
  const speaker = { memberId, instanceId: groupInstanceId, generation: generationId };
  return { errorCode: groupErrorOf(call.context.groups.heartbeat(groupId, speaker)) };
};
