/** DeregisterStreamConsumer. The consumer is gone when the reply comes, and its subscriptions end. */
import { consumerKey, findConsumer, saveConsumer } from "../consumers.ts";
import { consumerArn, consumerName, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";

const input = structure({
  StreamARN: streamArn,
  ConsumerName: consumerName,
  ConsumerARN: consumerArn,
});

export const deregisterStreamConsumer = operation(input, (request, context) => {
  const { stream, consumer } = findConsumer(context, request);
  saveConsumer(context, stream, consumer.name, undefined);
  context.subscriptions.endOf(consumerKey(stream, consumer));
  return undefined;
});
