/**
 * Transactions that nobody will ever end, because the coordinator does not know of them: its database was lost, or put
 * back from a backup. They would hold up every reader of committed records, so they are aborted.
 */
import { VoikError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { OpenTransaction, ShardLog } from "../log/shard-log.ts";
import { mark, type Surroundings } from "./carry-out.ts";
import { shardKey } from "./transaction.ts";

/** Whether a transaction of that producer is under way, and, if a shard is given, has taken that in. */
export type IsUnderWay = (producerId: number, shard?: string) => boolean;

/**
 * Aborts what is open in any shard, or pending in any group, and is under way for nobody. Asks at the moment of each
 * abort, since transactions go on meanwhile. Rejects with VoikError when the disk refuses.
 */
export async function abortStrays(
  isUnderWay: IsUnderWay,
  { broker, groups, clock, logger }: Surroundings & { logger: Logger },
): Promise<void> {
  for (const producerId of groups.pending.producers()) {
    if (!isUnderWay(producerId)) await groups.pending.end(producerId, false);
  }
  for (const stream of broker.listStreams()) {
    for (const { index, log } of stream.shards) {
      const strays = openIn(log).filter(
        ({ producerId }) => !isUnderWay(producerId, shardKey(stream.id, index)),
      );
      for (const stray of strays) {
        logger.warn("aborting a transaction that nobody knows", {
          stream: stream.name,
          shard: index,
          ...stray,
        });
        await mark(log, "abort", stray, clock);
      }
    }
    // Shards are many, and each may have a folder to read: others get their turn in between.
    await new Promise<void>((resolve) => clock.defer(resolve));
  }
}

/** What is open in a log; nothing where it can't be read. */
function openIn(log: ShardLog): readonly OpenTransaction[] {
  try {
    return log.openTransactions();
  } catch (error) {
    if (error instanceof VoikError) return [];
    throw error;
  }
}
