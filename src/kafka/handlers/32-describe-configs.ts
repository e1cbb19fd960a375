/** DescribeConfigs: what is true of a topic or of the broker, under Kafka's names. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { type KafkaContext, NODE_ID } from "../context.ts";
import { clip, KafkaError } from "../errors.ts";
import type { DescribeConfigsRequest, DescribeConfigsResponse } from "../messages/32-describe-configs.ts";
import { brokerConfigs } from "../broker-configs.ts";
import { type ConfigEntry, ConfigSource } from "../config-entry.ts";
import { topicConfigs } from "../topic-configs.ts";

type Request = BodyOf<typeof DescribeConfigsRequest>;
type Wanted = Request["resources"][number];
type Reply = InputOf<typeof DescribeConfigsResponse>;
type Result = Reply["results"][number];

const RESOURCE_TOPIC = 2;
const RESOURCE_BROKER = 4;

export const describeConfigsHandler: Handler<Request, Reply> = (request, call) => ({
  throttleTimeMs: 0,
  results: request.resources.map((wanted) => describe(call.context, wanted, request)),
});

function describe(context: KafkaContext, wanted: Wanted, request: Request): Result {
  const { resourceType, resourceName, configurationKeys } = wanted;
  const wantsAll = configurationKeys === null || configurationKeys.length === 0;
  const answer = (
    errorCode: KafkaError,
    errorMessage: string | null,
    entries: ConfigEntry[] = [],
  ): Result => ({
    errorCode,
    errorMessage: errorMessage && clip(errorMessage),
    resourceType,
    resourceName,
    configs: entries
      .filter(({ name }) => wantsAll || configurationKeys.includes(name))
      .map((entry) => configOf(entry, request)),
  });
  if (resourceType === RESOURCE_TOPIC) {
    const stream = context.broker.streamByName(resourceName);
    if (stream) return answer(KafkaError.none, null, topicConfigs(context, stream));
    return answer(KafkaError.unknownTopicOrPartition, `there is no topic ${resourceName}`);
  }
  if (resourceType === RESOURCE_BROKER) {
    if (resourceName === "" || resourceName === String(NODE_ID)) {
      return answer(KafkaError.none, null, brokerConfigs(context));
    }
    return answer(KafkaError.invalidRequest, `the only broker is ${NODE_ID}, not ${resourceName}`);
  }
  return answer(KafkaError.invalidRequest, "only topics (2) and brokers (4) have settings here");
}

function configOf(entry: ConfigEntry, request: Request): Result["configs"][number] {
  const { name, value, source } = entry;
  return {
    name,
    value,
    readOnly: entry.readOnly,
    isDefault: source !== ConfigSource.topic,
    configSource: source,
    isSensitive: false,
    synonyms: request.includeSynonyms ? entry.synonyms : [],
    configType: entry.type,
    documentation: request.includeDocumentation ? entry.documentation : null,
  };
}
