/**
 * AddPartitionsToTxn: takes partitions into a transaction before the first record goes there. All of them or none: where
 * one does not exist, the others answer that nothing was attempted.
 */
import type { Identity } from "../../transactions/transaction.ts";
import { shardKey } from "../../transactions/transaction.ts";
import { isFailure } from "../../transactions/transactions.ts";
import type { Call, Handler } from "../call.ts";
import type { BodyOf, InputOf } from "../codec/message.ts";
import { shardAt } from "../context.ts";
import { KafkaError } from "../errors.ts";
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from "../messages/24-add-partitions-to-txn.ts";
import { transactionErrorOf } from "../transaction-errors.ts";

type Request = BodyOf<typeof AddPartitionsToTxnRequest>;
type Reply = InputOf<typeof AddPartitionsToTxnResponse>;
type Topics = Request["v3AndBelowTopics"];
type Results = Reply["resultsByTopicV3AndBelow"];

const FIRST_VERSION_WITH_FENCED = 2;
const FIRST_VERSION_WITH_MANY = 4;

export const addPartitionsToTxnHandler: Handler<Request, Reply> = async (request, call) => {
  if (call.version < FIRST_VERSION_WITH_MANY) {
    const by = {
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
    };
    const results = await add(request.v3AndBelowTransactionalId, by, request.v3AndBelowTopics, false, call);
    return { resultsByTransaction: [], resultsByTopicV3AndBelow: results };
  }
  const resultsByTransaction: Reply["resultsByTransaction"][number][] = [];
  for (const { transactionalId, producerId, producerEpoch, verifyOnly, topics } of request.transactions) {
    const by = { producerId, producerEpoch };
    const topicResults = await add(transactionalId, by, topics, verifyOnly, call);
    resultsByTransaction.push({ transactionalId, topicResults });
  }
  return { resultsByTransaction, resultsByTopicV3AndBelow: [] };
};

async function add(
  id: string,
  by: Identity,
  topics: Topics,
  verifyOnly: boolean,
  call: Call,
): Promise<Results> {
  const { broker, transactions } = call.context;
  const keys: string[] = [];
  let missing = false;
  const found = topics.map(({ name, partitions }) => {
    const stream = broker.streamByName(name);
    return partitions.map((index) => {
      const key = stream && shardAt(stream, index) ? shardKey(stream.id, index) : undefined;
      if (key === undefined) missing = true;
      else keys.push(key);
      return key;
    });
  });
  const codeOf = (failure: Parameters<typeof transactionErrorOf>[0] | undefined) =>
    failure === undefined
      ? KafkaError.none
      : transactionErrorOf(failure, call.version >= FIRST_VERSION_WITH_FENCED);
  let code: KafkaError = KafkaError.operationNotAttempted;
  if (!missing && !verifyOnly) {
    const result = await transactions.add(id, by, keys, []);
    code = codeOf(isFailure(result) ? result : undefined);
  }
  const codeAt = (key: string | undefined): KafkaError => {
    if (key === undefined) return KafkaError.unknownTopicOrPartition;
    return missing || !verifyOnly ? code : codeOf(transactions.refusal(id, by, key));
  };
  return topics.map(({ name, partitions }, i) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex, j) => ({
      partitionIndex,
      partitionErrorCode: codeAt(found[i]?.[j]),
    })),
  }));
}
