/**
 * Carries out what was decided about a transaction: a marker goes to every shard that it has written to, and the offsets
 * that it has committed become those of their groups, or are forgotten. Whatever a crash leaves undone is done when it is
 * asked for again, and nothing is done twice.
 */
import type { Clock } from "../base/clock.ts";
import type { VoikError } from "../base/errors.ts";
import type { Groups } from "../groups/groups.ts";
import { type MarkerKind, markerBatch } from "../log/control-batch.ts";
import type { DurableWaiter, ShardLog } from "../log/shard-log.ts";
import type { Broker } from "../streams/broker.ts";
import { type Identity, parseShardKey, type Transaction } from "./transaction.ts";

export interface Surroundings {
  readonly broker: Broker;
  readonly groups: Groups;
  readonly clock: Clock;
}

/** Resolves when all of it survives a crash. Rejects with VoikError disk_full, storage_failed, storage_damaged, … */
export async function carryOut(transaction: Transaction, around: Surroundings): Promise<void> {
  const { phase, producerId, shards, groups } = transaction;
  const kind = phase === "committing" ? "commit" : "abort";
  const parts = [...shards].map((key) => mark(logOf(key, around.broker), kind, transaction, around.clock));
  if (groups.size > 0) parts.push(around.groups.pending.end(producerId, kind === "commit"));
  // All of them get their turn, even if one is refused.
  const done = await Promise.allSettled(parts);
  for (const part of done) if (part.status === "rejected") throw part.reason;
}

/** Ends what a producer has open in a log, if it has; resolves when the marker is durable. */
export async function mark(
  log: ShardLog | undefined,
  kind: MarkerKind,
  { producerId, producerEpoch }: Identity,
  clock: Clock,
): Promise<void> {
  if (!log?.isOpen(producerId)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiter: DurableWaiter = {
    onDurable: () => resolve(),
    onAppendFailed: (_log: ShardLog, error: VoikError) => reject(error),
  };
  log.append(markerBatch(kind, producerId, producerEpoch, clock.nowMs()), waiter);
  await promise;
}

/** The log of a shard; undefined when its stream was deleted, or retention has taken it. */
function logOf(key: string, broker: Broker): ShardLog | undefined {
  const { streamId, index } = parseShardKey(key);
  return broker.streamById(streamId)?.shards.find((shard) => shard.index === index)?.log;
}
