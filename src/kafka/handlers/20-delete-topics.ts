/**
 * DeleteTopics, by name or by id, one after the other; each stays deleted after a crash before it is answered. As in Kafka,
 * a topic is answered once (librdkafka drops a reply that names one twice), and one that is named twice is not deleted.
 */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, NO_TOPIC_ID } from "../context.ts";
import { clip, KafkaError, type Refusal, refusalOf } from "../errors.ts";
import type { DeleteTopicsRequest, DeleteTopicsResponse } from "../messages/20-delete-topics.ts";

type Request = BodyOf<typeof DeleteTopicsRequest>;
type Reply = InputOf<typeof DeleteTopicsResponse>;
type Wanted = Request["topics"][number];

export const deleteTopicsHandler: Handler<Request, Reply> = async (request, { context, version }) => {
  const responses: Reply["responses"][number][] = [];
  const wanted: Wanted[] =
    version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID }));
  const byTopic = Map.groupBy(wanted, (topic) => keyOf(context, topic));
  for (const [topic, ...more] of byTopic.values())
    responses.push(await deleteTopic(context, topic as Wanted, more.length > 0));
  return { responses };
};

/** The same for a topic's name and for its id. */
function keyOf({ broker }: KafkaContext, { name, topicId }: Wanted): string {
  return name === null ? topicId : (broker.streamByName(name)?.id ?? `there is none: ${name}`);
}

async function deleteTopic(
  { broker }: KafkaContext,
  wanted: Wanted,
  isNamedTwice: boolean,
): Promise<Reply["responses"][number]> {
  const { name, topicId } = wanted;
  const refuse = (refusal: Refusal) => ({ name, topicId, ...refusal });
  const invalid = (errorMessage: string) => refuse({ errorCode: KafkaError.invalidRequest, errorMessage });
  if (isNamedTwice) return invalid("the topic is named more than once in one request");
  if ((name === null) === (topicId === NO_TOPIC_ID))
    return invalid("give a topic's name or its id: one of them");
  const stream = name === null ? broker.streamById(topicId) : broker.streamByName(name);
  if (stream === undefined) {
    return refuse(
      name === null
        ? { errorCode: KafkaError.unknownTopicId, errorMessage: "there is no topic with this id" }
        : { errorCode: KafkaError.unknownTopicOrPartition, errorMessage: clip(`there is no topic ${name}`) },
    );
  }
  try {
    await broker.deleteStream(stream.name);
    return { name: stream.name, topicId: stream.id, errorCode: KafkaError.none };
  } catch (error) {
    return refuse(refusalOf(error));
  }
}
