/** DescribeTransactions: how far transactional producers are, and which partitions they have taken in. */
import { parseShardKey, type Transaction } from "../../transactions/transaction.ts";
import type { Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import type { KafkaContext } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from "../messages/65-describe-transactions.ts";
import { noTransaction, transactionStateOf } from "../transaction-errors.ts";

type Reply = InputOf<typeof DescribeTransactionsResponse>;

export const describeTransactionsHandler: Handler<BodyOf<typeof DescribeTransactionsRequest>, Reply> = (
  { transactionalIds },
  call,
) => ({
  transactionStates: transactionalIds.map((transactionalId) => {
    const transaction = call.context.transactions.describe(transactionalId);
    if (transaction === undefined) {
      const errorCode =
        transactionalId === "" ? KafkaError.invalidRequest : KafkaError.transactionalIdNotFound;
      return noTransaction(transactionalId, errorCode);
    }
    return {
      errorCode: KafkaError.none,
      transactionalId,
      transactionState: transactionStateOf(transaction),
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStartTimeMs: transaction.phase === "empty" ? -1 : transaction.startedAtMs,
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      topics: topicsOf(transaction, call.context),
    };
  }),
});

function topicsOf({ shards }: Transaction, { broker }: KafkaContext) {
  const topics = new Map<string, number[]>();
  for (const key of shards) {
    const { streamId, index } = parseShardKey(key);
    const stream = broker.streamById(streamId);
    if (!stream) continue;
    const partitions = topics.get(stream.name) ?? [];
    partitions.push(index);
    topics.set(stream.name, partitions);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
