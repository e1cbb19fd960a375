/**
 * The stream or shard that a request means, by name or ARN, and a stream as this protocol shows it. Nothing here ever
 * shows a stream's id.
 */
import type { Shard, Stream } from "../streams/broker.ts";
import { streamArnOf } from "./caller.ts";
import { invalidArgument, type KinesisError, notFound, resourceInUse } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { parseShardId, shardIdOf } from "./shard-view.ts";
import { metricsOf, modeOf } from "./stream-settings.ts";
import type { StreamStatus } from "./stream-status.ts";

const HOUR_MS = 3_600_000;

export interface StreamReference {
  StreamName?: string | undefined;
  StreamARN?: string | undefined;
}

/** The name that a request means. Throws InvalidArgumentException when it gives none, or two that differ. */
export function streamNameOf({ StreamName: name, StreamARN: arn }: StreamReference): string {
  if (arn === undefined) {
    if (name === undefined) throw invalidArgument("Either StreamName or StreamARN must be provided.");
    return name;
  }
  const arnName = arn.slice(arn.indexOf(":stream/") + ":stream/".length);
  if (name !== undefined && name !== arnName) {
    throw invalidArgument(`StreamName ${name} and StreamARN ${arn} name two streams: provide one of them.`);
  }
  return arnName;
}

/** The stream that a request means. Throws ResourceNotFoundException when there is none. */
export function findStream(context: RequestContext, reference: StreamReference): Stream {
  const name = streamNameOf(reference);
  const stream = context.broker.streamByName(name);
  if (stream === undefined) throw streamNotFound(context, name);
  return stream;
}

export function streamNotFound({ caller }: RequestContext, name: string): KinesisError {
  return notFound(`Stream ${name} under account ${caller.accountId} not found.`);
}

/** As `findStream`, and streams that are shown as DELETING too. */
export function findShownStream(context: RequestContext, reference: StreamReference): Stream {
  return context.transitions.deleting(streamNameOf(reference)) ?? findStream(context, reference);
}

/** The stream that a request means to change. Throws ResourceInUseException while another change is under way. */
export function findActive(context: RequestContext, reference: StreamReference): Stream {
  const stream = findShownStream(context, reference);
  const status = context.transitions.statusOf(stream);
  if (status !== "ACTIVE") throw notActive(context, stream, status);
  return stream;
}

/**
 * The stream that a request lists something of, or tags. Throws ResourceInUseException while it is CREATING or DELETING;
 * while it is UPDATING it has all that these are about.
 */
export function findSettled(context: RequestContext, reference: StreamReference): Stream {
  const stream = findShownStream(context, reference);
  const status = context.transitions.statusOf(stream);
  if (status === "CREATING" || status === "DELETING") throw notActive(context, stream, status);
  return stream;
}

/** The stream that a request writes to. Throws ResourceNotFoundException while it is CREATING, as AWS does. */
export function findWritable(context: RequestContext, reference: StreamReference): Stream {
  const stream = findStream(context, reference);
  if (context.transitions.statusOf(stream) !== "CREATING") return stream;
  throw streamNotFound(context, stream.name);
}

export function notActive(context: RequestContext, stream: Stream, status: StreamStatus): KinesisError {
  return resourceInUse(
    `Stream ${stream.name} under account ${context.caller.accountId} not ACTIVE, instead in state ${status}`,
  );
}

/** The shards of `stream` that are shown: none while it is CREATING or DELETING, as with AWS. */
export function shownShards({ transitions }: RequestContext, stream: Stream): readonly Shard[] {
  const status = transitions.statusOf(stream);
  return status === "CREATING" || status === "DELETING" ? [] : stream.shards;
}

/**
 * The shard that `text` names in the stream that a request means. Throws ResourceNotFoundException; as AWS words it, a
 * stream that is not there is a shard that is not there.
 */
export function findShard(context: RequestContext, reference: StreamReference, text: string): Shard {
  const name = streamNameOf(reference);
  const of = `in stream ${name} under account ${context.caller.accountId}`;
  const index = parseShardId(text);
  if (index === undefined) throw notFound(`Could not find shard ${text} ${of}.`);
  const stream = context.broker.streamByName(name);
  const shards = stream === undefined ? [] : shownShards(context, stream);
  const shard = shards.find((candidate) => candidate.index === index);
  if (shard === undefined) throw notFound(`Shard ${shardIdOf(index)} ${of} does not exist`);
  return shard;
}

/** Throws ResourceNotFoundException when a StreamCreationTimestamp is of another stream of that name. */
export function checkCreationTime(
  context: RequestContext,
  stream: Stream,
  createdAtMs: number | undefined,
): void {
  // Clients keep whole seconds of a time at best.
  if (createdAtMs === undefined || Math.floor(createdAtMs / 1000) === Math.floor(stream.createdAtMs / 1000))
    return;
  throw notFound(
    `Stream ${stream.name} with this creation time under account ${context.caller.accountId} not found.`,
  );
}

/** The members that DescribeStream, DescribeStreamSummary and (the first five) ListStreams share. */
export function streamView(context: RequestContext, stream: Stream): object {
  return {
    ...streamSummaryView(context, stream),
    RetentionPeriodHours: Math.ceil(stream.retentionMs / HOUR_MS),
    EnhancedMonitoring: [{ ShardLevelMetrics: metricsOf(stream) }],
    EncryptionType: "NONE",
  };
}

export function streamSummaryView(context: RequestContext, stream: Stream): object {
  return {
    StreamName: stream.name,
    StreamARN: streamArnOf(context.caller, stream.name),
    StreamStatus: context.transitions.statusOf(stream),
    StreamModeDetails: { StreamMode: modeOf(stream) },
    StreamCreationTimestamp: context.format.timestamp(stream.createdAtMs),
  };
}
