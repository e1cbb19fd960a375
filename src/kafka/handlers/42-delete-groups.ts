/** DeleteGroups: forgets groups that nobody is in, one after the other; each stays forgotten after a crash. */
import type { Groups } from "../../groups/groups.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { groupErrorOf } from "../group-errors.ts";
import type { DeleteGroupsRequest, DeleteGroupsResponse } from "../messages/42-delete-groups.ts";

type Reply = InputOf<typeof DeleteGroupsResponse>;

export const deleteGroupsHandler: Handler<BodyOf<typeof DeleteGroupsRequest>, Reply> = async (
  request,
  call,
) => {
  const results: Reply["results"][number][] = [];
  for (const groupId of new Set(request.groupsNames)) {
    results.push({ groupId, errorCode: await deleteGroup(call.context.groups, groupId) });
  }
  return { results };
};

async function deleteGroup(groups: Groups, groupId: string): Promise<KafkaError> {
  try {
    return groupErrorOf(await groups.delete(groupId));
  } catch (error) {
    kafkaErrorOf(error);
    return KafkaError.coordinatorNotAvailable;
  }
}
