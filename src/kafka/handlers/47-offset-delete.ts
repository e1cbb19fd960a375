/** OffsetDelete: forgets offsets of topics that nobody in the group is subscribed to. */
import type { OffsetKey } from "../../groups/groups.ts";
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
  const group = groups.describe(request.groupId);
  if (!group) return refuse(KafkaError.groupIdNotFound);
  const subscribed = group.members.size === 0 ? new Set<string>() : subscribedTopics(group);
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
