/** RegisterStreamConsumer. The reply says CREATING, as AWS's does; with no transition time it is ACTIVE right after. */
import {
  CONSUMERS_CREATING_MAX,
  CONSUMERS_MAX,
  consumerArnOf,
  consumerKey,
  consumersOf,
  saveConsumer,
} from "../consumers.ts";
import { KinesisError, resourceInUse } from "../errors.ts";
import { consumerName, streamArn, tagMap } from "../members.ts";
import { operation } from "../operation.ts";
import { required, structure } from "../shapes.ts";
import { findActive } from "../stream-view.ts";
import { withTags } from "../tags.ts";

const input = structure({
  StreamARN: required(streamArn),
  ConsumerName: required(consumerName),
  Tags: tagMap,
});

export const registerStreamConsumer = operation(input, (request, context) => {
  const { ConsumerName: name, Tags: tags = new Map<string, string>() } = request;
  const { caller, clock, transitions } = context;
  withTags(new Map(), tags, `consumer ${name} under account ${caller.accountId}`);
  const stream = findActive(context, request);
  const consumers = consumersOf(stream);
  if (consumers.some((other) => other.name === name)) {
    throw resourceInUse(
      `Consumer ${name} under stream ${request.StreamARN} already exists for account ${caller.accountId}.`,
    );
  }
  const creating = consumers.filter((other) => transitions.of(consumerKey(stream, other)) === "CREATING");
  if (consumers.length >= CONSUMERS_MAX || creating.length >= CONSUMERS_CREATING_MAX) {
    throw new KinesisError(
      "LimitExceededException",
      `Stream ${stream.name} under account ${caller.accountId} can have ${CONSUMERS_MAX} consumers, ` +
        `${CONSUMERS_CREATING_MAX} of them CREATING at a time.`,
    );
  }
  const consumer = { name, createdAtMs: clock.nowMs(), tags: Object.fromEntries(tags) };
  saveConsumer(context, stream, name, consumer);
  transitions.start(consumerKey(stream, consumer), "CREATING");
  return {
    Consumer: {
      ConsumerName: name,
      ConsumerARN: consumerArnOf(caller, stream, consumer),
      ConsumerStatus: "CREATING",
      ConsumerCreationTimestamp: context.format.timestamp(consumer.createdAtMs),
    },
  };
});
