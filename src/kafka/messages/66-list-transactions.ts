/** ListTransactions: the transactional ids that are known (KIP-664). Version 1 filters by duration (KIP-994). */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-1", flexible: "0+" };

export const ListTransactionsRequest = message("ListTransactionsRequest", ranges, {
  stateFilters: array("0+", string()),
  producerIdFilters: array("0+", int64()),
  durationFilter: int64("1+", { default: -1 }),
});

export const ListTransactionsResponse = message("ListTransactionsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("0+"),
  unknownStateFilters: array("0+", string()),
  transactionStates: array("0+", {
    transactionalId: string("0+"),
    producerId: int64("0+"),
    transactionState: string("0+"),
  }),
});

export const ListTransactions = {
  key: 66,
  name: "ListTransactions",
  request: ListTransactionsRequest,
  reply: ListTransactionsResponse,
};
