/** DescribeGroups: members with what they said and what they got. A group that is not there is Dead. */
import type { Group } from "../../groups/group.ts";
import { metadataOf, NO_BYTES } from "../../groups/group.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { DEAD, GROUP_STATE } from "../group-states.ts";
import type { DescribeGroupsRequest, DescribeGroupsResponse } from "../messages/15-describe-groups.ts";

type Reply = InputOf<typeof DescribeGroupsResponse>;

export const describeGroupsHandler: Handler<BodyOf<typeof DescribeGroupsRequest>, Reply> = (
  request,
  call,
) => ({ groups: request.groups.map((id) => describe(id, call.context.groups.describe(id))) });

function describe(groupId: string, group: Group | undefined): Reply["groups"][number] {
  const known = { errorCode: KafkaError.none, groupId };
  if (!group) return { ...known, groupState: DEAD, protocolType: "", protocolData: "", members: [] };
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
