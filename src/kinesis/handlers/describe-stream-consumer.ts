/** DescribeStreamConsumer. */
import { streamArnOf } from "../caller.ts";
import { consumerView, findConsumer } from "../consumers.ts";
import { consumerArn, consumerName, streamArn } from "../members.ts";
import { operation } from "../operation.ts";
import { structure } from "../shapes.ts";

const input = structure({
  StreamARN: streamArn,
  ConsumerName: consumerName,
  ConsumerARN: consumerArn,
});

export const describeStreamConsumer = operation(input, (request, context) => {
  const found = findConsumer(context, request);
  const StreamARN = streamArnOf(context.caller, found.stream.name);
  return { ConsumerDescription: { ...consumerView(context, found), StreamARN } };
});
