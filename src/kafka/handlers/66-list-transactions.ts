/** ListTransactions: the transactional ids that are known, by state, producer and duration. */
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { ListTransactionsRequest, ListTransactionsResponse } from "../messages/66-list-transactions.ts";
import { TRANSACTION_STATES, transactionStateOf } from "../transaction-errors.ts";

export const listTransactionsHandler: Handler<
  BodyOf<typeof ListTransactionsRequest>,
  InputOf<typeof ListTransactionsResponse>
> = ({ stateFilters, producerIdFilters, durationFilter = -1 }, call) => {
  const { transactions, clock } = call.context;
  const states = new Set(stateFilters.filter((state) => TRANSACTION_STATES.has(state)));
  const producers = new Set(producerIdFilters);
  const nowMs = clock.nowMs();
  const found = transactions
    .list()
    .map((transaction) => ({ transaction, transactionState: transactionStateOf(transaction) }))
    .filter(({ transaction, transactionState }) => {
      if (stateFilters.length > 0 && !states.has(transactionState)) return false;
      if (producers.size > 0 && !producers.has(transaction.producerId)) return false;
      if (durationFilter < 0) return true;
      return transaction.phase !== "empty" && nowMs - transaction.startedAtMs > durationFilter;
    });
  return {
    errorCode: KafkaError.none,
    unknownStateFilters: stateFilters.filter((state) => !TRANSACTION_STATES.has(state)),
    transactionStates: found.map(({ transaction: { id, producerId }, transactionState }) => ({
      transactionalId: id,
      producerId,
      transactionState,
    })),
  };
};
