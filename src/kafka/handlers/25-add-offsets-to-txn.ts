/** AddOffsetsToTxn: takes a group's offsets into a transaction before they are committed. */
import { isFailure } from "../../transactions/transactions.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { KafkaError } from "../errors.ts";
import type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from "../messages/25-add-offsets-to-txn.ts";
import { transactionErrorOf } from "../transaction-errors.ts";

const FIRST_VERSION_WITH_FENCED = 2;

export const addOffsetsToTxnHandler: Handler<
  BodyOf<typeof AddOffsetsToTxnRequest>,
  InputOf<typeof AddOffsetsToTxnResponse>
> = async ({ transactionalId, producerId, producerEpoch, groupId }, call) => {
  if (groupId === "") return { errorCode: KafkaError.invalidGroupId };
  const by = { producerId, producerEpoch };
  const result = await call.context.transactions.add(transactionalId, by, [], [groupId]);
  if (!isFailure(result)) return { errorCode: KafkaError.none };
  return { errorCode: transactionErrorOf(result, call.version >= FIRST_VERSION_WITH_FENCED) };
};
