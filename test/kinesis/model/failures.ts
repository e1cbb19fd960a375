/**
 * For each operation and each error that the model lists for it: how to come by an input that brings it about, or why
 * nobody can. The test demands that nothing is left over on either side.
 */
import { CALL_RATES } from "../../../src/kinesis/call-rates.ts";
import { type Input, modelledErrors, OPERATION_NAMES } from "./sdk-model.ts";
import { type Setup, SUCCESSES } from "./successes.ts";
import { arn, SHARD, type World } from "./world.ts";

type Failures = Record<string, Setup>;

const DATA = Buffer.from("x");
const KEY = (2n ** 127n).toString();
const RECORD = { PartitionKey: "k", Data: DATA };
const ON_DEMAND = { StreamMode: "ON_DEMAND" };
const ENCRYPTION = { EncryptionType: "KMS", KeyId: "alias/aws/kinesis" };
const SCALING = { ScalingType: "UNIFORM_SCALING" };

/** The success' input with other members. */
async function but(w: World, operation: string, other: Input): Promise<Input> {
  return { ...(await (SUCCESSES[operation] as Setup)(w)), ...other };
}
const withOther =
  (operation: string, other: Input): Setup =>
  (w) =>
    but(w, operation, other);
/** A name and an ARN of two streams. */
const twoStreams =
  (operation: string, more: Input = {}): Setup =>
  (w) =>
    but(w, operation, { StreamARN: arn("another"), ...more });
const updating =
  (more: Input, shards = 1): Setup =>
  async (w) => ({ StreamName: await w.updating(shards), ...more });
const updatingArn =
  (more: Input): Setup =>
  async (w) => ({ StreamARN: arn(await w.updating()), ...more });
const stream =
  (more: Input, shards = 1): Setup =>
  async (w) => ({ StreamName: await w.stream(shards), ...more });
const onDemand =
  (more: Input, shards = 1): Setup =>
  async (w) => ({ StreamName: await w.onDemand(shards), ...more });
const creating =
  (more: Input): Setup =>
  async (w) => ({ StreamName: await w.creating(), ...more });
const creatingResource =
  (more: Input = {}): Setup =>
  async (w) => ({ ResourceARN: arn(await w.creating()), ...more });
/** A next token, five minutes and a second old. */
const oldToken =
  (operation: string, kept: (input: Input) => Input = () => ({})): Setup =>
  async (w) => {
    const input = await (SUCCESSES[operation] as Setup)(w);
    if (operation === "ListShards") input["MaxResults"] = 1;
    if (operation === "ListStreamConsumers") {
      await w.done("RegisterStreamConsumer", { StreamARN: input["StreamARN"], ConsumerName: "d" });
    }
    const { NextToken } = await w.ok(operation, input);
    w.pass(301_000);
    return { NextToken, ...kept(input) };
  };
const dryRun = (operation: string) => withOther(operation, { DryRun: true });
const exhausted =
  (operation: string, other: Input = {}): Setup =>
  async (w) =>
    w.exhaust(operation, await but(w, operation, other));

/** The same input from somebody who may do nothing. */
const denied =
  (success: Setup): Setup =>
  async (w) => {
    const input = await success(w);
    w.denying = true;
    return input;
  };

const merge = { ShardToMerge: SHARD, AdjacentShardToMerge: "shardId-000000000001" };
const split = { ShardToSplit: SHARD, NewStartingHashKey: KEY };
const badTags = { Tags: { "a*": "" } };
const badKeys = { TagKeys: ["a*"] };
const badKey = "340282366920938463463374607431768211456";

