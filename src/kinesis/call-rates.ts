/**
 * How often AWS lets operations be called: of one account, or of one stream
 * (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html). Operations on records have rates of
 * their shards instead (throttle.ts); those that AWS's page does not list have the 5 a second that most have.
 */

export interface CallRate {
  readonly perSecond: number;
  readonly of: "account" | "stream";
}

const ACCOUNT_5: CallRate = { perSecond: 5, of: "account" };
const STREAM_5: CallRate = { perSecond: 5, of: "stream" };

export const CALL_RATES: Readonly<Record<string, CallRate>> = {
  AddTagsToStream: STREAM_5,
  CreateChannel: ACCOUNT_5,
  CreateStream: ACCOUNT_5,
  DecreaseStreamRetentionPeriod: STREAM_5,
  DeleteChannel: ACCOUNT_5,
  DeleteResourcePolicy: STREAM_5,
  DeleteStream: ACCOUNT_5,
  DeregisterStreamConsumer: STREAM_5,
  DescribeAccountSettings: ACCOUNT_5,
  DescribeChannel: ACCOUNT_5,
  DescribeLimits: { perSecond: 1, of: "account" },
  DescribeStream: { perSecond: 10, of: "account" },
  DescribeStreamConsumer: { perSecond: 20, of: "stream" },
  DescribeStreamSummary: { perSecond: 20, of: "account" },
  DisableEnhancedMonitoring: STREAM_5,
  EnableEnhancedMonitoring: STREAM_5,
  GetResourcePolicy: STREAM_5,
  IncreaseStreamRetentionPeriod: STREAM_5,
  ListChannels: ACCOUNT_5,
  ListShards: { perSecond: 1000, of: "stream" },
  ListStreamConsumers: STREAM_5,
  ListStreams: ACCOUNT_5,
  ListTagsForResource: STREAM_5,
  ListTagsForStream: STREAM_5,
  MergeShards: STREAM_5,
  PutResourcePolicy: STREAM_5,
  RegisterStreamConsumer: STREAM_5,
  RemoveTagsFromStream: STREAM_5,
  SplitShard: STREAM_5,
  StartStreamEncryption: STREAM_5,
  StopStreamEncryption: STREAM_5,
  TagResource: STREAM_5,
  UntagResource: STREAM_5,
  UpdateAccountSettings: ACCOUNT_5,
  UpdateChannel: ACCOUNT_5,
  UpdateMaxRecordSize: STREAM_5,
  UpdateShardCount: STREAM_5,
  UpdateStreamMode: STREAM_5,
  UpdateStreamRecordDistributionStrategy: STREAM_5,
  UpdateStreamWarmThroughput: STREAM_5,
};

/** How often a change may be made to one stream in a day. */
export const CHANGES_PER_DAY = { UpdateShardCount: 10, UpdateStreamMode: 2 } as const;
export type DailyChange = keyof typeof CHANGES_PER_DAY;
