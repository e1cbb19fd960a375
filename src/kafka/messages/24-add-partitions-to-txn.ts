/**
 * AddPartitionsToTxn: a producer is about to write to these partitions (KIP-98). Version 2 brings PRODUCER_FENCED, 3
 * flexible fields, 4 many transactions at once, which only brokers ask for, 5 other error codes (KIP-890).
 */
import { array, bool, int16, int32, int64, string } from "../codec/fields.ts";
import { message } from "../codec/message.ts";

const ranges = { versions: "0-5", flexible: "3+" };
const topics = { name: string("0+"), partitions: array("0+", int32()) };
const results = {
  name: string("0+"),
  resultsByPartition: array("0+", { partitionIndex: int32("0+"), partitionErrorCode: int16("0+") }),
};

export const AddPartitionsToTxnRequest = message("AddPartitionsToTxnRequest", ranges, {
  transactions: array("4+", {
    transactionalId: string("4+"),
    producerId: int64("4+"),
    producerEpoch: int16("4+"),
    verifyOnly: bool("4+", { default: false }),
    topics: array("4+", topics),
  }),
  v3AndBelowTransactionalId: string("0-3", { default: "" }),
  v3AndBelowProducerId: int64("0-3", { default: 0 }),
  v3AndBelowProducerEpoch: int16("0-3", { default: 0 }),
  v3AndBelowTopics: array("0-3", topics),
});

export const AddPartitionsToTxnResponse = message("AddPartitionsToTxnResponse", ranges, {
  throttleTimeMs: int32("0+", { default: 0 }),
  errorCode: int16("4+", { default: 0 }),
  resultsByTransaction: array("4+", { transactionalId: string("4+"), topicResults: array("4+", results) }),
  resultsByTopicV3AndBelow: array("0-3", results),
});

export const AddPartitionsToTxn = {
  key: 24,
  name: "AddPartitionsToTxn",
  request: AddPartitionsToTxnRequest,
  reply: AddPartitionsToTxnResponse,
};