const OWN: Readonly<Record<string, Failures>> = {
  AddTagsToStream: {
    InvalidArgumentException: withOther("AddTagsToStream", badTags),
    ResourceInUseException: creating({ Tags: { a: "b" } }),
  },
  CreateStream: {
    InvalidArgumentException: withOther("CreateStream", badTags),
    ResourceInUseException: async (w) => ({ StreamName: await w.stream(), ShardCount: 1 }),
    ValidationException: withOther("CreateStream", { StreamName: "a/b" }),
  },
  DecreaseStreamRetentionPeriod: {
    InvalidArgumentException: stream({ RetentionPeriodHours: 1 }),
    ResourceInUseException: updating({ RetentionPeriodHours: 24 }),
  },
  DeleteResourcePolicy: { ResourceInUseException: creatingResource() },
  DeleteStream: {
    InvalidArgumentException: twoStreams("DeleteStream"),
    ResourceInUseException: async (w) => {
      const StreamName = await w.stream();
      await w.ok("DeleteStream", { StreamName });
      return { StreamName };
    },
  },
  DeregisterStreamConsumer: { InvalidArgumentException: async () => ({ ConsumerName: "c" }) },
  DescribeStream: { InvalidArgumentException: withOther("DescribeStream", { ExclusiveStartShardId: "x" }) },
  DescribeStreamConsumer: { InvalidArgumentException: async () => ({ ConsumerName: "c" }) },
  DescribeStreamSummary: { InvalidArgumentException: twoStreams("DescribeStreamSummary") },
  DisableEnhancedMonitoring: {
    InvalidArgumentException: twoStreams("DisableEnhancedMonitoring"),
    ResourceInUseException: updating({ ShardLevelMetrics: ["ALL"] }),
  },
  EnableEnhancedMonitoring: {
    InvalidArgumentException: twoStreams("EnableEnhancedMonitoring"),
    ResourceInUseException: updating({ ShardLevelMetrics: ["ALL"] }),
  },
  GetRecords: {
    DryRunOperationException: dryRun("GetRecords"),
    ExpiredIteratorException: async (w) => {
      const ShardIterator = await w.iterator(await w.stream());
      w.pass(300_001);
      return { ShardIterator };
    },
    InvalidArgumentException: async () => ({ ShardIterator: "AAAA" }),
    ProvisionedThroughputExceededException: exhausted("GetRecords"),
    ResourceNotFoundException: async (w) => {
      const StreamName = await w.stream();
      const ShardIterator = await w.iterator(StreamName);
      await w.done("DeleteStream", { StreamName });
      return { ShardIterator };
    },
  },
  GetResourcePolicy: { ResourceInUseException: creatingResource() },
  GetShardIterator: {
    DryRunOperationException: dryRun("GetShardIterator"),
    InvalidArgumentException: stream({ ShardId: SHARD, ShardIteratorType: "AT_SEQUENCE_NUMBER" }),
    ProvisionedThroughputExceededException: exhausted("GetShardIterator"),
  },
  IncreaseStreamRetentionPeriod: {
    InvalidArgumentException: stream({ RetentionPeriodHours: 9000 }),
    ResourceInUseException: updating({ RetentionPeriodHours: 72 }),
  },
  ListShards: {
    ExpiredNextTokenException: oldToken("ListShards"),
    InvalidArgumentException: async () => ({ MaxResults: 1 }),
    ResourceInUseException: creating({}),
  },
  ListStreamConsumers: {
    ExpiredNextTokenException: oldToken("ListStreamConsumers", ({ StreamARN }) => ({ StreamARN })),
    InvalidArgumentException: withOther("ListStreamConsumers", { NextToken: "AAAA" }),
    ResourceInUseException: async (w) => ({ StreamARN: arn(await w.creating()) }),
  },
  ListStreams: {
    ExpiredNextTokenException: oldToken("ListStreams"),
    InvalidArgumentException: withOther("ListStreams", { NextToken: "AAAA" }),
  },
  ListTagsForResource: { ResourceInUseException: creatingResource() },
  ListTagsForStream: { InvalidArgumentException: twoStreams("ListTagsForStream") },
  MergeShards: {
    InvalidArgumentException: stream({ ...merge, AdjacentShardToMerge: "shardId-000000000002" }, 3),
    ResourceInUseException: updating(merge, 2),
    ValidationException: onDemand(merge, 2),
  },
  PutRecord: {
    DryRunOperationException: dryRun("PutRecord"),
    InvalidArgumentException: withOther("PutRecord", { ExplicitHashKey: badKey }),
    ProvisionedThroughputExceededException: exhausted("PutRecord", { Data: Buffer.alloc(300_000) }),
  },
  PutRecords: {
    DryRunOperationException: dryRun("PutRecords"),
    InvalidArgumentException: withOther("PutRecords", { Records: [{ ...RECORD, ExplicitHashKey: badKey }] }),
  },
  PutResourcePolicy: {
    InvalidArgumentException: withOther("PutResourcePolicy", { Policy: "none" }),
    ResourceInUseException: creatingResource({ Policy: "{}" }),
  },
  RegisterStreamConsumer: {
    InvalidArgumentException: withOther("RegisterStreamConsumer", badTags),
    ResourceInUseException: async (w) => {
      const StreamARN = (await w.consumer()).split("/consumer/")[0];
      return { StreamARN, ConsumerName: "c" };
    },
  },
  RemoveTagsFromStream: {
    InvalidArgumentException: withOther("RemoveTagsFromStream", badKeys),
    ResourceInUseException: creating({ TagKeys: ["a"] }),
  },
  SplitShard: {
    InvalidArgumentException: withOther("SplitShard", { NewStartingHashKey: "0" }),
    ResourceInUseException: updating(split),
    ValidationException: onDemand(split),
  },
  StartStreamEncryption: {
    InvalidArgumentException: stream(ENCRYPTION),
    KMSNotFoundException: stream({ ...ENCRYPTION, KeyId: "12345678-1234-1234-1234-123456789012" }),
    ResourceInUseException: updating(ENCRYPTION),
    ResourceNotFoundException: async () => ({ StreamName: "missing", ...ENCRYPTION }),
    LimitExceededException: async (w) =>
      w.exhaust("StartStreamEncryption", { StreamName: await w.stream(), ...ENCRYPTION }),
  },
  StopStreamEncryption: {
    InvalidArgumentException: stream(ENCRYPTION),
    ResourceInUseException: updating(ENCRYPTION),
    ResourceNotFoundException: async () => ({ StreamName: "missing", ...ENCRYPTION }),
    LimitExceededException: async (w) =>
      w.exhaust("StopStreamEncryption", { StreamName: await w.stream(), ...ENCRYPTION }),
  },
  SubscribeToShard: {
    DryRunOperationException: dryRun("SubscribeToShard"),
    InvalidArgumentException: withOther("SubscribeToShard", { StartingPosition: { Type: "AT_TIMESTAMP" } }),
    LimitExceededException: exhausted("SubscribeToShard", { DryRun: true }),
    ResourceInUseException: async (w) => ({
      ConsumerARN: await w.creatingConsumer(),
      ShardId: SHARD,
      StartingPosition: { Type: "LATEST" },
    }),
    ResourceNotFoundException: withOther("SubscribeToShard", { ShardId: "shardId-000000000009" }),
  },
  TagResource: {
    InvalidArgumentException: withOther("TagResource", badTags),
    ResourceInUseException: creatingResource({ Tags: { a: "b" } }),
  },
  UntagResource: {
    InvalidArgumentException: withOther("UntagResource", badKeys),
    ResourceInUseException: creatingResource({ TagKeys: ["a"] }),
  },
  UpdateAccountSettings: {
    ValidationException: async () => ({ MinimumThroughputBillingCommitment: { Status: "MAYBE" } }),
  },
  UpdateMaxRecordSize: {
    InvalidArgumentException: async () => ({ MaxRecordSizeInKiB: 2048 }),
    ResourceInUseException: updatingArn({ MaxRecordSizeInKiB: 2048 }),
    ValidationException: withOther("UpdateMaxRecordSize", { MaxRecordSizeInKiB: 99_999 }),
  },
  UpdateShardCount: {
    InvalidArgumentException: withOther("UpdateShardCount", { TargetShardCount: 4 }),
    ResourceInUseException: updating({ TargetShardCount: 2, ...SCALING }),
    ValidationException: onDemand({ TargetShardCount: 2, ...SCALING }),
  },
  UpdateStreamMode: {
    ResourceInUseException: updatingArn({ StreamModeDetails: ON_DEMAND }),
    ValidationException: withOther("UpdateStreamMode", { StreamModeDetails: { StreamMode: "X" } }),
  },
  UpdateStreamRecordDistributionStrategy: {
    ResourceInUseException: updatingArn({ RecordDistributionStrategy: "USER_PARTITION_KEY" }),
    InvalidArgumentException: async (w) => ({
      StreamARN: arn(await w.stream()),
      RecordDistributionStrategy: "AUTO",
    }),
    ValidationException: withOther("UpdateStreamRecordDistributionStrategy", {
      RecordDistributionStrategy: "MANUAL",
    }),
  },
  UpdateStreamWarmThroughput: {
    InvalidArgumentException: twoStreams("UpdateStreamWarmThroughput"),
    ResourceInUseException: updating({ WarmThroughputMiBps: 10 }),
    ValidationException: stream({ WarmThroughputMiBps: 10 }),
  },
};

