/** OffsetDelete: forgets offsets of topics that nobody in the group is subscribed to. */
import type { Groups, OffsetKey } from "../../groups/groups.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { shardAt } from "../context.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { subscribedTopics } from "../group-states.ts";
import type { OffsetDeleteRequest, OffsetDeleteResponse } from "../messages/47-offset-delete.ts";

type Request = BodyOf<typeof OffsetDeleteRequest>;
type Reply = InputOf<typeof OffsetDeleteResponse>;

const refuse = (errorCode: KafkaError): Reply => ({ errorCode, topics: [] });

export const offsetDeleteHandler: Handler<Request, Reply> = async (request, call) => {
  const { broker, groups } = call.context;
  const subscribed = subscriptionOf(groups, request.groupId);
  if (subscribed === null) return refuse(KafkaError.groupIdNotFound);
  if (!subscribed) return refuse(KafkaError.nonEmptyGroup);
  const keys: OffsetKey[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const stream = broker.streamByName(name);
    const codes = partitions.map(({ partitionIndex }) => {
      let errorCode: KafkaError = KafkaError.none;
      if (!stream || !shardAt(stream, partitionIndex)) errorCode = KafkaError.unknownTopicOrPartition;
      else if (subscribed.has(name)) errorCode = KafkaError.groupSubscribedToTopic;
      else keys.push({ streamId: stream.id, shard: partitionIndex });
      return { partitionIndex, errorCode };
    });
    return { name, partitions: codes };
  });
  try {
    await groups.forget(request.groupId, keys);
    return { errorCode: KafkaError.none, topics };
  } catch (error) {
    kafkaErrorOf(error);
    return refuse(KafkaError.coordinatorNotAvailable);
  }
};

/** Topics that members are subscribed to; undefined when that can't be told, null when there is no such group. */
function subscriptionOf(groups: Groups, groupId: string): ReadonlySet<string> | undefined | null {
  const modern = groups.consumers.describe(groupId);
  if (modern) return new Set([...modern.members.values()].flatMap(({ topics }) => topics));
  const group = groups.describe(groupId);
  if (!group) return null;
  return group.members.size === 0 ? new Set() : subscribedTopics(group);
}
