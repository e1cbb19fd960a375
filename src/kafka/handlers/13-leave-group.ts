/** LeaveGroup: one member, or from version 3 on many, static ones by their instance id alone too. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { LeaveGroupRequest, LeaveGroupResponse } from "../messages/13-leave-group.ts";

type Request = BodyOf<typeof LeaveGroupRequest>;

const FIRST_VERSION_WITH_MANY = 3;

export const leaveGroupHandler: Handler<Request, InputOf<typeof LeaveGroupResponse>> = (request, call) => {
  const one = call.version < FIRST_VERSION_WITH_MANY;
  const named: Pick<Request["members"][number], "memberId" | "groupInstanceId">[] = one
    ? [{ memberId: request.memberId, groupInstanceId: null }]
    : request.members;
  const leaving = named.map(({ memberId, groupInstanceId }) => ({ memberId, instanceId: groupInstanceId }));
  const codes = call.context.groups.leave(request.groupId, leaving).map(groupErrorOf);
  const members = named.map(({ memberId, groupInstanceId }, i) => ({
    memberId,
    groupInstanceId,
    errorCode: codes[i] ?? KafkaError.none,
  }));
  return { errorCode: one ? (codes[0] ?? KafkaError.none) : KafkaError.none, members };
};
