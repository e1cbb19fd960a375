/**
 * ACLs at the Kinesis door: every operation of the table, denied without its entry and let through with it, and the
 * same answer for a stream that may not be seen whether there is one or not.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { ANONYMOUS } from "../../src/access/acl.ts";
import { OPERATIONS } from "../../src/kinesis/operations.ts";
import { PERMISSIONS } from "../../src/kinesis/permissions.ts";
import { acl, openTestAccess, type TestAccess } from "../helpers/access.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

const ACCOUNT = "000000000000";
const STREAM_ARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/orders`;
const CONSUMER_ARN = `${STREAM_ARN}/consumer/billing:1795000000`;
const stream = { StreamName: "orders" };
const resource = { ResourceARN: STREAM_ARN };
const keyed = { Data: "AA==", PartitionKey: "k" };

let access: TestAccess;
let harness: KinesisHarness;
beforeAll(async () => {
  access = await openTestAccess();
  harness = await KinesisHarness.start({ security: { access, auth: "none" } });
  grant(`allow ${ANONYMOUS} create topic *`);
  await harness.ok("CreateStream", { StreamName: "orders", ShardCount: 1 });
  await harness.ok("CreateStream", { StreamName: "secret", ShardCount: 1 });
});
afterAll(async () => {
  await harness.stop();
  access.close();
});
beforeEach(() => {
  access.acls.delete({});
});

function grant(...entries: string[]): void {
  access.acls.add(entries.map(acl));
}

/** A valid input of each operation, and the entries that it takes. */
const MATRIX: Record<string, { input: object; needs: string[] }> = {
  AddTagsToStream: { input: { ...stream, Tags: { a: "b" } }, needs: ["alter-configs topic orders"] },
  CreateChannel: { input: {}, needs: ["alter cluster kafka-cluster"] },
  CreateStream: { input: { ...stream, ShardCount: 1 }, needs: ["create topic orders"] },
  DecreaseStreamRetentionPeriod: {
    input: { ...stream, RetentionPeriodHours: 24 },
    needs: ["alter-configs topic orders"],
  },
  DeleteChannel: { input: {}, needs: ["alter cluster kafka-cluster"] },
  DeleteResourcePolicy: { input: resource, needs: ["alter-configs topic orders"] },
  DeleteStream: { input: stream, needs: ["delete topic orders"] },
  DeregisterStreamConsumer: {
    input: { ConsumerARN: CONSUMER_ARN },
    needs: ["describe topic orders", "delete group billing"],
  },
  DescribeAccountSettings: { input: {}, needs: ["describe cluster kafka-cluster"] },
  DescribeChannel: { input: {}, needs: ["describe cluster kafka-cluster"] },
  DescribeLimits: { input: {}, needs: ["describe cluster kafka-cluster"] },
  DescribeStream: { input: stream, needs: ["describe topic orders"] },
  DescribeStreamConsumer: {
    input: { StreamARN: STREAM_ARN, ConsumerName: "billing" },
    needs: ["describe topic orders", "describe group billing"],
  },
  DescribeStreamSummary: { input: { StreamARN: STREAM_ARN }, needs: ["describe topic orders"] },
  DisableEnhancedMonitoring: {
    input: { ...stream, ShardLevelMetrics: ["ALL"] },
    needs: ["alter-configs topic orders"],
  },
  EnableEnhancedMonitoring: {
    input: { ...stream, ShardLevelMetrics: ["ALL"] },
    needs: ["alter-configs topic orders"],
  },
  GetRecords: { input: {}, needs: ["read topic orders"] },
  GetResourcePolicy: { input: resource, needs: ["describe-configs topic orders"] },
  GetShardIterator: {
    input: { ...stream, ShardId: "shardId-000000000000", ShardIteratorType: "LATEST" },
    needs: ["read topic orders"],
  },
  IncreaseStreamRetentionPeriod: {
    input: { ...stream, RetentionPeriodHours: 48 },
    needs: ["alter-configs topic orders"],
  },
  ListChannels: { input: {}, needs: ["describe cluster kafka-cluster"] },
  ListShards: { input: stream, needs: ["describe topic orders"] },
  ListStreamConsumers: { input: { StreamARN: STREAM_ARN }, needs: ["describe topic orders"] },
  ListStreams: { input: {}, needs: [] },
  ListTagsForResource: { input: resource, needs: ["describe topic orders"] },
  ListTagsForStream: { input: stream, needs: ["describe topic orders"] },
  MergeShards: {
    input: { ...stream, ShardToMerge: "a", AdjacentShardToMerge: "b" },
    needs: ["alter topic orders"],
  },
  PutRecord: { input: { ...stream, ...keyed }, needs: ["write topic orders"] },
  PutRecords: { input: { ...stream, Records: [keyed] }, needs: ["write topic orders"] },
  PutResourcePolicy: { input: { ...resource, Policy: "{}" }, needs: ["alter-configs topic orders"] },
  RegisterStreamConsumer: {
    input: { StreamARN: STREAM_ARN, ConsumerName: "billing" },
    needs: ["read topic orders", "read group billing"],
  },
  RemoveTagsFromStream: { input: { ...stream, TagKeys: ["a"] }, needs: ["alter-configs topic orders"] },
  SplitShard: {
    input: { ...stream, ShardToSplit: "a", NewStartingHashKey: "1" },
    needs: ["alter topic orders"],
  },
  StartStreamEncryption: {
    input: { ...stream, EncryptionType: "KMS", KeyId: "k" },
    needs: ["alter-configs topic orders"],
  },
  StopStreamEncryption: {
    input: { ...stream, EncryptionType: "KMS", KeyId: "k" },
    needs: ["alter-configs topic orders"],
  },
  SubscribeToShard: {
    input: { ConsumerARN: CONSUMER_ARN, ShardId: "a", StartingPosition: { Type: "LATEST" } },
    needs: ["read topic orders", "read group billing"],
  },
  TagResource: { input: { ...resource, Tags: { a: "b" } }, needs: ["alter-configs topic orders"] },
  UntagResource: { input: { ...resource, TagKeys: ["a"] }, needs: ["alter-configs topic orders"] },
  UpdateAccountSettings: {
    input: { MinimumThroughputBillingCommitment: { Status: "DISABLED" } },
    needs: ["alter-configs cluster kafka-cluster"],
  },
  UpdateChannel: { input: {}, needs: ["alter cluster kafka-cluster"] },
  UpdateMaxRecordSize: {
    input: { StreamARN: STREAM_ARN, MaxRecordSizeInKiB: 1024 },
    needs: ["alter-configs topic orders"],
  },
  UpdateShardCount: {
    input: { ...stream, TargetShardCount: 1, ScalingType: "UNIFORM_SCALING" },
    needs: ["alter topic orders"],
  },
  UpdateStreamMode: {
    input: { StreamARN: STREAM_ARN, StreamModeDetails: { StreamMode: "PROVISIONED" } },
    needs: ["alter-configs topic orders"],
  },
  UpdateStreamRecordDistributionStrategy: {
    input: { StreamARN: STREAM_ARN, RecordDistributionStrategy: "USER_PARTITION_KEY" },
    needs: ["alter-configs topic orders"],
  },
  UpdateStreamWarmThroughput: {
    input: { ...stream, WarmThroughputMiBps: 1 },
    needs: ["alter-configs topic orders"],
  },
};

