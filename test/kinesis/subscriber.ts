/** A subscriber through AWS's client, for tests of SubscribeToShard. */
import * as k from "@aws-sdk/client-kinesis";
import type { KinesisServerOptions } from "../../src/kinesis/server.ts";
import { TimerClock } from "../helpers/timer-clock.ts";
import { KinesisHarness } from "./kinesis-harness.ts";

export const SHARD = "shardId-000000000000";

export interface Setup {
  clock: TimerClock;
  harness: KinesisHarness;
  client: k.KinesisClient;
  consumer: string;
  put(key: string): Promise<string>;
}

const closers: (() => Promise<void>)[] = [];

/** Stops what `start` has started. */
export async function stopAll(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

/** A server with a stream "s" of one shard and a consumer "c", on a clock whose timers the test runs. */
export async function start(
  transport: Partial<k.KinesisClientConfig> = {},
  server: Partial<KinesisServerOptions> = {},
  clock = new TimerClock(),
): Promise<Setup> {
  const harness = await KinesisHarness.start({ ...server, clock });
  const client = new k.KinesisClient({
    endpoint: harness.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "111122223333", secretAccessKey: "secret" },
    maxAttempts: 1,
    ...transport,
  });
  closers.push(async () => {
    client.destroy();
    await harness.stop();
  });
  await client.send(new k.CreateStreamCommand({ StreamName: "s", ShardCount: 1 }));
  const StreamARN = "arn:aws:kinesis:eu-west-1:111122223333:stream/s";
  const { Consumer } = await client.send(
    new k.RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "c" }),
  );
  return {
    clock,
    harness,
    client,
    consumer: Consumer?.ConsumerARN ?? "",
    async put(PartitionKey) {
      const record = { StreamName: "s", PartitionKey, Data: Buffer.from(PartitionKey) };
      return (await client.send(new k.PutRecordCommand(record))).SequenceNumber ?? "";
    },
  };
}

export class Reader {
  private readonly iterator: AsyncIterator<k.SubscribeToShardEventStream>;
  constructor(stream: AsyncIterable<k.SubscribeToShardEventStream>) {
    this.iterator = stream[Symbol.asyncIterator]();
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<k.SubscribeToShardEvent | undefined> {
    const { value, done } = await this.iterator.next();
    return done ? undefined : value.SubscribeToShardEvent;
  }

  /** Events until there are `count` records. */
  async records(count: number): Promise<k._Record[]> {
    const records: k._Record[] = [];
    while (records.length < count) records.push(...((await this.next())?.Records ?? []));
    return records;
  }

  async leave(): Promise<void> {
    await this.iterator.return?.();
  }
}

/** Subscribes the consumer "c". */
export async function subscribe(
  { client, consumer }: Setup,
  StartingPosition: k.StartingPosition = { Type: "TRIM_HORIZON" },
): Promise<Reader> {
  const command = new k.SubscribeToShardCommand({ ConsumerARN: consumer, ShardId: SHARD, StartingPosition });
  const { EventStream } = await client.send(command);
  if (EventStream === undefined) throw new Error("no event stream");
  return new Reader(EventStream);
}
