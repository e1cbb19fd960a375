/**
 * Registered consumers of a stream (enhanced fan-out): each an attribute of its stream, as JSON. A consumer's ARN
 * holds the second of its registration, so that one registered again under its name, in a later second, is another.
 *
 *   arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:1795000000
 */
import type { Stream } from "../streams/broker.ts";
import { type Caller, streamArnOf } from "./caller.ts";
import { invalidArgument, notFound } from "./errors.ts";
import type { RequestContext } from "./operation.ts";
import { CONSUMER_PREFIX } from "./stream-settings.ts";
import { findStream } from "./stream-view.ts";

export const CONSUMERS_MAX = 20;
export const CONSUMERS_CREATING_MAX = 5;

/** What is kept of a consumer. */
export interface Consumer {
  readonly name: string;
  readonly createdAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly policy?: string | undefined;
}

export interface ConsumerReference {
  StreamARN?: string | undefined;
  ConsumerName?: string | undefined;
  ConsumerARN?: string | undefined;
}

export interface FoundConsumer {
  readonly stream: Stream;
  readonly consumer: Consumer;
}

const CONSUMER_ARN = /^(.*:stream\/[a-zA-Z0-9_.-]+)\/consumer\/([a-zA-Z0-9_.-]+):(\d+)$/;

/** The consumers of `stream`, by name. */
export function consumersOf(stream: Stream): Consumer[] {
  return [...stream.attributes.keys()]
    .filter((name) => name.startsWith(CONSUMER_PREFIX))
    .sort()
    .map((name) => read(stream, name.slice(CONSUMER_PREFIX.length)) as Consumer);
}

/** Writes what is kept of a consumer; undefined forgets it. */
export function saveConsumer(
  context: RequestContext,
  stream: Stream,
  name: string,
  consumer: Consumer | undefined,
): void {
  const value = consumer === undefined ? undefined : JSON.stringify(consumer);
  context.broker.setAttributes(stream, new Map([[CONSUMER_PREFIX + name, value]]));
}

export function consumerArnOf(caller: Caller, stream: Stream, consumer: Consumer): string {
  return `${streamArnOf(caller, stream.name)}/consumer/${consumer.name}:${Math.floor(consumer.createdAtMs / 1000)}`;
}

/** Parts of a consumer's ARN; undefined when `arn` names a stream or nothing. */
export function parseConsumerArn(
  arn: string,
): { streamArn: string; name: string; createdSecond: number } | undefined {
  const [, streamArn, name, second] = CONSUMER_ARN.exec(arn) ?? [];
  if (streamArn === undefined || name === undefined) return undefined;
  return { streamArn, name, createdSecond: Number(second) };
}

/**
 * The consumer that a request names, by ARN or by stream and name. Throws InvalidArgumentException when it names none
 * or two, ResourceNotFoundException when there is none.
 */
export function findConsumer(context: RequestContext, reference: ConsumerReference): FoundConsumer {
  const { StreamARN, ConsumerName, ConsumerARN } = reference;
  const parsed = ConsumerARN === undefined ? undefined : parseConsumerArn(ConsumerARN);
  const streamArn = parsed?.streamArn ?? StreamARN;
  const name = parsed?.name ?? ConsumerName;
  const differs =
    parsed !== undefined &&
    ((StreamARN !== undefined && StreamARN !== parsed.streamArn) ||
      (ConsumerName !== undefined && ConsumerName !== parsed.name));
  if (streamArn === undefined || name === undefined || differs) {
    throw invalidArgument("Provide either ConsumerARN, or StreamARN and ConsumerName, of one consumer.");
  }
  const stream = findStream(context, { StreamARN: streamArn });
  const consumer = read(stream, name);
  const another = parsed !== undefined && parsed.createdSecond !== secondOf(consumer);
  if (consumer === undefined || another) {
    throw notFound(`Consumer ${name}, account ${context.caller.accountId} not found.`);
  }
  return { stream, consumer };
}

/** A consumer in a reply; StreamARN is DescribeStreamConsumer's alone. */
export function consumerView(context: RequestContext, { stream, consumer }: FoundConsumer): object {
  const arn = consumerArnOf(context.caller, stream, consumer);
  return {
    ConsumerName: consumer.name,
    ConsumerARN: arn,
    ConsumerStatus: context.transitions.of(consumerKey(stream, consumer)) ?? "ACTIVE",
    ConsumerCreationTimestamp: context.format.timestamp(consumer.createdAtMs),
  };
}

/** Names a consumer among all of all streams, for as long as it lives. */
export function consumerKey(stream: Stream, consumer: Consumer): string {
  return `${stream.id}/${consumer.name}:${consumer.createdAtMs}`;
}

function read(stream: Stream, name: string): Consumer | undefined {
  const text = stream.attributes.get(CONSUMER_PREFIX + name);
  return text === undefined ? undefined : (JSON.parse(text) as Consumer);
}

function secondOf(consumer: Consumer | undefined): number {
  return Math.floor((consumer?.createdAtMs ?? -1000) / 1000);
}
