/**
 * Metadata: one broker, all shards that can still be read as partitions (decision 0001), and the creation of topics
 * that are asked for by name. A topic made here is durable before its name is told.
 */
import { VoikError } from "../../base/errors.ts";
import type { Broker, Stream } from "../../streams/broker.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { clusterIdOf, isTopicName, type KafkaContext, NO_TOPIC_ID, NODE_ID, wishKey } from "../context.ts";
import { authorizedOperations, clusterOperations } from "../authorized-operations.ts";
import { KafkaError, kafkaErrorOf } from "../errors.ts";
import { partitionOf } from "../partition-view.ts";
import type { MetadataRequest, MetadataResponse } from "../messages/03-metadata.ts";

type Request = BodyOf<typeof MetadataRequest>;
type WantedTopic = NonNullable<Request["topics"]>[number];
type Reply = InputOf<typeof MetadataResponse>;
type Topic = Reply["topics"][number];

const FIRST_VERSION_WITH_NULL_NAMES = 12;

export const metadataHandler: Handler<Request, Reply> = (request, call) => {
  const { context } = call;
  const asked = call.version === 0 && request.topics?.length === 0 ? null : request.topics;
  // A topic asked for by an unknown id has no name, which only version 12 and later can say.
  const nameless = call.version >= FIRST_VERSION_WITH_NULL_NAMES ? null : "";
  const answer = (found: Topic[]): Reply => ({
    brokers: [{ nodeId: NODE_ID, ...call.owner.advertised }],
    clusterId: clusterIdOf(context.broker),
    controllerId: NODE_ID,
    topics: (request.includeTopicAuthorizedOperations ? withOperations(found, call) : found).map((topic) =>
      topic.name === null ? { ...topic, name: nameless } : topic,
    ),
    ...(request.includeClusterAuthorizedOperations && {
      clusterAuthorizedOperations: clusterOperations(call),
    }),
  });
  if (asked === null) return answer(context.broker.listStreams().map(describe));
  const wanted = onceEach(asked);
  const create = context.autoCreateStreams && request.allowAutoTopicCreation;
  const missing = wanted.some((topic) => topic.name !== null && !context.broker.streamByName(topic.name));
  if (create && missing) return describeOrCreate(context, wanted).then(answer);
  return answer(wanted.map((topic) => describeWanted(context.broker, topic)));
};

/** A topic that is asked for twice is told of once, as in Kafka: librdkafka drops a reply that names one twice. */
function onceEach(topics: readonly WantedTopic[]): WantedTopic[] {
  return [...new Map(topics.map((topic) => [wishKey(topic), topic])).values()];
}

/** One at a time: a request for thousands of new topics should not fill the disk's queue. */
async function describeOrCreate(context: KafkaContext, wanted: readonly WantedTopic[]): Promise<Topic[]> {
  const topics: Topic[] = [];
  for (const topic of wanted) {
    const { name } = topic;
    if (name !== null && isTopicName(name) && !context.broker.streamByName(name)) {
      const code = await create(context, name);
      if (code !== KafkaError.none) {
        topics.push(unknown(name, topic.topicId, code));
        continue;
      }
    }
    topics.push(describeWanted(context.broker, topic));
  }
  return topics;
}

async function create(context: KafkaContext, name: string): Promise<KafkaError> {
  try {
    await context.broker.createStream({ name, shardCount: context.autoCreatePartitions });
    return KafkaError.none;
  } catch (error) {
    // Somebody else was faster, perhaps so little that the stream is not there yet: the client asks again.
    if (error instanceof VoikError && error.code === "stream_exists") {
      return context.broker.streamByName(name) ? KafkaError.none : KafkaError.leaderNotAvailable;
    }
    return kafkaErrorOf(error);
  }
}

/** With what the caller may do to each topic that there is. */
function withOperations(topics: readonly Topic[], call: Call): Topic[] {
  return topics.map((topic) =>
    topic.errorCode === KafkaError.none
      ? { ...topic, topicAuthorizedOperations: authorizedOperations(call, "topic", topic.name ?? "") }
      : topic,
  );
}

function describeWanted(broker: Broker, { name, topicId }: WantedTopic): Topic {
  if (name === null) {
    const stream = broker.streamById(topicId);
    return stream ? describe(stream) : unknown(null, topicId, KafkaError.unknownTopicId);
  }
  const stream = broker.streamByName(name);
  if (stream) return describe(stream);
  return unknown(
    name,
    topicId,
    isTopicName(name) ? KafkaError.unknownTopicOrPartition : KafkaError.invalidTopic,
  );
}

function describe(stream: Stream): Topic {
  return {
    errorCode: KafkaError.none,
    name: stream.name,
    topicId: stream.id,
    partitions: stream.shards.map(partitionOf),
  };
}

function unknown(name: string | null, topicId: string, errorCode: KafkaError): Topic {
  return { errorCode, name, topicId: name === null ? topicId : NO_TOPIC_ID, partitions: [] };
}
