/** ListConfigResources: topics and the broker have settings here; client metrics and groups have none. */
import { ConfigResource } from "../alter-configs.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { NODE_ID } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from "../messages/74-list-config-resources.ts";

export const listConfigResourcesHandler: Handler<
  BodyOf<typeof ListConfigResourcesRequest>,
  InputOf<typeof ListConfigResourcesResponse>
> = ({ resourceTypes }, { version, context }) => {
  const wants = (type: number) => version > 0 && (resourceTypes.length === 0 || resourceTypes.includes(type));
  const topics = wants(ConfigResource.topic) ? context.broker.listStreams() : [];
  const configResources = topics.map(({ name }) => ({
    resourceName: name,
    resourceType: ConfigResource.topic as number,
  }));
  if (wants(ConfigResource.broker))
    configResources.push({ resourceName: String(NODE_ID), resourceType: ConfigResource.broker });
  return { throttleTimeMs: 0, errorCode: KafkaError.none, configResources };
};
