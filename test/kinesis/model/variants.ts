/** Answers with members that an operation's first success does not have: by "Operation, what is special about it". */
import type { Input } from "./sdk-model.ts";
import type { Setup } from "./successes.ts";
import { arn, SHARD } from "./world.ts";

const HALF = (2n ** 127n).toString();
const RECORD = { PartitionKey: "k", Data: Buffer.from("x") };
const ON_DEMAND = { StreamModeDetails: { StreamMode: "ON_DEMAND" } };

export const VARIANTS: Readonly<Record<string, Setup>> = {
  "CreateStream, on demand with all its settings": async (w) => ({
    StreamName: w.newName(),
    ...ON_DEMAND,
    Tags: { team: "billing" },
    WarmThroughputMiBps: 10,
    MaxRecordSizeInKiB: 2048,
    RecordDistributionStrategy: "USER_PARTITION_KEY",
  }),
  "DescribeStream, by ARN while it is being deleted": async (w) => {
    const StreamName = await w.stream();
    await w.ok("DeleteStream", { StreamName });
    return { StreamARN: arn(StreamName) };
  },
  "DescribeStream, after a merge": async (w) => {
    const StreamName = await w.stream(2);
    const AdjacentShardToMerge = "shardId-000000000001";
    await w.done("MergeShards", { StreamName, ShardToMerge: SHARD, AdjacentShardToMerge });
    return { StreamName };
  },
  "DescribeStreamConsumer, by stream and name": async (w) => {
    const StreamARN = (await w.consumer()).split("/consumer/")[0];
    return { StreamARN, ConsumerName: "c" };
  },
  "DescribeStreamSummary, with warm throughput and metrics": async (w) => {
    const StreamName = await w.onDemand();
    await w.done("UpdateStreamWarmThroughput", { StreamName, WarmThroughputMiBps: 20 });
    await w.done("EnableEnhancedMonitoring", { StreamName, ShardLevelMetrics: ["ALL"] });
    return { StreamName };
  },
  "GetRecords, at the end of a split shard": async (w) => {
    const StreamName = await w.stream();
    await w.ok("PutRecord", { StreamName, ...RECORD });
    await w.done("SplitShard", { StreamName, ShardToSplit: SHARD, NewStartingHashKey: HALF });
    return { ShardIterator: await w.iterator(StreamName), StreamARN: arn(StreamName) };
  },
  "GetRecords, of nothing": async (w) => ({ ShardIterator: await w.iterator(await w.stream()) }),
  "GetResourcePolicy, of one that was put": async (w) => {
    const ResourceARN = arn(await w.stream());
    await w.ok("PutResourcePolicy", { ResourceARN, Policy: '{"Statement":[]}' });
    return { ResourceARN };
  },
  "GetShardIterator, after a sequence number": async (w) => {
    const StreamName = await w.stream();
    const { SequenceNumber } = await w.ok("PutRecord", { StreamName, ...RECORD });
    return {
      StreamARN: arn(StreamName),
      ShardId: SHARD,
      ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
      StartingSequenceNumber: SequenceNumber,
    };
  },
  "ListShards, the next page": async (w) => {
    const StreamName = await w.stream(3);
    const { NextToken } = await w.ok("ListShards", { StreamName, MaxResults: 1 });
    return { NextToken, MaxResults: 1 };
  },
  "ListStreamConsumers, the next page": async (w) => {
    const StreamARN = (await w.consumer()).split("/consumer/")[0];
    await w.done("RegisterStreamConsumer", { StreamARN, ConsumerName: "d" });
    const { NextToken } = await w.ok("ListStreamConsumers", { StreamARN, MaxResults: 1 });
    return { StreamARN, NextToken };
  },
  "ListStreams, the next page": async (w) => {
    await w.stream();
    await w.stream();
    const { NextToken } = await w.ok("ListStreams", { Limit: 1 });
    return { NextToken, Limit: 1 };
  },
  "PutRecord, behind another": async (w) => {
    const StreamName = await w.stream();
    const { SequenceNumber } = await w.ok("PutRecord", { StreamName, ...RECORD });
    return { StreamName, ...RECORD, SequenceNumberForOrdering: SequenceNumber };
  },
  "PutRecords, some of which are too many": async (w): Promise<Input> => {
    const Data = Buffer.alloc(600_000);
    const Records = [1, 2, 3].map(() => ({ PartitionKey: "k", Data }));
    return { StreamName: await w.stream(), Records };
  },
  "RegisterStreamConsumer, with tags": async (w) => ({
    StreamARN: arn(await w.stream()),
    ConsumerName: "c",
    Tags: { team: "billing" },
  }),
  "UpdateAccountSettings, on and off again": async (w) => {
    w.pass(10_000);
    const Status = "ENABLED";
    await w.done("UpdateAccountSettings", { MinimumThroughputBillingCommitment: { Status } });
    return { MinimumThroughputBillingCommitment: { Status: "DISABLED" } };
  },
};
