/** For each operation that can succeed: how to come by an input with which it does. */
import type { Input } from "./sdk-model.ts";
import { arn, SHARD, type World } from "./world.ts";

export type Setup = (world: World) => Promise<Input>;

const DATA = Buffer.from([0, 255, 128]);
const TAGS = { team: "billing" };

const onStream =
  (more: Input = {}): Setup =>
  async (w) => ({ StreamName: await w.stream(), ...more });
const onStreamArn =
  (more: Input = {}): Setup =>
  async (w) => ({ StreamARN: arn(await w.stream()), ...more });
const onResource =
  (more: Input = {}): Setup =>
  async (w) => ({ ResourceARN: arn(await w.stream()), ...more });
const onConsumer: Setup = async (w) => ({ ConsumerARN: await w.consumer() });
const nothing: Setup = async (w) => {
  w.pass(10_000);
  return {};
};

export const SUCCESSES: Readonly<Record<string, Setup>> = {
  AddTagsToStream: onStream({ Tags: TAGS }),
  CreateStream: async (w) => {
    w.pass(10_000);
    return { StreamName: w.newName(), ShardCount: 2 };
  },
  DecreaseStreamRetentionPeriod: async (w) => {
    const StreamName = await w.stream();
    await w.done("IncreaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 48 });
    return { StreamName, RetentionPeriodHours: 24 };
  },
  DeleteResourcePolicy: onResource(),
  DeleteStream: onStream({ EnforceConsumerDeletion: true }),
  DeregisterStreamConsumer: onConsumer,
  DescribeAccountSettings: nothing,
  DescribeLimits: nothing,
  DescribeStream: async (w) => ({ StreamName: await w.stream(3), Limit: 2, ExclusiveStartShardId: SHARD }),
  DescribeStreamConsumer: onConsumer,
  DescribeStreamSummary: async (w) => ({ StreamName: await w.onDemand() }),
  DisableEnhancedMonitoring: onStream({ ShardLevelMetrics: ["ALL"] }),
  EnableEnhancedMonitoring: onStream({ ShardLevelMetrics: ["IncomingBytes", "OutgoingRecords"] }),
  GetRecords: async (w) => {
    const StreamName = await w.stream();
    await w.ok("PutRecord", { StreamName, PartitionKey: "k", Data: DATA });
    return { ShardIterator: await w.iterator(StreamName), Limit: 10 };
  },
  GetResourcePolicy: onResource(),
  GetShardIterator: async (w) => ({
    StreamName: await w.stream(),
    ShardId: SHARD,
    ShardIteratorType: "AT_TIMESTAMP",
    Timestamp: new Date(w.clock.nowMs() - 60_000),
  }),
  IncreaseStreamRetentionPeriod: onStream({ RetentionPeriodHours: 48 }),
  ListShards: async (w) => {
    const StreamName = await w.stream(2);
    await w.done("SplitShard", {
      StreamName,
      ShardToSplit: SHARD,
      NewStartingHashKey: (2n ** 126n).toString(),
    });
    return { StreamName, MaxResults: 3, ShardFilter: { Type: "FROM_TRIM_HORIZON" } };
  },
  ListStreamConsumers: async (w) => {
    const StreamARN = (await w.consumer()).split("/consumer/")[0];
    return { StreamARN, MaxResults: 1 };
  },
  ListStreams: async (w) => {
    await w.stream();
    await w.stream();
    return { Limit: 1 };
  },
  ListTagsForResource: async (w) => {
    const StreamName = await w.stream();
    await w.ok("AddTagsToStream", { StreamName, Tags: TAGS });
    return { ResourceARN: arn(StreamName) };
  },
  ListTagsForStream: async (w) => {
    const StreamName = await w.stream();
    await w.ok("AddTagsToStream", { StreamName, Tags: TAGS });
    return { StreamName, Limit: 10 };
  },
  MergeShards: async (w) => ({
    StreamName: await w.stream(2),
    ShardToMerge: SHARD,
    AdjacentShardToMerge: "shardId-000000000001",
  }),
  PutRecord: onStream({ PartitionKey: "k", Data: DATA, ExplicitHashKey: "0" }),
  PutRecords: onStream({ Records: [{ PartitionKey: "k", Data: DATA }] }),
  PutResourcePolicy: onResource({ Policy: '{"Version":"2012-10-17","Statement":[]}' }),
  RegisterStreamConsumer: onStreamArn({ ConsumerName: "c" }),
  RemoveTagsFromStream: onStream({ TagKeys: ["team"] }),
  SplitShard: onStream({ ShardToSplit: SHARD, NewStartingHashKey: (2n ** 127n).toString() }),
  SubscribeToShard: async (w) => {
    const ConsumerARN = await w.consumer();
    const StreamName = /stream\/([^/]+)/.exec(ConsumerARN)?.[1];
    await w.ok("PutRecord", { StreamName, PartitionKey: "k", Data: DATA });
    return { ConsumerARN, ShardId: SHARD, StartingPosition: { Type: "TRIM_HORIZON" } };
  },
  TagResource: async (w) => ({ ResourceARN: await w.consumer(), Tags: TAGS }),
  UntagResource: onResource({ TagKeys: ["team"] }),
  UpdateAccountSettings: async (w) => {
    w.pass(10_000);
    return { MinimumThroughputBillingCommitment: { Status: "ENABLED" } };
  },
  UpdateMaxRecordSize: onStreamArn({ MaxRecordSizeInKiB: 2048 }),
  UpdateShardCount: onStream({ TargetShardCount: 2, ScalingType: "UNIFORM_SCALING" }),
  UpdateStreamMode: onStreamArn({ StreamModeDetails: { StreamMode: "ON_DEMAND" } }),
  UpdateStreamRecordDistributionStrategy: async (w) => ({
    StreamARN: arn(await w.onDemand()),
    RecordDistributionStrategy: "USER_PARTITION_KEY",
  }),
  UpdateStreamWarmThroughput: async (w) => ({ StreamName: await w.onDemand(), WarmThroughputMiBps: 20 }),
};
