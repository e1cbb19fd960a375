/** What an ARN can name, a stream or a consumer, as a thing with tags and a policy. */
import { findConsumer, parseConsumerArn, saveConsumer } from "./consumers.ts";
import type { RequestContext } from "./operation.ts";
import { SETTING } from "./stream-settings.ts";
import { findSettled } from "./stream-view.ts";
import { tagAttributes, tagsIn } from "./tags.ts";

export interface Resource {
  /** "stream s under account 000000000000", for messages. */
  readonly what: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly policy: string | undefined;
  /** Replaces all tags. */
  setTags(tags: ReadonlyMap<string, string>): void;
  setPolicy(policy: string | undefined): void;
}

/** The resource that `arn` names. Throws ResourceNotFoundException, ResourceInUseException while it begins or ends. */
export function findResource(context: RequestContext, arn: string): Resource {
  return parseConsumerArn(arn) === undefined ? streamResource(context, arn) : consumerResource(context, arn);
}

function streamResource(context: RequestContext, arn: string): Resource {
  const stream = findSettled(context, { StreamARN: arn });
  const tags = tagsIn(stream.attributes);
  return {
    what: `stream ${stream.name} under account ${context.caller.accountId}`,
    tags,
    policy: stream.attributes.get(SETTING.policy),
    setTags(next) {
      const gone = [...tags.keys()].filter((key) => !next.has(key));
      const removed = [...tagAttributes(new Map(gone.map((key) => [key, ""]))).keys()];
      const changes = [...tagAttributes(next), ...removed.map((name) => [name, undefined] as const)];
      context.broker.setAttributes(stream, new Map<string, string | undefined>(changes));
    },
    setPolicy: (policy) => context.broker.setAttributes(stream, new Map([[SETTING.policy, policy]])),
  };
}

function consumerResource(context: RequestContext, arn: string): Resource {
  const { stream, consumer } = findConsumer(context, { ConsumerARN: arn });
  return {
    what: `consumer ${consumer.name} under account ${context.caller.accountId}`,
    tags: new Map(Object.entries(consumer.tags)),
    policy: consumer.policy,
    setTags(tags) {
      saveConsumer(context, stream, consumer.name, { ...consumer, tags: Object.fromEntries(tags) });
    },
    setPolicy: (policy) => saveConsumer(context, stream, consumer.name, { ...consumer, policy }),
  };
}
