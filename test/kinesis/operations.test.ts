/** Operations that set and show things: retention, tags, policies, consumers, monitoring, sizes, account settings. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as k from "@aws-sdk/client-kinesis";
import type { Stream } from "../../src/streams/broker.ts";
import { memoryLogOf } from "../helpers/memory-broker.ts";
import { VoikError } from "../../src/base/errors.ts";
import { ACCOUNT, type SdkHarness, startSdkHarness } from "./sdk-harness.ts";

let sdk: SdkHarness;
let send: k.KinesisClient["send"];
let counter = 0;

beforeAll(async () => {
  sdk = await startSdkHarness();
  send = sdk.client.send.bind(sdk.client);
});
afterAll(() => sdk.close());

/** A new stream of one shard. */
async function newStream(more: Partial<k.CreateStreamCommandInput> = {}): Promise<string> {
  const StreamName = `stream-${counter++}`;
  await send(new k.CreateStreamCommand({ StreamName, ShardCount: 1, ...more }));
  return StreamName;
}

const summaryOf = async (StreamName: string) =>
  (await send(new k.DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary;

describe("retention", () => {
  test("goes up and down, holds for the logs at once, and only in the direction asked for", async () => {
    const StreamName = await newStream();
    const up = (RetentionPeriodHours: number) =>
      send(new k.IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    const down = (RetentionPeriodHours: number) =>
      send(new k.DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    await up(48);
    expect((await summaryOf(StreamName))?.RetentionPeriodHours).toBe(48);
    const stream = sdk.harness.memory.broker.streamByName(StreamName) as Stream;
    const log = memoryLogOf(stream.shards[0] as never);
    expect(log.overrides.retentionMs).toBe(48 * 3_600_000);
    expect(await sdk.errorOf(up(36))).toBe(
      `InvalidArgumentException: Requested retention period (36 hours) for stream ${StreamName} can not be shorter ` +
        "than existing retention period (48 hours). Use DecreaseRetentionPeriod API.",
    );
    await down(30);
    expect(log.overrides.retentionMs).toBe(30 * 3_600_000);
    expect(await sdk.errorOf(down(31))).toContain("can not be longer than existing");
    expect(await sdk.errorOf(down(23))).toBe(
      "InvalidArgumentException: Minimum allowed retention period is 24 hours. " +
        "Requested retention period (23 hours) is too short.",
    );
    expect(await sdk.errorOf(up(8761))).toContain("Maximum allowed retention period is 8760 hours.");
  });
});

describe("tags", () => {
  test("both families see the same tags of a stream", async () => {
    const StreamName = await newStream({ Tags: { born: "with" } });
    const ResourceARN = sdk.arn(StreamName);
    await send(new k.AddTagsToStreamCommand({ StreamName, Tags: { b: "2", a: "1" } }));
    await send(new k.TagResourceCommand({ ResourceARN, Tags: { c: "", b: "two" } }));
    const all = { a: "1", b: "two", born: "with", c: "" };
    const listed = await send(new k.ListTagsForStreamCommand({ StreamName }));
    expect(listed.HasMoreTags).toBe(false);
    expect(listed.Tags?.map((tag) => [tag.Key, tag.Value])).toEqual(Object.entries(all));
    const page = await send(
      new k.ListTagsForStreamCommand({ StreamName, Limit: 2, ExclusiveStartTagKey: "a" }),
    );
    expect([page.Tags?.map((tag) => tag.Key), page.HasMoreTags]).toEqual([["b", "born"], true]);
    await send(new k.RemoveTagsFromStreamCommand({ StreamName, TagKeys: ["a", "missing"] }));
    await send(new k.UntagResourceCommand({ ResourceARN, TagKeys: ["born"] }));
    const left = await send(new k.ListTagsForResourceCommand({ ResourceARN }));
    expect(left.Tags?.map((tag) => tag.Key)).toEqual(["b", "c"]);
  });

  test("a fifty-first tag and strange characters are refused", async () => {
    const StreamName = await newStream();
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "v"]));
    await send(new k.AddTagsToStreamCommand({ StreamName, Tags: fifty }));
    const add = (Tags: Record<string, string>) => send(new k.AddTagsToStreamCommand({ StreamName, Tags }));
    expect(await sdk.errorOf(add({ more: "v" }))).toContain("cannot have more than 50 tags");
    expect(await sdk.errorOf(add({ "a&b": "v" }))).toContain("Some tags contain invalid characters.");
    await add({ k1: "ключ é 1_.:/=+-@" });
    const why =
      "some tags contained illegal characters. The allowed characters are Unicode letters, white-spaces, " +
      "'_',',','/','=','+','-','@'.";
    const named = `stream ${StreamName} under account ${ACCOUNT}`;
    for (const tags of [{ "a%": "v" }, { a: "%" }] as Record<string, string>[]) {
      expect(await sdk.errorOf(add(tags))).toBe(
        `InvalidArgumentException: Failed to add tags to ${named} because ${why}`,
      );
    }
    const removePercent = new k.UntagResourceCommand({ ResourceARN: sdk.arn(StreamName), TagKeys: ["%"] });
    expect(await sdk.errorOf(send(removePercent))).toBe(
      `InvalidArgumentException: Failed to remove tags from ${named} because ${why}`,
    );
    const reserved = "InvalidArgumentException: Tag keys that begin with aws: are reserved: aws:x.";
    expect(await sdk.errorOf(add({ "aws:x": "v" }))).toBe(reserved);
    const remove = new k.RemoveTagsFromStreamCommand({ StreamName, TagKeys: ["aws:x"] });
    expect(await sdk.errorOf(send(remove))).toBe(reserved);
  });
});

describe("resource policies", () => {
  test("are kept for streams and consumers, {} where there is none", async () => {
    const StreamName = await newStream();
    const { Consumer } = await send(
      new k.RegisterStreamConsumerCommand({ StreamARN: sdk.arn(StreamName), ConsumerName: "c" }),
    );
    for (const ResourceARN of [sdk.arn(StreamName), Consumer?.ConsumerARN]) {
      const policy = async () => (await send(new k.GetResourcePolicyCommand({ ResourceARN }))).Policy;
      const put = (Policy: string) => send(new k.PutResourcePolicyCommand({ ResourceARN, Policy }));
      expect(await policy()).toBe("{}");
      await put('{"Version":"2012-10-17","Statement":[]}');
      expect(await policy()).toBe('{"Version":"2012-10-17","Statement":[]}');
      expect(await sdk.errorOf(put("no json"))).toStartWith("InvalidArgumentException");
      await send(new k.DeleteResourcePolicyCommand({ ResourceARN }));
      expect(await policy()).toBe("{}");
    }
    const missing = new k.GetResourcePolicyCommand({ ResourceARN: sdk.arn("missing") });
    expect(await sdk.errorOf(send(missing))).toStartWith("ResourceNotFoundException");
  });
});

describe("consumers", () => {
  test("are registered, described by ARN or name, listed in pages and deregistered", async () => {
    const StreamName = await newStream();
    const StreamARN = sdk.arn(StreamName);
    const register = (ConsumerName: string) =>
      send(new k.RegisterStreamConsumerCommand({ StreamARN, ConsumerName, Tags: { team: "x" } }));
    const { Consumer } = await register("a");
    expect(Consumer).toEqual({
      ConsumerName: "a",
      ConsumerARN: `${StreamARN}/consumer/a:${Math.floor(sdk.clock.timeMs / 1000)}`,
      ConsumerStatus: "CREATING",
      ConsumerCreationTimestamp: new Date(sdk.clock.timeMs),
    });
    expect(await sdk.errorOf(register("a"))).toBe(
      `ResourceInUseException: Consumer a under stream ${StreamARN} already exists for account ${ACCOUNT}.`,
    );
    await register("b");
    await register("c");
    const { ConsumerARN } = Consumer ?? {};
    for (const reference of [{ ConsumerARN }, { StreamARN, ConsumerName: "a" }]) {
      const { ConsumerDescription } = await send(new k.DescribeStreamConsumerCommand(reference));
      expect(ConsumerDescription).toMatchObject({ ConsumerARN, ConsumerStatus: "ACTIVE", StreamARN });
    }
    const tags = await send(new k.ListTagsForResourceCommand({ ResourceARN: ConsumerARN }));
    expect(tags.Tags).toEqual([{ Key: "team", Value: "x" }]);
    const first = await send(new k.ListStreamConsumersCommand({ StreamARN, MaxResults: 2 }));
    const second = await send(new k.ListStreamConsumersCommand({ StreamARN, NextToken: first.NextToken }));
    expect([first, second].map((page) => page.Consumers?.map((consumer) => consumer.ConsumerName))).toEqual([
      ["a", "b"],
      ["c"],
    ]);
    expect(second.NextToken).toBeUndefined();
    expect((await summaryOf(StreamName))?.ConsumerCount).toBe(3);
    await send(new k.DeregisterStreamConsumerCommand({ ConsumerARN }));
    expect(await sdk.errorOf(send(new k.DescribeStreamConsumerCommand({ ConsumerARN })))).toBe(
      `ResourceNotFoundException: Consumer a, account ${ACCOUNT} not found.`,
    );
    expect(await sdk.errorOf(send(new k.DescribeStreamConsumerCommand({ StreamARN })))).toStartWith(
      "InvalidArgumentException",
    );
    const remove = (EnforceConsumerDeletion?: boolean) =>
      send(new k.DeleteStreamCommand({ StreamName, EnforceConsumerDeletion }));
    expect(await sdk.errorOf(remove())).toStartWith("ResourceInUseException");
    await remove(true);
  });

  test("a twenty-first one is refused", async () => {
    const StreamARN = sdk.arn(await newStream());
    const register = (i: number) =>
      send(new k.RegisterStreamConsumerCommand({ StreamARN, ConsumerName: `c${i}` }));
    for (let i = 0; i < 20; i++) await register(i);
    expect(await sdk.errorOf(register(20))).toStartWith("LimitExceededException");
  });
});

describe("settings of a stream", () => {
  test("enhanced monitoring shows the metrics before and after", async () => {
    const StreamName = await newStream();
    const enable = (ShardLevelMetrics: k.MetricsName[]) =>
      send(new k.EnableEnhancedMonitoringCommand({ StreamName, ShardLevelMetrics }));
    expect(await enable(["OutgoingBytes", "IncomingBytes"])).toMatchObject({
      StreamName,
      CurrentShardLevelMetrics: [],
      DesiredShardLevelMetrics: ["IncomingBytes", "OutgoingBytes"],
    });
    expect((await enable(["ALL"])).DesiredShardLevelMetrics).toHaveLength(7);
    const disabled = await send(
      new k.DisableEnhancedMonitoringCommand({ StreamName, ShardLevelMetrics: ["IncomingBytes"] }),
    );
    expect(disabled.CurrentShardLevelMetrics).toHaveLength(7);
    expect(disabled.DesiredShardLevelMetrics).toHaveLength(6);
    expect((await summaryOf(StreamName))?.EnhancedMonitoring?.[0]?.ShardLevelMetrics).toHaveLength(6);
    await send(new k.DisableEnhancedMonitoringCommand({ StreamName, ShardLevelMetrics: ["ALL"] }));
    expect((await summaryOf(StreamName))?.EnhancedMonitoring).toEqual([{ ShardLevelMetrics: [] }]);
  });

  test("a larger record size is taken from then on", async () => {
    const StreamName = await newStream();
    const Data = Buffer.alloc(3 * 1024 * 1024, 7);
    const put = () => send(new k.PutRecordCommand({ StreamName, PartitionKey: "k", Data }));
    expect(await sdk.errorOf(put())).toStartWith("ValidationException");
    const StreamARN = sdk.arn(StreamName);
    await send(new k.UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB: 4096 }));
    expect((await summaryOf(StreamName))?.MaxRecordSizeInKiB).toBe(4096);
    await put();
    const records = await send(
      new k.PutRecordsCommand({ StreamName, Records: [{ Data, PartitionKey: "k" }] }),
    );
    expect(records.FailedRecordCount).toBe(0);
    const larger = new k.UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB: 10241 });
    expect(await sdk.errorOf(send(larger))).toStartWith("ValidationException");
  });

  test("warm throughput and the distribution of records can be set in on-demand streams", async () => {
    const StreamName = await newStream();
    const warm = () => send(new k.UpdateStreamWarmThroughputCommand({ StreamName, WarmThroughputMiBps: 10 }));
    expect(await sdk.errorOf(warm())).toStartWith("ValidationException");
    const StreamARN = sdk.arn(StreamName);
    await send(new k.UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } }));
    expect((await warm()).WarmThroughput).toEqual({ TargetMiBps: 10, CurrentMiBps: 10 });
    const distribute = (RecordDistributionStrategy: k.RecordDistributionStrategy) =>
      send(new k.UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy }));
    for (const strategy of ["AUTO", "USER_PARTITION_KEY"] as const) {
      await distribute(strategy);
      expect((await summaryOf(StreamName))?.RecordDistributionStrategy).toBe(strategy);
    }
  });

  test("encryption and channels answer a modelled error", async () => {
    const StreamName = await newStream();
    const key = { StreamName, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" } as const;
    expect(await sdk.errorOf(send(new k.StartStreamEncryptionCommand(key)))).toStartWith("InvalidArgument");
    const own = new k.StartStreamEncryptionCommand({ ...key, KeyId: "alias/mine" });
    expect(await sdk.errorOf(send(own))).toStartWith("KMSNotFoundException: Key alias/mine is not found");
    expect(await sdk.errorOf(send(new k.StopStreamEncryptionCommand(key)))).toContain("is not encrypted");
    const ChannelARN = `arn:aws:kinesis:eu-west-1:${ACCOUNT}:channel/c`;
    for (const answer of [
      send(new k.ListChannelsCommand({})),
      send(new k.DescribeChannelCommand({ ChannelARN })),
      send(new k.DeleteChannelCommand({ ChannelARN })),
      send(new k.UpdateChannelCommand({ ChannelARN })),
      send(
        new k.CreateChannelCommand({
          ChannelName: "c",
          ServiceExecutionRoleARN: "arn:aws:iam::1:role/r",
          StreamConfigurationList: [],
        }),
      ),
    ]) {
      expect(await sdk.errorOf(answer)).toStartWith("ValidationException: voik does not offer channels yet");
    }
  });
});