const CHANNEL = {
  ChannelName: "c",
  ServiceExecutionRoleARN: "arn:aws:iam::000000000000:role/r",
  StreamConfigurationList: [{ StreamARN: arn("s"), RecordConfiguration: { RecordFormatType: "JSON" } }],
};
const CHANNELS: Readonly<Record<string, Input>> = {
  CreateChannel: CHANNEL,
  DeleteChannel: { ChannelARN: "arn:aws:kinesis:us-east-1:000000000000:channel/c" },
  DescribeChannel: { ChannelARN: "arn:aws:kinesis:us-east-1:000000000000:channel/c" },
  ListChannels: {},
  UpdateChannel: { ChannelARN: "arn:aws:kinesis:us-east-1:000000000000:channel/c" },
};

/** How to bring an error about, by operation and error. */
export const FAILURES: ReadonlyMap<string, Failures> = new Map(
  OPERATION_NAMES.map((operation) => [operation, failuresOf(operation)]),
);

function failuresOf(operation: string): Failures {
  const channel = CHANNELS[operation];
  const success = channel ? async () => channel : (SUCCESSES[operation] ?? stream(ENCRYPTION));
  const failures: Failures = {};
  if (modelledErrors(operation).includes("AccessDeniedException"))
    failures["AccessDeniedException"] = denied(success);
  if (channel !== undefined) {
    const LimitExceededException: Setup = (w) => w.exhaust(operation, channel);
    return { ...failures, LimitExceededException, ValidationException: success };
  }
  if (operation in CALL_RATES && operation in SUCCESSES)
    failures["LimitExceededException"] = exhausted(operation);
  const missing = missingStream(operation);
  if (missing !== undefined) failures["ResourceNotFoundException"] = missing;
  return { ...failures, ...OWN[operation] };
}

