/**
 * What a caller needs for each operation, in the words of Kafka's ACLs, so that a stream is closed through either
 * door alike. THE table: an operation without a line is refused. A registered consumer is a group under its name.
 *
 * The check comes before the operation looks anything up, so that the answer for a stream that may not be seen is
 * the same whether there is one or not.
 */
import type { AclOperation, ResourceType } from "../access/acl.ts";
import { CLUSTER_NAME } from "../access/acl.ts";
import { partitionOf, streamArnOf } from "./caller.ts";
import { parseConsumerArn } from "./consumers.ts";
import { KinesisError } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { openPageToken } from "./page-token.ts";
import { TokenPurpose } from "./sealed-token.ts";
import { openShardIterator } from "./shard-iterator.ts";
import { streamNameOf } from "./stream-view.ts";

/** The members that name things; each operation has some of them. */
interface Names {
  StreamName?: string;
  StreamARN?: string;
  ConsumerName?: string;
  ConsumerARN?: string;
  ResourceARN?: string;
  ShardIterator?: string;
  NextToken?: string;
}

/** What a request is about: its name, and whether the caller gave that name (or only a token for it). */
interface Target {
  name: string;
  named: boolean;
}
type Find = (input: Names, context: RequestContext) => Target | undefined;

interface Need {
  operation: AclOperation;
  resourceType: ResourceType;
  find: Find;
}

const named = (name: string): Target => ({ name, named: true });

const byName: Find = (input) => named(streamNameOf(input));
const byIterator: Find = ({ ShardIterator = "" }, context) =>
  byId(openShardIterator(context.tokens, ShardIterator, context.clock.nowMs()).streamId, context);
const byNameOrPage: Find = (input, context) =>
  input.NextToken === undefined
    ? byName(input, context)
    : byId(
        openPageToken<{ streamId: string }>(context.tokens, TokenPurpose.listShards, input.NextToken)
          .streamId,
        context,
      );
const byResource: Find = ({ ResourceARN = "" }) =>
  named(streamNameOf({ StreamARN: parseConsumerArn(ResourceARN)?.streamArn ?? ResourceARN }));
const byConsumer: Find = ({ ConsumerARN = "", StreamARN }) => {
  const StreamOfConsumer = parseConsumerArn(ConsumerARN)?.streamArn ?? StreamARN;
  return named(streamNameOf({ StreamARN: StreamOfConsumer }));
};
const consumer: Find = ({ ConsumerARN = "", ConsumerName = "" }) =>
  named(parseConsumerArn(ConsumerARN)?.name ?? ConsumerName);

/** A stream that a token stands for; undefined when it is gone, which the operation says itself. */
function byId(id: string, { broker }: RequestContext): Target | undefined {
  const stream = broker.streamById(id);
  return stream && { name: stream.name, named: false };
}

const stream = (operation: AclOperation, find = byName): Need => ({ operation, resourceType: "topic", find });
const group = (operation: AclOperation): Need => ({ operation, resourceType: "group", find: consumer });
const cluster = (operation: AclOperation): Need => ({
  operation,
  resourceType: "cluster",
  find: () => ({ name: CLUSTER_NAME, named: false }),
});

export const PERMISSIONS: Readonly<Record<string, readonly Need[]>> = {
  AddTagsToStream: [stream("alter-configs")],
  CreateChannel: [cluster("alter")],
  CreateStream: [stream("create")],
  DecreaseStreamRetentionPeriod: [stream("alter-configs")],
  DeleteChannel: [cluster("alter")],
  DeleteResourcePolicy: [stream("alter-configs", byResource)],
  DeleteStream: [stream("delete")],
  DeregisterStreamConsumer: [stream("describe", byConsumer), group("delete")],
  DescribeAccountSettings: [cluster("describe")],
  DescribeChannel: [cluster("describe")],
  DescribeLimits: [cluster("describe")],
  DescribeStream: [stream("describe")],
  DescribeStreamConsumer: [stream("describe", byConsumer), group("describe")],
  DescribeStreamSummary: [stream("describe")],
  DisableEnhancedMonitoring: [stream("alter-configs")],
  EnableEnhancedMonitoring: [stream("alter-configs")],
  GetRecords: [stream("read", byIterator)],
  GetResourcePolicy: [stream("describe-configs", byResource)],
  GetShardIterator: [stream("read")],
  IncreaseStreamRetentionPeriod: [stream("alter-configs")],
  ListChannels: [cluster("describe")],
  ListShards: [stream("describe", byNameOrPage)],
  ListStreamConsumers: [stream("describe")],
  // Everybody may ask: it lists what the caller may describe.
  ListStreams: [],
  ListTagsForResource: [stream("describe", byResource)],
  ListTagsForStream: [stream("describe")],
  MergeShards: [stream("alter")],
  PutRecord: [stream("write")],
  PutRecords: [stream("write")],
  PutResourcePolicy: [stream("alter-configs", byResource)],
  RegisterStreamConsumer: [stream("read"), group("read")],
  RemoveTagsFromStream: [stream("alter-configs")],
  SplitShard: [stream("alter")],
  StartStreamEncryption: [stream("alter-configs")],
  StopStreamEncryption: [stream("alter-configs")],
  SubscribeToShard: [stream("read", byConsumer), group("read")],
  TagResource: [stream("alter-configs", byResource)],
  UntagResource: [stream("alter-configs", byResource)],
  UpdateAccountSettings: [cluster("alter-configs")],
  UpdateChannel: [cluster("alter")],
  UpdateMaxRecordSize: [stream("alter-configs")],
  UpdateShardCount: [stream("alter")],
  UpdateStreamMode: [stream("alter-configs")],
  UpdateStreamRecordDistributionStrategy: [stream("alter-configs")],
  UpdateStreamWarmThroughput: [stream("alter-configs")],
};

/** Throws AccessDeniedException unless the caller may do `operationName` with `input`, which was validated. */
export function checkPermission(operationName: string, input: object, context: RequestContext): void {
  const needs = Object.hasOwn(PERMISSIONS, operationName) ? PERMISSIONS[operationName] : undefined;
  if (needs === undefined) throw denied(operationName, undefined, context);
  for (const { operation, resourceType, find } of needs) {
    const target = find(input as Names, context);
    if (target !== undefined && !context.may(operation, resourceType, target.name))
      throw denied(
        operationName,
        resourceType === "topic" && target.named ? target.name : undefined,
        context,
      );
  }
}

/** AWS's words; the resource is what the caller named, so nothing is told that it did not say. */
function denied(
  operationName: string,
  streamName: string | undefined,
  { caller }: RequestContext,
): KinesisError {
  const user = `arn:${partitionOf(caller.region)}:iam::${caller.accountId}:user/${caller.principal.slice("User:".length)}`;
  const resource = streamName === undefined ? "*" : streamArnOf(caller, streamName);
  const action = `kinesis:${operationName}`;
  return new KinesisError(
    "AccessDeniedException",
    `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ` +
      `because no identity-based policy allows the ${action} action`,
  );
}
