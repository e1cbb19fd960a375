/** Who may write with a transactional id, and see what others do with theirs. */
import { KafkaError } from "../errors.ts";
import { InitProducerId } from "../messages/22-init-producer-id.ts";
import { AddPartitionsToTxn } from "../messages/24-add-partitions-to-txn.ts";
import { AddOffsetsToTxn } from "../messages/25-add-offsets-to-txn.ts";
import { EndTxn } from "../messages/26-end-txn.ts";
import { TxnOffsetCommit } from "../messages/28-txn-offset-commit.ts";
import { DescribeTransactions } from "../messages/65-describe-transactions.ts";
import { ListTransactions } from "../messages/66-list-transactions.ts";
import { noTransaction } from "../transaction-errors.ts";
import { clusterDenied, guard, type Guard, groupDenied, takeDenied, topicDenied } from "./guard.ts";

const errorCode = KafkaError.transactionalIdAuthorizationFailed;
const FIRST_VERSION_OF_BROKERS = 4;

export const TRANSACTION_GUARDS: readonly Guard[] = [
  guard(InitProducerId, ({ transactionalId }, { may }) => {
    const refuse = (code: KafkaError) => ({ errorCode: code, producerId: -1, producerEpoch: -1 });
    if (transactionalId !== null)
      return may.transaction("write", transactionalId) ? undefined : refuse(errorCode);
    // Who may write anywhere may do so idempotently (KIP-679).
    if (may.cluster("idempotent-write") || may.anyTopic("write")) return undefined;
    return refuse(clusterDenied.errorCode);
  }),
  guard(AddPartitionsToTxn, (request, { may, call }) => {
    if (call.version >= FIRST_VERSION_OF_BROKERS) {
      if (may.cluster("cluster-action")) return undefined;
      return {
        errorCode: clusterDenied.errorCode,
        resultsByTransaction: [],
        resultsByTopicV3AndBelow: [],
      };
    }
    const { v3AndBelowTopics: topics, v3AndBelowTransactionalId: id } = request;
    const mayWrite = may.transaction("write", id);
    if (mayWrite && topics.every(({ name }) => may.topic("write", name))) return undefined;
    const codeOf = (name: string): KafkaError => {
      if (!mayWrite) return errorCode;
      return may.topic("write", name) ? KafkaError.operationNotAttempted : topicDenied.errorCode;
    };
    const resultsByTopicV3AndBelow = topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: codeOf(name),
      })),
    }));
    return { resultsByTransaction: [], resultsByTopicV3AndBelow };
  }),
  guard(AddOffsetsToTxn, ({ transactionalId, groupId }, { may }) => {
    if (!may.transaction("write", transactionalId)) return { errorCode };
    return may.group("read", groupId) ? undefined : { errorCode: groupDenied.errorCode };
  }),
  guard(EndTxn, ({ transactionalId }, { may }) =>
    may.transaction("write", transactionalId) ? undefined : { errorCode },
  ),
  guard(TxnOffsetCommit, ({ transactionalId, groupId, topics }, { may, amend }) => {
    const codes = (from: typeof topics, code: KafkaError) =>
      from.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
      }));
    if (!may.transaction("write", transactionalId)) return { topics: codes(topics, errorCode) };
    if (!may.group("read", groupId)) return { topics: codes(topics, groupDenied.errorCode) };
    const denied = codes(
      takeDenied(topics, ({ name }) => may.topic("read", name)),
      topicDenied.errorCode,
    );
    amend((reply) => ({ ...reply, topics: [...reply.topics, ...denied] }));
    return undefined;
  }),
  guard(DescribeTransactions, ({ transactionalIds }, { may, amend }) => {
    const denied = takeDenied(transactionalIds, (id) => may.transaction("describe", id)).map(
      (transactionalId) => noTransaction(transactionalId, errorCode),
    );
    amend((reply) => {
      const seen = reply.transactionStates.map((state) => ({
        ...state,
        topics: state.topics.filter(({ topic }) => may.topic("describe", topic)),
      }));
      return { ...reply, transactionStates: [...seen, ...denied] };
    });
    return undefined;
  }),
  guard(ListTransactions, (_request, { may, amend }) => {
    amend((reply) => ({
      ...reply,
      transactionStates: reply.transactionStates.filter(({ transactionalId }) =>
        may.transaction("describe", transactionalId),
      ),
    }));
    return undefined;
  }),
];
