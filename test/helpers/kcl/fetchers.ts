/**
 * The two ways in which the Kinesis Client Library gets at the records of a shard: GetRecords again and again, and
 * SubscribeToShard with a registered consumer. Both give pages, checked as the library checks them.
 */
import {
  type _Record,
  type ChildShard,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  SubscribeToShardCommand,
} from "@aws-sdk/client-kinesis";
import { checkEndOfShard, checkSequenceNumber } from "./checks.ts";
import type { Checkpoint } from "./lease-table.ts";

export interface Page {
  readonly records: readonly _Record[];
  /** Where to go on at the end of a shard; empty before. */
  readonly children: readonly ChildShard[];
  /** What the consumer keeps once it has dealt with the page; undefined to keep what it has. */
  readonly checkpoint: string | undefined;
}

/** Pages of one shard from a checkpoint on, the last one with its children. */
export type Fetcher = (shardId: string, from: Checkpoint) => AsyncGenerator<Page>;

/** What the library calls idleTimeBetweenReads; its default is a second. */
const IDLE_MS = 20;

export function polling(client: KinesisClient, StreamName: string, Limit?: number): Fetcher {
  return async function* (ShardId, from) {
    const start =
      from === "TRIM_HORIZON"
        ? ({ ShardIteratorType: "TRIM_HORIZON" } as const)
        : ({ ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: from } as const);
    const first = await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ...start }));
    let ShardIterator = first.ShardIterator;
    while (ShardIterator !== undefined) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit }));
      checkEndOfShard(answer.NextShardIterator, answer.ChildShards);
      const page = pageOf(ShardId, answer.Records, answer.ChildShards, undefined);
      yield page;
      if (page.records.length === 0) await Bun.sleep(IDLE_MS);
      ShardIterator = answer.NextShardIterator;
    }
  };
}

export function fanOut(client: KinesisClient, ConsumerARN: string): Fetcher {
  return async function* (ShardId, from) {
    const StartingPosition =
      from === "TRIM_HORIZON"
        ? ({ Type: "TRIM_HORIZON" } as const)
        : ({ Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: from } as const);
    const command = new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition });
    const { EventStream } = await whenFree(() => client.send(command));
    for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
      if (event === undefined) continue;
      checkEndOfShard(event.ContinuationSequenceNumber, event.ChildShards);
      yield pageOf(ShardId, event.Records, event.ChildShards, event.ContinuationSequenceNumber);
    }
  };
}

/** Tries again while the consumer's last subscription is too young to be taken over. */
async function whenFree<T>(subscribe: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await subscribe();
    } catch (error) {
      if ((error as Error).name !== "ResourceInUseException") throw error;
      await Bun.sleep(IDLE_MS);
    }
  }
}

function pageOf(
  shardId: string,
  records: readonly _Record[] = [],
  children: readonly ChildShard[] = [],
  next: string | undefined,
): Page {
  for (const { SequenceNumber = "" } of records) checkSequenceNumber(SequenceNumber, shardId);
  if (next !== undefined) checkSequenceNumber(next, shardId);
  return { records, children, checkpoint: next ?? records.at(-1)?.SequenceNumber };
}