test("account settings are recorded with their times", async () => {
  const describeAccount = async () =>
    (await send(new k.DescribeAccountSettingsCommand({}))).MinimumThroughputBillingCommitment;
  const update = (Status: "ENABLED" | "DISABLED") =>
    send(new k.UpdateAccountSettingsCommand({ MinimumThroughputBillingCommitment: { Status } }));
  expect(await describeAccount()).toEqual({ Status: "DISABLED" });
  await update("ENABLED");
  expect(await describeAccount()).toEqual({ Status: "ENABLED", StartedAt: new Date(sdk.clock.timeMs) });
  await update("DISABLED");
  expect(await describeAccount()).toMatchObject({ Status: "DISABLED", EndedAt: new Date(sdk.clock.timeMs) });
});

test("a dry run passes every check, writes nothing and says so by its error", async () => {
  const StreamName = await newStream();
  const Data = Buffer.from("v");
  const dry = "DryRunOperationException";
  const Records = [{ Data, PartitionKey: "k" }];
  const errorOf = sdk.errorOf;
  expect(
    await errorOf(send(new k.PutRecordCommand({ StreamName, Data, PartitionKey: "k", DryRun: true }))),
  ).toStartWith(dry);
  expect(await errorOf(send(new k.PutRecordsCommand({ StreamName, Records, DryRun: true })))).toStartWith(
    dry,
  );
  const iterator = { StreamName, ShardId: "0", ShardIteratorType: "TRIM_HORIZON" } as const;
  expect(await errorOf(send(new k.GetShardIteratorCommand({ ...iterator, DryRun: true })))).toStartWith(dry);
  const { ShardIterator } = await send(new k.GetShardIteratorCommand(iterator));
  expect(await errorOf(send(new k.GetRecordsCommand({ ShardIterator, DryRun: true })))).toStartWith(dry);
  expect((await send(new k.GetRecordsCommand({ ShardIterator }))).Records).toEqual([]);
  const missing = new k.PutRecordCommand({ StreamName: "missing", Data, PartitionKey: "k", DryRun: true });
  expect(await errorOf(send(missing))).toStartWith("ResourceNotFoundException");
});

