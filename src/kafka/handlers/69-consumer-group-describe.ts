/** ConsumerGroupDescribe: groups of KIP-848 with their members. Others are not found here: DescribeGroups knows them. */
import type { ConsumerGroup, ConsumerMember } from "../../groups/consumer-group.ts";
import { byStream, NO_PARTITIONS, type Partitions } from "../../groups/partitions.ts";
import type { Broker } from "../../streams/broker.ts";
import { authorizedOperations } from "../authorized-operations.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { clip, KafkaError } from "../errors.ts";
import { consumerGroupState } from "../group-states.ts";
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from "../messages/69-consumer-group-describe.ts";

type Reply = InputOf<typeof ConsumerGroupDescribeResponse>;
type Described = Reply["groups"][number];

const CONSUMER_MEMBER = 1;

export const consumerGroupDescribeHandler: Handler<BodyOf<typeof ConsumerGroupDescribeRequest>, Reply> = (
  { groupIds, includeAuthorizedOperations },
  call,
) => ({
  throttleTimeMs: 0,
  groups: groupIds.map((id) => {
    const { groups, broker } = call.context;
    const group = groups.consumers.describe(id);
    if (!group) return missing(id);
    const described = describe(group, broker);
    if (!includeAuthorizedOperations) return described;
    return { ...described, authorizedOperations: authorizedOperations(call, "group", id) };
  }),
});

function missing(groupId: string): Described {
  return {
    errorCode: KafkaError.groupIdNotFound,
    errorMessage: clip(`there is no group ${groupId} of the consumer protocol`),
    groupId,
    groupState: "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
  };
}

function describe(group: ConsumerGroup, broker: Broker): Described {
  return {
    errorCode: KafkaError.none,
    groupId: group.id,
    groupState: consumerGroupState(group),
    groupEpoch: group.epoch,
    assignmentEpoch: group.epoch,
    assignorName: group.assignor,
    members: [...group.members.values()].map((member) => memberOf(member, group, broker)),
  };
}

function memberOf(
  member: ConsumerMember,
  { target }: ConsumerGroup,
  broker: Broker,
): Described["members"][number] {
  return {
    memberId: member.id,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.epoch,
    clientId: member.clientId,
    clientHost: `/${member.clientHost}`,
    subscribedTopicNames: member.topics,
    assignment: assignmentOf(member.assigned, broker),
    targetAssignment: assignmentOf(target.get(member.id) ?? NO_PARTITIONS, broker),
    memberType: CONSUMER_MEMBER,
  };
}

function assignmentOf(partitions: Partitions, broker: Broker) {
  return {
    topicPartitions: byStream(partitions).map(({ streamId, shards }) => ({
      topicId: streamId,
      topicName: broker.streamById(streamId)?.name ?? "",
      partitions: shards,
    })),
  };
}
