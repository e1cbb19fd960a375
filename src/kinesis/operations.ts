/**
 * THE table: every operation that this edge offers, by the name in X-Amz-Target. One line and one file in handlers/
 * each; anything else is an UnknownOperationException.
 */
import { addTagsToStream } from "./handlers/add-tags-to-stream.ts";
import { createChannel } from "./handlers/create-channel.ts";
import { createStream } from "./handlers/create-stream.ts";
import { decreaseStreamRetentionPeriod } from "./handlers/decrease-stream-retention-period.ts";
import { deleteChannel } from "./handlers/delete-channel.ts";
import { deleteResourcePolicy } from "./handlers/delete-resource-policy.ts";
import { deleteStream } from "./handlers/delete-stream.ts";
import { deregisterStreamConsumer } from "./handlers/deregister-stream-consumer.ts";
import { describeAccountSettings } from "./handlers/describe-account-settings.ts";
import { describeChannel } from "./handlers/describe-channel.ts";
import { describeLimits } from "./handlers/describe-limits.ts";
import { describeStream } from "./handlers/describe-stream.ts";
import { describeStreamConsumer } from "./handlers/describe-stream-consumer.ts";
import { describeStreamSummary } from "./handlers/describe-stream-summary.ts";
import { disableEnhancedMonitoring } from "./handlers/disable-enhanced-monitoring.ts";
import { enableEnhancedMonitoring } from "./handlers/enable-enhanced-monitoring.ts";
import { getRecords } from "./handlers/get-records.ts";
import { getResourcePolicy } from "./handlers/get-resource-policy.ts";
import { getShardIterator } from "./handlers/get-shard-iterator.ts";
import { increaseStreamRetentionPeriod } from "./handlers/increase-stream-retention-period.ts";
import { listChannels } from "./handlers/list-channels.ts";
import { listShards } from "./handlers/list-shards.ts";
import { listStreamConsumers } from "./handlers/list-stream-consumers.ts";
import { listStreams } from "./handlers/list-streams.ts";
import { listTagsForResource } from "./handlers/list-tags-for-resource.ts";
import { listTagsForStream } from "./handlers/list-tags-for-stream.ts";
import { mergeShards } from "./handlers/merge-shards.ts";
import { putRecord } from "./handlers/put-record.ts";
import { putRecords } from "./handlers/put-records.ts";
import { putResourcePolicy } from "./handlers/put-resource-policy.ts";
import { registerStreamConsumer } from "./handlers/register-stream-consumer.ts";
import { removeTagsFromStream } from "./handlers/remove-tags-from-stream.ts";
import { splitShard } from "./handlers/split-shard.ts";
import { startStreamEncryption } from "./handlers/start-stream-encryption.ts";
import { stopStreamEncryption } from "./handlers/stop-stream-encryption.ts";
import { subscribeToShard } from "./handlers/subscribe-to-shard.ts";
import { tagResource } from "./handlers/tag-resource.ts";
import { untagResource } from "./handlers/untag-resource.ts";
import { updateAccountSettings } from "./handlers/update-account-settings.ts";
import { updateChannel } from "./handlers/update-channel.ts";
import { updateMaxRecordSize } from "./handlers/update-max-record-size.ts";
import { updateShardCount } from "./handlers/update-shard-count.ts";
import { updateStreamMode } from "./handlers/update-stream-mode.ts";
import { updateStreamRecordDistributionStrategy } from "./handlers/update-stream-record-distribution-strategy.ts";
import { updateStreamWarmThroughput } from "./handlers/update-stream-warm-throughput.ts";
import type { Operation } from "./operation.ts";

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  AddTagsToStream: addTagsToStream,
  CreateChannel: createChannel,
  CreateStream: createStream,
  DecreaseStreamRetentionPeriod: decreaseStreamRetentionPeriod,
  DeleteChannel: deleteChannel,
  DeleteResourcePolicy: deleteResourcePolicy,
  DeleteStream: deleteStream,
  DeregisterStreamConsumer: deregisterStreamConsumer,
  DescribeAccountSettings: describeAccountSettings,
  DescribeChannel: describeChannel,
  DescribeLimits: describeLimits,
  DescribeStream: describeStream,
  DescribeStreamConsumer: describeStreamConsumer,
  DescribeStreamSummary: describeStreamSummary,
  DisableEnhancedMonitoring: disableEnhancedMonitoring,
  EnableEnhancedMonitoring: enableEnhancedMonitoring,
  GetRecords: getRecords,
  GetResourcePolicy: getResourcePolicy,
  GetShardIterator: getShardIterator,
  IncreaseStreamRetentionPeriod: increaseStreamRetentionPeriod,
  ListChannels: listChannels,
  ListShards: listShards,
  ListStreamConsumers: listStreamConsumers,
  ListStreams: listStreams,
  ListTagsForResource: listTagsForResource,
  ListTagsForStream: listTagsForStream,
  MergeShards: mergeShards,
  PutRecord: putRecord,
  PutRecords: putRecords,
  PutResourcePolicy: putResourcePolicy,
  RegisterStreamConsumer: registerStreamConsumer,
  RemoveTagsFromStream: removeTagsFromStream,
  SplitShard: splitShard,
  StartStreamEncryption: startStreamEncryption,
  StopStreamEncryption: stopStreamEncryption,
  SubscribeToShard: subscribeToShard,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateAccountSettings: updateAccountSettings,
  UpdateChannel: updateChannel,
  UpdateMaxRecordSize: updateMaxRecordSize,
  UpdateShardCount: updateShardCount,
  UpdateStreamMode: updateStreamMode,
  UpdateStreamRecordDistributionStrategy: updateStreamRecordDistributionStrategy,
  UpdateStreamWarmThroughput: updateStreamWarmThroughput,
};
