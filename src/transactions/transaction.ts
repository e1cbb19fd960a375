/**
 * A transactional producer as a value: who may write under its id, and how far its transaction is. `step` (step.ts)
 * turns it and an event into the next one and an answer; nothing here reads a clock or does I/O.
 *
 *                 first partition or group            client: commit        all markers and offsets are durable
 *   empty ------------------------------> ongoing -----------------> committing ------------------------------> empty
 *     ^                                      |  client: abort, time is up, or the id is taken by another
 *     |                                      +-----------------> aborting -------------------------------------> empty
 *     + a new epoch, at every start of a producer
 *
 * Kafka's names: Empty, Ongoing, PrepareCommit, PrepareAbort; an empty one that has ended a transaction is called
 * CompleteCommit or CompleteAbort. Whoever comes with an older epoch is fenced: another producer has taken the id, or the
 * broker has given up on this one. A decision, once durable, is carried out whatever happens.
 */

export type Phase = "empty" | "ongoing" | "committing" | "aborting";
export type Outcome = "committed" | "aborted";

/** Who writes: a producer id at an epoch. */
export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface Transaction extends Identity {
  readonly id: string;
  readonly phase: Phase;
  /** How the last transaction ended; undefined before the first. */
  readonly outcome: Outcome | undefined;
  /** Whom this identity replaced, while a lost answer may be asked for again under it. */
  readonly previous: Identity | undefined;
  /** While it ends: the producer id that takes over at epoch 0, because this one has no epochs left. */
  readonly nextProducerId: number | undefined;
  readonly timeoutMs: number;
  /** Shards that it has written to or is about to, as `shardKey` names them. */
  readonly shards: ReadonlySet<string>;
  /** Groups in whose name it commits offsets. */
  readonly groups: ReadonlySet<string>;
  /** Wall time of its beginning and of its last change, for people and for forgetting unused ids. */
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

export const EPOCH_MAX = 2 ** 15 - 1;
/** The last epoch is kept for fencing: a producer never gets it. */
const EPOCH_GIVEN_MAX = EPOCH_MAX - 1;

/** Why a request is refused; the Kafka edge maps each to a code. */
export const TRANSACTION_FAILURES = [
  "id_invalid",
  "timeout_invalid",
  "producer_unknown",
  "producer_fenced",
  "ending",
  "state_invalid",
  "limit_exceeded",
  "unavailable",
] as const;
export type TransactionFailure = (typeof TRANSACTION_FAILURES)[number];

export type TransactionEvent =
  /** A producer starts, or goes on after an error as `known`. `spareId` is used for a new id and when epochs run out. */
  | {
      readonly kind: "init";
      readonly known: Identity | undefined;
      readonly timeoutMs: number;
      readonly spareId: number;
    }
  /** It is about to write to shards, or to commit offsets of groups. */
  | {
      readonly kind: "add";
      readonly by: Identity;
      readonly shards: readonly string[];
      readonly groups: readonly string[];
    }
  /** It ends its transaction; with `bump` it gets another identity for the next one (KIP-890). */
  | {
      readonly kind: "end";
      readonly by: Identity;
      readonly commit: boolean;
      readonly bump: boolean;
      readonly spareId: number;
    }
  /** The broker's own: it has taken longer than it said. */
  | { readonly kind: "expire" }
  /** The broker's own: what was decided has been carried out, durably. */
  | { readonly kind: "ended" };

export interface TransactionLimits {
  /** Longest time that a producer may ask for. */
  readonly timeoutMsMax: number;
  /** Shards and groups of one transaction. */
  readonly membersMax: number;
}

/** What a step answers: a refusal, an identity, or to ask again when the end that is under way is over. */
export type TransactionAnswer =
  | { readonly kind: "failure"; readonly failure: TransactionFailure }
  | { readonly kind: "ok"; readonly identity: Identity }
  | { readonly kind: "later" };

/** How a shard is named here: by its stream's id, which no other stream ever has. */
export function shardKey(streamId: string, index: number): string {
  return `${streamId}/${index}`;
}

export function parseShardKey(key: string): { streamId: string; index: number } {
  const slash = key.lastIndexOf("/");
  return { streamId: key.slice(0, slash), index: Number(key.slice(slash + 1)) };
}

export function sameIdentity(a: Identity | undefined, b: Identity): boolean {
  return a !== undefined && a.producerId === b.producerId && a.producerEpoch === b.producerEpoch;
}

export function isEnding({ phase }: Transaction): boolean {
  return phase === "committing" || phase === "aborting";
}

/** Whether its next identity needs another producer id. */
export function needsSpareId(transaction: Transaction | undefined): boolean {
  return transaction === undefined || transaction.producerEpoch >= EPOCH_GIVEN_MAX;
}
