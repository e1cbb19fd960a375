/**
 * EndTxn: commits or aborts. Answered when the decision survives a crash and shows in every partition and group; where the
 * disk refuses the latter for now, CONCURRENT_TRANSACTIONS says that the decision stands and asks to try again.
 */
import { isFailure } from "../../transactions/transactions.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { EndTxnRequest, EndTxnResponse } from "../messages/26-end-txn.ts";
import { transactionErrorOf } from "../transaction-errors.ts";

const FIRST_VERSION_WITH_FENCED = 2;
const FIRST_VERSION_WITH_BUMP = 5;

export const endTxnHandler: Handler<BodyOf<typeof EndTxnRequest>, InputOf<typeof EndTxnResponse>> = async (
  { transactionalId, producerId, producerEpoch, committed },
  call,
) => {
  const by = { producerId, producerEpoch };
  const bump = call.version >= FIRST_VERSION_WITH_BUMP;
  const result = await call.context.transactions.end(transactionalId, by, committed, bump);
  if (!isFailure(result)) return { errorCode: KafkaError.none, ...result };
  return { errorCode: transactionErrorOf(result, call.version >= FIRST_VERSION_WITH_FENCED) };
};