test("with a transition time a consumer is CREATING and a deleted stream DELETING for as long", async () => {
  const slow = await startSdkHarness({ transitionMs: 50_000 });
  try {
    const StreamName = "slow";
    const StreamARN = slow.arn(StreamName);
    await slow.client.send(new k.CreateStreamCommand({ StreamName, ShardCount: 1 }));
    slow.clock.timeMs += 50_000;
    await slow.client.send(new k.RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "c" }));
    const status = async () => {
      const command = new k.DescribeStreamConsumerCommand({ StreamARN, ConsumerName: "c" });
      return (await slow.client.send(command)).ConsumerDescription?.ConsumerStatus;
    };
    expect(await status()).toBe("CREATING");
    slow.clock.timeMs += 50_000;
    expect(await status()).toBe("ACTIVE");
    const deletion = () =>
      slow.client.send(new k.DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
    const describeSlow = () => slow.client.send(new k.DescribeStreamCommand({ StreamName }));
    const { broker } = slow.harness.memory;
    const { deleteStream } = broker;
    broker.deleteStream = () => Promise.reject(new VoikError("disk_full", "disk full"));
    expect(await slow.errorOf(deletion())).toBe("InternalFailure: disk full");
    expect((await describeSlow()).StreamDescription?.StreamStatus).toBe("ACTIVE");
    broker.deleteStream = deleteStream;
    await deletion();
    const { StreamStatus, Shards } = (await describeSlow()).StreamDescription ?? {};
    expect([StreamStatus, Shards]).toEqual(["DELETING", []]);
    expect((await slow.client.send(new k.ListStreamsCommand({}))).StreamNames).toEqual([StreamName]);
    const again = new k.CreateStreamCommand({ StreamName, ShardCount: 1 });
    expect(await slow.errorOf(slow.client.send(again))).toStartWith("ResourceInUseException");
    slow.clock.timeMs += 50_000;
    expect(await slow.errorOf(describeSlow())).toStartWith("ResourceNotFoundException");
    await slow.client.send(again);
  } finally {
    await slow.close();
  }
});

test("a stream can be deleted while it is CREATING, as with AWS, and not while it is DELETING", async () => {
  const slow = await startSdkHarness({ transitionMs: 50_000 });
  try {
    const StreamName = "slow";
    await slow.client.send(new k.CreateStreamCommand({ StreamName, ShardCount: 1 }));
    const statusOf = async () => {
      const { StreamDescription } = await slow.client.send(new k.DescribeStreamCommand({ StreamName }));
      return [StreamDescription?.StreamStatus, StreamDescription?.Shards];
    };
    expect(await statusOf()).toEqual(["CREATING", []]);
    const deletion = () => slow.client.send(new k.DeleteStreamCommand({ StreamName }));
    await deletion();
    expect(await statusOf()).toEqual(["DELETING", []]);
    expect(await slow.errorOf(deletion())).toContain("not ACTIVE, instead in state DELETING");
    slow.clock.timeMs += 50_000;
    expect(await slow.errorOf(statusOf())).toStartWith("ResourceNotFoundException");
    expect(slow.harness.memory.broker.streamByName(StreamName)).toBeUndefined();
  } finally {
    await slow.close();
  }
});