/** An iterator made while reading was allowed. */
async function iterator(): Promise<object> {
  grant(`allow ${ANONYMOUS} read topic orders`);
  const ShardIterator = await harness.iterator("orders", "LATEST");
  access.acls.delete({});
  return { ShardIterator };
}

async function typeOf(operation: string, input: object): Promise<string> {
  const reply = await harness.call(operation, input);
  return reply.status === 200 ? "200" : String(reply.body["__type"]);
}

describe("every operation", () => {
  test("stands in the table of permissions and in this matrix", () => {
    expect(Object.keys(PERMISSIONS).sort()).toEqual(Object.keys(OPERATIONS).sort());
    expect(Object.keys(MATRIX).sort()).toEqual(Object.keys(OPERATIONS).sort());
  });

  // DeleteStream last: the others want the stream to be there.
  const rows = Object.entries(MATRIX).sort(
    ([a], [b]) => Number(a === "DeleteStream") - Number(b === "DeleteStream"),
  );
  test.each(rows)("is denied without, and not with, what it needs: %s", async (name, { input, needs }) => {
    const sent = name === "GetRecords" ? await iterator() : input;
    for (const [place, missing] of needs.entries()) {
      access.acls.delete({});
      grant(...needs.filter((_, other) => other !== place).map((need) => `allow ${ANONYMOUS} ${need}`));
      // Everything else that one could have must not do in its place.
      const [operation, type] = missing.split(" ") as [string, string];
      const others: Record<string, string[]> = {
        topic: [
          "read",
          "write",
          "create",
          "delete",
          "alter",
          "describe",
          "alter-configs",
          "describe-configs",
        ],
        group: ["read", "delete", "describe"],
        cluster: ["create", "alter", "describe", "alter-configs", "describe-configs"],
      };
      const implying: Record<string, string[]> = {
        describe: ["read", "write", "delete", "alter", "describe"],
        "describe-configs": ["alter-configs", "describe-configs"],
      };
      const useless =
        others[type]?.filter((other) => !(implying[operation] ?? [operation]).includes(other)) ?? [];
      const resourceName = missing.slice(missing.lastIndexOf(" ") + 1);
      grant(...useless.map((other) => `allow ${ANONYMOUS} ${other} ${type} ${resourceName}`));
      expect(await typeOf(name, sent)).toBe("AccessDeniedException");
    }
    access.acls.delete({});
    grant(...needs.map((need) => `allow ${ANONYMOUS} ${need}`));
    expect(await typeOf(name, sent)).not.toBe("AccessDeniedException");
  });
});

