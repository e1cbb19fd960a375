/** DescribeGroups: members with what they said and what they got. A group that is not there is Dead, or an error. */
import type { Group } from "../../groups/group.ts";
import { metadataOf, NO_BYTES } from "../../groups/group.ts";
import { authorizedOperations } from "../authorized-operations.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { clip, KafkaError } from "../errors.ts";
import { DEAD, GROUP_STATE } from "../group-states.ts";
import type { DescribeGroupsRequest, DescribeGroupsResponse } from "../messages/15-describe-groups.ts";

const FIRST_VERSION_WITH_NOT_FOUND = 6;

type Reply = InputOf<typeof DescribeGroupsResponse>;

export const describeGroupsHandler: Handler<BodyOf<typeof DescribeGroupsRequest>, Reply> = (
  request,
  call,
) => ({
  groups: request.groups.map((id) => {
    const group = call.context.groups.describe(id);
    const described = group ? describe(id, group) : missing(id, call.version);
    const asked = request.includeAuthorizedOperations && described.errorCode === KafkaError.none;
    return asked
      ? { ...described, authorizedOperations: authorizedOperations(call, "group", id) }
      : described;
  }),
});

function missing(groupId: string, version: number): Reply["groups"][number] {
  const nothing = { groupId, groupState: DEAD, protocolType: "", protocolData: "", members: [] };
  if (version < FIRST_VERSION_WITH_NOT_FOUND) return { ...nothing, errorCode: KafkaError.none };
  const errorMessage = clip(`there is no group ${groupId}`);
  return { ...nothing, errorCode: KafkaError.groupIdNotFound, errorMessage };
}

function describe(groupId: string, group: Group): Reply["groups"][number] {
  const known = { errorCode: KafkaError.none, groupId };
  const stable = group.phase === "stable";
  return {
    ...known,
    groupState: GROUP_STATE[group.phase],
    protocolType: group.protocolType ?? "",
    protocolData: (stable && group.protocolName) || "",
    members: [...group.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: `/${member.clientHost}`,
      memberMetadata: stable ? metadataOf(member, group.protocolName) : NO_BYTES,
      memberAssignment: stable ? member.assignment : NO_BYTES,
    })),
  };
}
