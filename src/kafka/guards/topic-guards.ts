/** Who may see, make, change and delete topics and their settings. */
import type { Call } from "../call.ts";
import { ConfigResource } from "../alter-configs.ts";
import { NO_TOPIC_ID, wishKey } from "../context.ts";
import { KafkaError } from "../errors.ts";
import { Metadata } from "../messages/03-metadata.ts";
import { CreateTopics } from "../messages/19-create-topics.ts";
import { DeleteTopics } from "../messages/20-delete-topics.ts";
import { DescribeConfigs } from "../messages/32-describe-configs.ts";
import { AlterConfigs } from "../messages/33-alter-configs.ts";
import { CreatePartitions } from "../messages/37-create-partitions.ts";
import { IncrementalAlterConfigs } from "../messages/44-incremental-alter-configs.ts";
import { DescribeTopicPartitions } from "../messages/75-describe-topic-partitions.ts";
import type { Permissions } from "../security/permissions.ts";
import {
  changeDenied,
  clusterDenied,
  guard,
  type Guard,
  takeDenied,
  takeDeniedBy,
  topicDenied,
} from "./guard.ts";

const { errorCode } = topicDenied;
const FIRST_VERSION_WITH_NULL_NAMES = 12;

const nameOf = ({ name }: { name: string }): string => name;

function mayCreate(may: Permissions, name: string): boolean {
  return may.cluster("create") || may.topic("create", name);
}

/** Whether what Metadata asks for may be shown and, where it would be made, may be made. */
function mayAsk(
  may: Permissions,
  call: Call,
  name: string | null,
  topicId: string,
  creates: boolean,
): boolean {
  const { broker, autoCreateStreams } = call.context;
  const real = name ?? broker.streamById(topicId)?.name;
  if (real === undefined) return true;
  if (!may.topic("describe", real)) return false;
  const makes = creates && autoCreateStreams && !broker.streamByName(real);
  return !makes || mayCreate(may, real);
}

interface ConfigWish {
  resourceType: number;
  resourceName: string;
}

/** Settings of the broker are the cluster's. */
function mayConfigure(
  may: Permissions,
  operation: "describe-configs" | "alter-configs",
  wish: ConfigWish,
): boolean {
  const ofTopic = wish.resourceType === ConfigResource.topic;
  return ofTopic ? may.topic(operation, wish.resourceName) : may.cluster(operation);
}

function configDenied({ resourceType, resourceName }: ConfigWish) {
  const refusal = resourceType === ConfigResource.topic ? topicDenied : clusterDenied;
  return { ...refusal, resourceType, resourceName };
}

export const TOPIC_GUARDS: readonly Guard[] = [
  guard(Metadata, (request, { may, call, amend }) => {
    const { topics, allowAutoTopicCreation } = request;
    const all = topics === null || (call.version === 0 && topics.length === 0);
    if (all) {
      amend((reply) => ({
        ...reply,
        topics: reply.topics.filter(({ name }) => name !== null && may.topic("describe", name)),
      }));
      return undefined;
    }
    const denied = takeDeniedBy(topics, wishKey, ({ name, topicId }) =>
      mayAsk(may, call, name, topicId, allowAutoTopicCreation),
    );
    if (denied.length === 0) return undefined;
    // An empty list would ask for all topics; what it shows is taken out again.
    const nothingLeft = topics.length === 0;
    const nameless = call.version >= FIRST_VERSION_WITH_NULL_NAMES ? null : "";
    const answers = denied.map(([{ name, topicId }]) => ({
      errorCode,
      name: name ?? nameless,
      topicId: name === null ? topicId : NO_TOPIC_ID,
      partitions: [],
    }));
    amend((reply) => ({ ...reply, topics: nothingLeft ? answers : [...reply.topics, ...answers] }));
    return undefined;
  }),
  guard(DescribeTopicPartitions, ({ topics }, { may, amend }) => {
    const all = topics.length === 0;
    const seen = ({ name }: { name: string }) => may.topic("describe", name);
    const denied = takeDeniedBy(topics, nameOf, seen).map(([{ name }]) => ({
      errorCode,
      name,
      topicId: NO_TOPIC_ID,
      partitions: [],
    }));
    // An empty list asks for all topics.
    if (!all && topics.length === 0) return { throttleTimeMs: 0, topics: denied };
    amend((reply) => ({
      ...reply,
      topics: [...reply.topics.filter(({ name }) => name !== null && may.topic("describe", name)), ...denied],
    }));
    return undefined;
  }),
  guard(CreateTopics, ({ topics }, { may, amend }) => {
    const denied = takeDeniedBy(topics, nameOf, ({ name }) => mayCreate(may, name)).map((wishes) => ({
      name: wishes[0].name,
      topicId: NO_TOPIC_ID,
      ...changeDenied(wishes),
      configs: [],
    }));
    amend((reply) => {
      const made = reply.topics.map((topic) =>
        topic.errorCode !== KafkaError.none || may.topic("describe-configs", topic.name)
          ? topic
          : {
              ...topic,
              topicConfigErrorCode: errorCode,
              numPartitions: -1,
              replicationFactor: -1,
              configs: [],
            },
      );
      return { ...reply, topics: [...made, ...denied] };
    });
    return undefined;
  }),
  guard(DeleteTopics, (request, { may, call, amend }) => {
    const named = takeDeniedBy(request.topicNames, String, (name) => may.topic("delete", name));
    const given = takeDeniedBy(request.topics, wishKey, ({ name, topicId }) => {
      const real = name ?? call.context.broker.streamById(topicId)?.name;
      return real === undefined || may.topic("delete", real);
    });
    const denied = [
      ...named.map((wishes) => ({ name: wishes[0], topicId: NO_TOPIC_ID, ...changeDenied(wishes) })),
      // Not the name of one that was given by its id.
      ...given.map((wishes) => ({ ...wishes[0], ...changeDenied(wishes) })),
    ];
    amend((reply) => ({ ...reply, responses: [...reply.responses, ...denied] }));
    return undefined;
  }),
  guard(CreatePartitions, ({ topics }, { may, amend }) => {
    const denied = takeDeniedBy(topics, nameOf, ({ name }) => may.topic("alter", name)).map((wishes) => ({
      name: wishes[0].name,
      ...changeDenied(wishes),
    }));
    amend((reply) => ({ ...reply, results: [...reply.results, ...denied] }));
    return undefined;
  }),
  guard(DescribeConfigs, ({ resources }, { may, amend }) => {
    const denied = takeDenied(resources, (wish) => mayConfigure(may, "describe-configs", wish)).map(
      (wish) => ({
        ...configDenied(wish),
        configs: [],
      }),
    );
    amend((reply) => ({ ...reply, results: [...reply.results, ...denied] }));
    return undefined;
  }),
  guard(AlterConfigs, ({ resources }, { may, amend }) => {
    const denied = takeDenied(resources, (wish) => mayConfigure(may, "alter-configs", wish)).map(
      configDenied,
    );
    amend((reply) => ({ ...reply, responses: [...reply.responses, ...denied] }));
    return undefined;
  }),
  guard(IncrementalAlterConfigs, ({ resources }, { may, amend }) => {
    const denied = takeDenied(resources, (wish) => mayConfigure(may, "alter-configs", wish)).map(
      configDenied,
    );
    amend((reply) => ({ ...reply, responses: [...reply.responses, ...denied] }));
    return undefined;
  }),
];