/** The success' input, of a stream that does not exist. */
function missingStream(operation: string): Setup | undefined {
  const success = SUCCESSES[operation];
  if (
    success === undefined ||
    /^(CreateStream|Describe(AccountSettings|Limits)|ListStreams|UpdateAcc)/.test(operation)
  )
    return undefined;
  return async (w) => {
    const input = await success(w);
    if ("ConsumerARN" in input) input["ConsumerARN"] = `${arn("missing")}/consumer/c:1`;
    else if ("ResourceARN" in input) input["ResourceARN"] = arn("missing");
    else if ("StreamARN" in input) input["StreamARN"] = arn("missing");
    else input["StreamName"] = "missing";
    return input;
  };
}

const NO_CHANNELS = "voik offers no channels: every call on them is a ValidationException";
const ONLY_ARN =
  "its only input is an ARN: a malformed one is a ValidationException, a strange one is not found";
const OWN_NAME = "arrives as AWS's common error InternalFailure, HTTP 500 (protocol.test.ts)";

/** Why an error can't be brought about: by "Operation/Error", by operation, or by error. */
export const IMPOSSIBLE: Readonly<Record<string, string>> = {
  KMSAccessDeniedException: "no stream is encrypted (decision 0112)",
  KMSDisabledException: "no stream is encrypted (decision 0112)",
  KMSInvalidStateException: "no stream is encrypted (decision 0112)",
  KMSNotFoundException: "no stream is encrypted (decision 0112)",
  KMSOptInRequired: "no stream is encrypted (decision 0112)",
  KMSThrottlingException: "no stream is encrypted (decision 0112)",
  InternalFailureException: OWN_NAME,
  CreateChannel: NO_CHANNELS,
  DeleteChannel: NO_CHANNELS,
  DescribeChannel: NO_CHANNELS,
  ListChannels: NO_CHANNELS,
  UpdateChannel: NO_CHANNELS,
  "DeleteResourcePolicy/InvalidArgumentException": ONLY_ARN,
  "GetResourcePolicy/InvalidArgumentException": ONLY_ARN,
  "ListTagsForResource/InvalidArgumentException": ONLY_ARN,
  "PutRecords/ProvisionedThroughputExceededException": "stands with each record, HTTP 200 (throttle.test.ts)",
  "UpdateAccountSettings/InvalidArgumentException": "what is wrong with its input is a ValidationException",
  "UpdateStreamMode/InvalidArgumentException": "what is wrong with its input is a ValidationException",
};
