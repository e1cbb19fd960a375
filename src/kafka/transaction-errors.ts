/** Kafka's codes for what transactions refuse, and its words for how far they are. */
import type { Transaction, TransactionFailure } from "../transactions/transaction.ts";
import { KafkaError } from "./errors.ts";

const BY_FAILURE: Record<TransactionFailure, KafkaError> = {
  id_invalid: KafkaError.invalidRequest,
  timeout_invalid: KafkaError.invalidTransactionTimeout,
  producer_unknown: KafkaError.invalidProducerIdMapping,
  producer_fenced: KafkaError.producerFenced,
  ending: KafkaError.concurrentTransactions,
  state_invalid: KafkaError.invalidTxnState,
  limit_exceeded: KafkaError.policyViolation,
  // Retriable, for every client: a full disk may have space again, a stopped voik may be back.
  unavailable: KafkaError.coordinatorNotAvailable,
};

/** The code of a failure. Clients that came before PRODUCER_FENCED are told INVALID_PRODUCER_EPOCH. */
export function transactionErrorOf(failure: TransactionFailure, knowsFenced: boolean): KafkaError {
  if (failure === "producer_fenced" && !knowsFenced) return KafkaError.invalidProducerEpoch;
  return BY_FAILURE[failure];
}

/**
 * The code for what could not be written as a part of a transaction: INVALID_PRODUCER_EPOCH for who is fenced. Clients that
 * know TRANSACTION_ABORTABLE (Produce 11, TxnOffsetCommit 4: KIP-890) are told so that aborting is enough to go on.
 */
export function writeErrorOf(failure: TransactionFailure, knowsAbortable: boolean): KafkaError {
  if (failure === "state_invalid" && knowsAbortable) return KafkaError.transactionAbortable;
  return transactionErrorOf(failure, false);
}

/** What Kafka's tools call it. */
export function transactionStateOf({ phase, outcome }: Transaction): string {
  switch (phase) {
    case "ongoing":
      return "Ongoing";
    case "committing":
      return "PrepareCommit";
    case "aborting":
      return "PrepareAbort";
    case "empty":
      if (outcome === undefined) return "Empty";
      return outcome === "committed" ? "CompleteCommit" : "CompleteAbort";
  }
}

/** All names that `transactionStateOf` gives, and those that Kafka has besides. */
export const TRANSACTION_STATES: ReadonlySet<string> = new Set([
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
  "PrepareEpochFence",
  "Dead",
]);

/** What DescribeTransactions says of an id of which nothing is known, or may be told. */
export function noTransaction(transactionalId: string, errorCode: KafkaError) {
  return {
    errorCode,
    transactionalId,
    transactionState: "",
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: -1,
    producerEpoch: -1,
    topics: [],
  };
}
