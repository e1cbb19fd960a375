/** CreateTopics, one after the other; each is durable before it is answered. */
import { VoikError } from "../../base/errors.ts";
import type { Stream } from "../../streams/broker.ts";
import { checkStreamName } from "../../streams/stream-name.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, NO_TOPIC_ID, NODE_ID } from "../context.ts";
import { KafkaError, type Refusal, refusalOf } from "../errors.ts";
import type { CreateTopicsRequest, CreateTopicsResponse } from "../messages/19-create-topics.ts";
import type { Chosen } from "../topic-config-table.ts";
import { changeConfigs, noValue, topicConfigs, unchosen } from "../topic-configs.ts";

type Request = BodyOf<typeof CreateTopicsRequest>;
type Wanted = Request["topics"][number];
type Reply = InputOf<typeof CreateTopicsResponse>;
type Result = Reply["topics"][number];

const BROKER_DEFAULT = -1;

export const createTopicsHandler: Handler<Request, Reply> = async (request, call) => {
  const seen = new Map<string, number>();
  for (const { name } of request.topics) seen.set(name, (seen.get(name) ?? 0) + 1);
  const topics: Result[] = [];
  for (const [name, times] of seen) {
    const wanted = request.topics.find((topic) => topic.name === name) as Wanted;
    try {
      if (times > 1)
        throw new VoikError("argument_invalid", `topic ${name} is named ${times} times in one request`);
      topics.push(await createTopic(call.context, wanted, request.validateOnly));
    } catch (error) {
      topics.push(refused(wanted, refusalOf(error)));
    }
  }
  return { topics };
};

async function createTopic(context: KafkaContext, wanted: Wanted, validateOnly: boolean): Promise<Result> {
  const { broker } = context;
  checkStreamName(wanted.name);
  if (broker.streamByName(wanted.name))
    throw new VoikError("stream_exists", `topic ${wanted.name} exists already`);
  const assigned = assignedPartitions(wanted);
  if (typeof assigned !== "number") return refused(wanted, assigned);
  const shardCount = assigned === BROKER_DEFAULT ? context.autoCreatePartitions : assigned;
  checkPartitions(shardCount, context.limits.partitionsMax);
  for (const { name, value } of wanted.configs) if (value === null) throw noValue(name);
  const chosen = changeConfigs(context, unchosen(context), wanted.configs);
  if (validateOnly) {
    return created(context, { id: NO_TOPIC_ID, name: wanted.name, ...chosen }, shardCount);
  }
  const stream = await broker.createStream({ name: wanted.name, shardCount, ...chosen });
  return created(context, stream, shardCount);
}

/** Partitions that the request asks for, BROKER_DEFAULT, or why its replicas can't be placed. */
function assignedPartitions({ assignments, numPartitions, replicationFactor }: Wanted): number | Refusal {
  if (assignments.length === 0) {
    if (replicationFactor !== 1 && replicationFactor !== BROKER_DEFAULT) {
      throw new VoikError(
        "replication_invalid",
        `there is one broker: the replication factor is 1, not ${replicationFactor}`,
      );
    }
    return numPartitions;
  }
  if (numPartitions !== BROKER_DEFAULT || replicationFactor !== BROKER_DEFAULT) {
    throw new VoikError("argument_invalid", "give assignments or counts, not both");
  }
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
  const dense = indexes.size === assignments.length && assignments.every((_, index) => indexes.has(index));
  const ours = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID);
  if (dense && ours) return assignments.length;
  return {
    errorCode: KafkaError.invalidReplicaAssignment,
    errorMessage: `partitions are numbered from 0 without gaps, each on broker ${NODE_ID} alone`,
  };
}

function checkPartitions(count: number, most: number): void {
  if (count < 1) throw new VoikError("shard_count_invalid", `a topic has at least 1 partition, not ${count}`);
  if (count > most)
    throw new VoikError("limit_exceeded", `at most ${most} partitions a topic are allowed, not ${count}`);
}

function created(
  context: KafkaContext,
  stream: Pick<Stream, "id" | "name"> & Chosen,
  partitions: number,
): Result {
  return {
    name: stream.name,
    topicId: stream.id,
    errorCode: KafkaError.none,
    errorMessage: null,
    numPartitions: partitions,
    replicationFactor: 1,
    configs: topicConfigs(context, stream).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: config.readOnly,
      configSource: config.source,
      isSensitive: false,
    })),
  };
}

function refused({ name }: Wanted, refusal: Refusal): Result {
  return { name, topicId: NO_TOPIC_ID, ...refusal, configs: [] };
}