describe("a stream that may not be seen", () => {
  test("is answered like one that is not there, in AWS's words, and its name is told to nobody", async () => {
    const text = (name: string) =>
      `User: arn:aws:iam::${ACCOUNT}:user/ANONYMOUS is not authorized to perform: kinesis:DescribeStreamSummary on ` +
      `resource: arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${name} because no identity-based policy allows the ` +
      "kinesis:DescribeStreamSummary action";
    for (const name of ["secret", "nothing"]) {
      const { status, body } = await harness.call("DescribeStreamSummary", { StreamName: name });
      expect([status, body]).toEqual([
        400,
        { __type: "AccessDeniedException", message: text(name) },
      ] as never);
    }
  });

  test("is not in ListStreams, on no page, and does not count", async () => {
    grant(`allow ${ANONYMOUS} create topic *`, `allow ${ANONYMOUS} delete topic *`);
    for (const name of ["list-a", "list-b", "list-c"])
      await harness.ok("CreateStream", { StreamName: name, ShardCount: 1 });
    access.acls.delete({});
    grant(`allow ${ANONYMOUS} describe topic list- prefixed`, `deny ${ANONYMOUS} describe topic list-b`);
    const first = await harness.ok("ListStreams", { Limit: 1 });
    expect(first).toMatchObject({ StreamNames: ["list-a"], HasMoreStreams: true });
    const second = await harness.ok("ListStreams", { NextToken: String(first["NextToken"]) });
    expect(second).toMatchObject({ StreamNames: ["list-c"], HasMoreStreams: false });
    expect(JSON.stringify([first, second])).not.toContain("secret");
  });

  test("stays closed to an iterator and a next token that was given to somebody else", async () => {
    grant(`allow ${ANONYMOUS} read topic secret`, `allow ${ANONYMOUS} alter topic secret`);
    const ShardIterator = await harness.iterator("secret", "TRIM_HORIZON");
    await harness.ok("UpdateShardCount", {
      StreamName: "secret",
      TargetShardCount: 2,
      ScalingType: "UNIFORM_SCALING",
    });
    const { NextToken } = await harness.ok("ListShards", { StreamName: "secret", MaxResults: 1 });
    access.acls.delete({});
    for (const [name, input] of [
      ["GetRecords", { ShardIterator }],
      ["ListShards", { NextToken }],
    ] as const) {
      const { body } = await harness.call(name, input);
      expect(String(body["__type"])).toBe("AccessDeniedException");
      expect(String(body["message"])).not.toContain("secret");
    }
  });

  test("can't be reached by naming another one beside it", async () => {
    grant(`allow ${ANONYMOUS} read topic orders`, `allow ${ANONYMOUS} describe topic orders`);
    const arn = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/secret`;
    const both = { StreamName: "orders", StreamARN: arn };
    expect(await typeOf("DescribeStreamSummary", both)).toBe("InvalidArgumentException");
    const consumer = { ConsumerARN: `${arn}/consumer/billing:1`, StreamARN: STREAM_ARN };
    expect(await typeOf("DescribeStreamConsumer", consumer)).toBe("AccessDeniedException");
  });
});

test("an entry for one address holds for that address alone", async () => {
  grant(`allow ${ANONYMOUS} describe topic list-a from 10.1.2.3`);
  expect(await typeOf("DescribeStreamSummary", { StreamName: "list-a" })).toBe("AccessDeniedException");
  grant(`allow ${ANONYMOUS} describe topic list-a from 127.0.0.1`);
  expect(await typeOf("DescribeStreamSummary", { StreamName: "list-a" })).toBe("200");
});
