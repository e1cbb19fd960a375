/** ListGroups: all groups, or those in some states or of some types. */
import { CONSUMER_PROTOCOL } from "../../groups/consumer-group.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import { consumerGroupState, GROUP_STATE, GROUP_TYPE } from "../group-states.ts";
import type { ListGroupsRequest, ListGroupsResponse } from "../messages/16-list-groups.ts";

export const listGroupsHandler: Handler<
  BodyOf<typeof ListGroupsRequest>,
  InputOf<typeof ListGroupsResponse>
> = ({ statesFilter, typesFilter }, call) => {
  const { groups } = call.context;
  const classic = groups.list().map(({ id, phase, protocolType }) => ({
    groupId: id,
    protocolType: protocolType ?? "",
    groupState: GROUP_STATE[phase],
    groupType: GROUP_TYPE.classic,
  }));
  const consumers = groups.consumers.list().map((group) => ({
    groupId: group.id,
    protocolType: CONSUMER_PROTOCOL,
    groupState: consumerGroupState(group),
    groupType: GROUP_TYPE.consumer,
  }));
  const wanted = [...classic, ...consumers].filter(
    ({ groupState, groupType }) => isIn(statesFilter, groupState) && isIn(typesFilter, groupType),
  );
  return { errorCode: KafkaError.none, groups: wanted };
};

/** Whether `filter` has `word`, in whatever case; an empty filter has all. */
function isIn(filter: readonly string[], word: string): boolean {
  return filter.length === 0 || filter.some((one) => one.toLowerCase() === word.toLowerCase());
}
