/** Who may be in groups that the broker assigns (KIP-848), and see them. */
import { ConsumerGroupHeartbeat } from "../messages/68-consumer-group-heartbeat.ts";
import { ConsumerGroupDescribe } from "../messages/69-consumer-group-describe.ts";
import { guard, type Guard, groupDenied, takeDenied, topicDenied } from "./guard.ts";

const NOT_MEMBER = { throttleTimeMs: 0, memberEpoch: 0, heartbeatIntervalMs: 0 };
const NOT_SHOWN = { groupState: "", groupEpoch: 0, assignmentEpoch: 0, assignorName: "", members: [] };

export const CONSUMER_GROUP_GUARDS: readonly Guard[] = [
  guard(ConsumerGroupHeartbeat, ({ groupId, subscribedTopicNames }, { may }) => {
    if (!may.group("read", groupId)) return { ...NOT_MEMBER, ...groupDenied };
    const seen = (subscribedTopicNames ?? []).every((name) => may.topic("describe", name));
    return seen ? undefined : { ...NOT_MEMBER, ...topicDenied };
  }),
  guard(ConsumerGroupDescribe, ({ groupIds }, { may, amend }) => {
    const denied = takeDenied(groupIds, (id) => may.group("describe", id)).map((groupId) => ({
      ...NOT_SHOWN,
      ...groupDenied,
      groupId,
    }));
    amend((reply) => {
      const groups = reply.groups.map((group) => {
        const names = group.members.flatMap(({ subscribedTopicNames, assignment, targetAssignment }) => [
          ...subscribedTopicNames,
          ...[assignment, targetAssignment].flatMap((one) => one.topicPartitions.map((t) => t.topicName)),
        ]);
        const seen = names.every((name) => may.topic("describe", name));
        return seen ? group : { ...NOT_SHOWN, ...topicDenied, groupId: group.groupId };
      });
      return { ...reply, groups: [...groups, ...denied] };
    });
    return undefined;
  }),
];
