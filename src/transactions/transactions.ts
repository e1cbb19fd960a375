/**
 * The face of the transactions that the Kafka edge uses. TransactionCoordinator (coordinator.ts) is the real one. What
 * can fail answers a TransactionFailure in place of what was asked for.
 */
import type { Identity, Transaction, TransactionFailure } from "./transaction.ts";

export interface Transactions {
  /**
   * A producer starts under a transactional id, or goes on under it after an error as `known`: whatever was open is
   * aborted first. Resolves to who it is from now on; everyone before it is fenced by then.
   */
  init(id: string, known: Identity | undefined, timeoutMs: number): Promise<Identity | TransactionFailure>;
  /** Takes shards (`shardKey`) and groups into the transaction; resolves when that survives a crash. */
  add(
    id: string,
    by: Identity,
    shards: readonly string[],
    groups: readonly string[],
  ): Promise<Identity | TransactionFailure>;
  /**
   * Commits or aborts; resolves to who the producer is from now on, with `bump` somebody new. By then the decision
   * survives a crash, and, unless the disk refuses, it shows everywhere.
   */
  end(id: string, by: Identity, commit: boolean, bump: boolean): Promise<Identity | TransactionFailure>;
  /** Why the producer may not write to this shard as a part of its transaction now; undefined when it may. */
  refusal(id: string, by: Identity, shard: string): TransactionFailure | undefined;
  /** Why it may not commit offsets of a group as a part of its transaction now; undefined when it may. */
  groupRefusal(id: string, by: Identity, groupId: string): TransactionFailure | undefined;
  /**
   * Takes in a shard that the producer writes to without having said so (KIP-890). Whoever joins the same shard goes on
   * in the order of joining, and has to ask `refusal` again then.
   */
  join(id: string, by: Identity, shard: string): Promise<Identity | TransactionFailure>;
  /** How far a transactional id is; undefined when it is unknown. */
  describe(id: string): Transaction | undefined;
  list(): readonly Transaction[];
}

export function isFailure(result: Identity | TransactionFailure): result is TransactionFailure {
  return typeof result === "string";
}
