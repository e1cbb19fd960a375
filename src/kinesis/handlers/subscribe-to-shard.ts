/** SubscribeToShard: the records of a shard as they become durable, pushed for five minutes (subscription.ts). */
import { consumerKey, findConsumer } from "../consumers.ts";
import { endDryRun, resourceInUse } from "../errors.ts";
import { EventStream } from "../event-stream.ts";
import { consumerArn, sequenceNumberText, shardId } from "../members.ts";
import { operation } from "../operation.ts";
import { boolean, oneOf, required, structure, timestamp } from "../shapes.ts";
import { startOffset } from "../start-position.ts";
import { shardIdOf } from "../shard-view.ts";
import { findShard } from "../stream-view.ts";

const input = structure({
  ConsumerARN: required(consumerArn),
  ShardId: required(shardId),
  StartingPosition: required(
    structure({
      Type: required(
        oneOf("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"),
      ),
      SequenceNumber: sequenceNumberText,
      Timestamp: timestamp(),
    }),
  ),
  DryRun: boolean(),
});

export const subscribeToShard = operation(input, (request, context) => {
  const { stream, consumer } = findConsumer(context, request);
  const { accountId } = context.caller;
  const key = consumerKey(stream, consumer);
  if (context.transitions.of(key) !== undefined) {
    const created = Math.floor(consumer.createdAtMs / 1000);
    throw resourceInUse(
      `Consumer ${consumer.name} with creation timestamp ${created} under stream: ${stream.name} , ` +
        `account ${accountId} is not in ACTIVE status.`,
    );
  }
  const shard = findShard(context, { StreamName: stream.name }, request.ShardId);
  context.throttle?.takeSubscription(key, shard, context.caller);
  const { Type, SequenceNumber, Timestamp } = request.StartingPosition;
  const position = { type: Type, sequenceNumber: SequenceNumber, timestampMs: Timestamp };
  const offset = startOffset(position, shard, context, "SubscribeToShard");
  const shown = `${accountId}:${stream.name}:${shardIdOf(shard.index)}:${consumer.name}`;
  context.subscriptions.check(key, shard, shown);
  endDryRun(request.DryRun);
  const rate = context.throttle?.subscriptionRate();
  const subscription = context.subscriptions.open(key, shard, offset, shown, rate);
  context.hungUp.addEventListener("abort", () => subscription.end());
  return new EventStream(subscription.frames());
});
