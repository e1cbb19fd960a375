/** DeleteTopics, by name or by id, one after the other; each stays deleted after a crash before it is answered. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, NO_TOPIC_ID } from "../context.ts";
import { clip, KafkaError, type Refusal, refusalOf } from "../errors.ts";
import type { DeleteTopicsRequest, DeleteTopicsResponse } from "../messages/20-delete-topics.ts";

type Request = BodyOf<typeof DeleteTopicsRequest>;
type Reply = InputOf<typeof DeleteTopicsResponse>;

export const deleteTopicsHandler: Handler<Request, Reply> = async (request, call) => {
  const responses: Reply["responses"][number][] = [];
  const wanted =
    call.version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID }));
  for (const topic of wanted) responses.push(await deleteTopic(call.context, topic));
  return { responses };
};

async function deleteTopic(
  { broker }: KafkaContext,
  wanted: { name: string | null; topicId: string },
): Promise<Reply["responses"][number]> {
  const refuse = (refusal: Refusal) => ({ name: wanted.name, topicId: wanted.topicId, ...refusal });
  if (wanted.name !== null && wanted.topicId !== NO_TOPIC_ID) {
    return refuse({
      errorCode: KafkaError.invalidRequest,
      errorMessage: "give a topic's name or its id, not both",
    });
  }
  const stream = wanted.name === null ? broker.streamById(wanted.topicId) : broker.streamByName(wanted.name);
  if (stream === undefined) {
    return refuse(
      wanted.name === null
        ? { errorCode: KafkaError.unknownTopicId, errorMessage: "there is no topic with this id" }
        : {
            errorCode: KafkaError.unknownTopicOrPartition,
            errorMessage: clip(`there is no topic ${wanted.name}`),
          },
    );
  }
  try {
    await broker.deleteStream(stream.name);
    return { name: stream.name, topicId: stream.id, errorCode: KafkaError.none };
  } catch (error) {
    return refuse(refusalOf(error));
  }
}
