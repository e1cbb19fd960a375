/** DescribeTransactions: how far transactional producers are (KIP-664). */
import { array, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0", flexible: "0+" };

export const DescribeTransactionsRequest = message("DescribeTransactionsRequest", ranges, {
  transactionalIds: array("0+", string()),
});

export const DescribeTransactionsResponse = message("DescribeTransactionsResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  transactionStates: array("0+", {
    errorCode: int16("0+"),
    transactionalId: string("0+"),
    transactionState: string("0+"),
    transactionTimeoutMs: int32("0+"),
    transactionStartTimeMs: int64("0+"),
    producerId: int64("0+"),
    producerEpoch: int16("0+"),
    topics: array("0+", { topic: string("0+"), partitions: array("0+", int32()) }),
  }),
});

export const DescribeTransactions = {
  key: 65,
  name: "DescribeTransactions",
  request: DescribeTransactionsRequest,
  reply: DescribeTransactionsResponse,
};
